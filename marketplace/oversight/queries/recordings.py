"""What browsers recorded of the pages of a sale, and where that disagrees with what their forms brought."""

import json
import logging
from uuid import UUID

from marketplace.kernel.errors import MarketplaceError
from marketplace.oversight import rules
from marketplace.oversight.queries.sales import sale
from marketplace.oversight.values import Recorded
from marketplace.traceability import queries as trail

log = logging.getLogger(__name__)


def recorded(sale_id: UUID) -> Recorded:
    """Of a sale; nothing without an application. What cannot be read keeps nobody from the sale: it is told as that.

    Raises SaleNotFound.
    """
    found = sale(sale_id)
    if found.application_id is None:
        return Recorded((), ())
    try:
        kept = trail.recordings_of(found.application_id)
    except MarketplaceError as error:
        log.error("ALARM what browsers recorded of a sale cannot be read: %s", error)  # noqa: TRY400  known errors
        return Recorded((), (), readable=False)
    told = {each.view_id: json.loads(each.data) for each in kept}
    entries = trail.entries_of_application(found.application_id)
    return Recorded(tuple(each.view_id for each in kept), rules.disagreements(told, entries))
