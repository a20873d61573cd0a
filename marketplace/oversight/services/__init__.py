"""Change: the sales log's read model (`sales`), the evidence of contracts, for whoever may read it (`evidence`),
and whom we no longer act for (`partners`).
"""

from marketplace.oversight.services.books import check_books
from marketplace.oversight.services.evidence import (
    KEPT,
    PATIENCE,
    ask_bundle,
    drop_old_bundles,
    make_bundle,
    note_look,
    note_reading,
    note_replay,
)
from marketplace.oversight.services.partners import end_cooperations
from marketplace.oversight.services.pictures import take_pictures_later
from marketplace.oversight.services.sales import (
    catch_up,
    note_message,
    rebuild,
    refresh_application,
    refresh_comparison,
    refresh_order,
    refresh_policy,
)
from marketplace.oversight.services.sampling import check_sampled, draw_monthly, draw_sample, read_sample

__all__ = (
    "KEPT",
    "PATIENCE",
    "ask_bundle",
    "catch_up",
    "check_books",
    "check_sampled",
    "draw_monthly",
    "draw_sample",
    "drop_old_bundles",
    "end_cooperations",
    "make_bundle",
    "note_look",
    "note_message",
    "note_reading",
    "note_replay",
    "read_sample",
    "rebuild",
    "refresh_application",
    "refresh_comparison",
    "refresh_order",
    "refresh_policy",
    "take_pictures_later",
)
