"""Ask the sales log, tell a sale's trail in words, whether what the features say agrees, for evidence, for accounts
with insurers, and for public notices.
"""

from marketplace.oversight.queries.bordereaux import bordereau, latest_share_lines, statement
from marketplace.oversight.queries.compliance import survey
from marketplace.oversight.queries.contradictions import contradictions, contradictions_of
from marketplace.oversight.queries.evidence import (
    bundle,
    bundle_bytes,
    bundles_of,
    contracts_in,
    readings_of,
    reason_given,
)
from marketplace.oversight.queries.notices import notices
from marketplace.oversight.queries.recordings import recorded, recording
from marketplace.oversight.queries.sales import (
    readings,
    sale,
    sale_of_application,
    sales,
    sales_of_applications,
    sales_of_orders,
    state_counts,
)
from marketplace.oversight.queries.samples import report_overdue, require_sample, samples
from marketplace.oversight.queries.soundness import broken, disagreements, under_way
from marketplace.oversight.queries.timeline import timeline, views, visits
from marketplace.oversight.queries.words import disagreement_words, gap_words, page_words

__all__ = [
    "bordereau",
    "broken",
    "bundle",
    "bundle_bytes",
    "bundles_of",
    "contracts_in",
    "contradictions",
    "contradictions_of",
    "disagreement_words",
    "disagreements",
    "gap_words",
    "latest_share_lines",
    "notices",
    "page_words",
    "readings",
    "readings_of",
    "reason_given",
    "recorded",
    "recording",
    "report_overdue",
    "require_sample",
    "sale",
    "sale_of_application",
    "sales",
    "sales_of_applications",
    "sales_of_orders",
    "samples",
    "state_counts",
    "statement",
    "survey",
    "timeline",
    "under_way",
    "views",
    "visits",
]
