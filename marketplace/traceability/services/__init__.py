"""Write evidence: what is done and shown (`recording`), what pages are released and online (`releasing`), what browsers
record of what is done on them (`interactions`), and when the log was how large (`stamping`).
"""

from marketplace.traceability.services.interactions import (
    keep_interactions,
    keep_recording,
)
from marketplace.traceability.services.recording import (
    begin_visit,
    record_act,
    record_leaving,
    record_of_log,
    record_reading,
    record_rotation,
    record_view,
    start_journey,
)
from marketplace.traceability.services.references import make_recording_reference, make_reference
from marketplace.traceability.services.releasing import ensure_page_version, put_online, release_pages
from marketplace.traceability.services.stamping import stamp_log

__all__ = (
    "begin_visit",
    "ensure_page_version",
    "keep_interactions",
    "keep_recording",
    "make_recording_reference",
    "make_reference",
    "put_online",
    "record_act",
    "record_leaving",
    "record_of_log",
    "record_reading",
    "record_rotation",
    "record_view",
    "release_pages",
    "stamp_log",
    "start_journey",
)
