"""What is kept of applications and payments to find patterns: blind indexes in the place of people and answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.screening.values.declared import RuleCode


class TraceKind(StrEnum):
    """What happened: an application was submitted, paid for, or its money went back."""

    APPLIED = "applied"
    PAID = "paid"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Trace:
    """`person` applied, `insured` is insured, `instrument` paid: equal ones are equal indexes. `death_minor` is the sum
    paid on death, `premium_minor` that of all payments, `sum_minor` the sum insured; `answers` by question, as indexes.
    """

    kind: TraceKind
    application_id: UUID
    insurer_id: UUID
    person: str
    insured: str
    at: datetime
    currency: str
    death_minor: int = 0
    premium_minor: int = 0
    sum_minor: int = 0
    answers: Mapping[str, str] = field(default_factory=dict)
    instrument: str | None = None
    payer_fits: bool | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """That a rule's pattern is there. `subject` is whom or what it is about; `numbers` are what the rule counted."""

    rule: RuleCode
    subject: str
    application_ids: tuple[UUID, ...]
    numbers: Mapping[str, Any]
