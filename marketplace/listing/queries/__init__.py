"""Questions to listing: what came, what was found, what would change, where each upload stands; rate cards."""

from marketplace.listing.intake.rate_card import LongTable
from marketplace.listing.intake.wording import explain
from marketplace.listing.queries.files import XLSX, marked_copy, template
from marketplace.listing.queries.rate_cards import (
    files_of_upload,
    long_table,
    newest_products,
    rate_card,
    rate_cards,
    read_card,
    unnamed_labels,
)
from marketplace.listing.queries.uploads import (
    compared_with,
    draft,
    drafts_of,
    files_used,
    findings_json,
    may_be_uploaded_again,
    may_take,
    own_upload,
    read,
    some_risks,
    steps_of,
    tried,
    upload,
    uploads_in,
    uploads_of_insurer,
)

__all__ = [
    "XLSX",
    "LongTable",
    "compared_with",
    "draft",
    "drafts_of",
    "explain",
    "files_of_upload",
    "files_used",
    "findings_json",
    "long_table",
    "marked_copy",
    "may_be_uploaded_again",
    "may_take",
    "newest_products",
    "own_upload",
    "rate_card",
    "rate_cards",
    "read",
    "read_card",
    "some_risks",
    "steps_of",
    "template",
    "tried",
    "unnamed_labels",
    "upload",
    "uploads_in",
    "uploads_of_insurer",
]
