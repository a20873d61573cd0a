"""The public words of the catalog."""

from marketplace.catalog.values.content import (
    Commission,
    Cover,
    DocumentKind,
    DocumentRef,
    Exclusion,
    Frequency,
    GuidelineRule,
    KeyFacts,
    LimitationKind,
    Outcome,
    Payment,
    ProductContent,
    Profile,
    Question,
    RowValue,
    ServiceKind,
    ServiceMode,
    SumLimit,
    Term,
    TermUnit,
    content_schema,
    read_content,
)
from marketplace.catalog.values.factors import (
    Allowed,
    Choice,
    Factor,
    FactorKind,
    Line,
    LineDefinition,
    Record,
    Risk,
    Row,
    RowSource,
    Scalar,
    is_day,
)
from marketplace.catalog.values.lines import LINES
from marketplace.catalog.values.profiles import Unmet, unmet_demands

__all__ = [
    "LINES", "Allowed", "Choice", "Commission", "Cover", "DocumentKind", "DocumentRef", "Exclusion", "Factor",
    "FactorKind", "Frequency", "GuidelineRule", "KeyFacts", "LimitationKind", "Line", "LineDefinition", "Outcome",
    "Payment", "ProductContent", "Profile", "Question", "Record", "Risk", "Row", "RowSource", "RowValue", "Scalar", "ServiceKind",
    "ServiceMode", "SumLimit", "Term", "TermUnit", "Unmet", "content_schema", "is_day", "read_content", "unmet_demands",
]  # fmt: skip
