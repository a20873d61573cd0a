"""Ask: what was done and shown (`trail`), what of it the verifiable log proves (`log`), which pages were released and
online (`releases`).

Read as `marketplace_reader`: only what is committed, and never through the site's own role.
"""

from marketplace.traceability.queries.log import (
    checkpoint,
    checkpoint_size,
    log_entries,
    log_hashes,
    log_proof,
    readings,
    trust_policy,
    waiting_seconds,
)
from marketplace.traceability.queries.references import (
    reference,
    shown_to_different_people,
    versions_without_reference,
)
from marketplace.traceability.queries.releases import (
    count_online,
    files_used,
    history_of,
    not_kept,
    page_version_at,
    pages_ever_online,
    pages_online,
    release_of,
    releases,
    seen,
)
from marketplace.traceability.queries.trail import (
    entries_of_application,
    entry,
    envelopes_of_journey,
    idle_journeys,
    journey,
    journey_entries,
    page_bytes,
    page_version,
    page_versions,
    pages_of_journey,
    visits_since,
)

__all__ = (
    "checkpoint",
    "checkpoint_size",
    "count_online",
    "entries_of_application",
    "entry",
    "envelopes_of_journey",
    "files_used",
    "history_of",
    "idle_journeys",
    "journey",
    "journey_entries",
    "log_entries",
    "log_hashes",
    "log_proof",
    "not_kept",
    "page_bytes",
    "page_version",
    "page_version_at",
    "page_versions",
    "pages_ever_online",
    "pages_of_journey",
    "pages_online",
    "readings",
    "reference",
    "release_of",
    "releases",
    "seen",
    "shown_to_different_people",
    "trust_policy",
    "versions_without_reference",
    "visits_since",
    "waiting_seconds",
)
