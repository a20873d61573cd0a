"""Ask: what was done and shown (`trail`), what of it the verifiable log proves (`log`), and both of one
contract (`evidence`).

Read as `marketplace_reader`: only what is committed, and never through the site's own role.
"""

from marketplace.traceability.queries.evidence import (
    core_files,
    extract,
    journey_head,
    receipt,
    receipt_or_none,
    receipt_soon,
    worth_waiting,
    wrapper_files,
    zipped,
)
from marketplace.traceability.queries.log import (
    checkpoint,
    checkpoint_size,
    log_entries,
    log_hashes,
    log_key,
    log_proof,
    readings,
    trust_policy,
    waiting_seconds,
)
from marketplace.traceability.queries.trail import (
    entries_of_application,
    entry,
    envelopes_of_journey,
    idle_journeys,
    journey,
    journey_entries,
    latest_view,
    page_bytes,
    page_version,
    page_versions,
    pages_of_journey,
    visits_since,
)

__all__ = (
    "checkpoint",
    "checkpoint_size",
    "core_files",
    "entries_of_application",
    "entry",
    "envelopes_of_journey",
    "extract",
    "idle_journeys",
    "journey",
    "journey_entries",
    "journey_head",
    "latest_view",
    "log_entries",
    "log_hashes",
    "log_key",
    "log_proof",
    "page_bytes",
    "page_version",
    "page_versions",
    "pages_of_journey",
    "readings",
    "receipt",
    "receipt_or_none",
    "receipt_soon",
    "trust_policy",
    "visits_since",
    "waiting_seconds",
    "worth_waiting",
    "wrapper_files",
    "zipped",
)
