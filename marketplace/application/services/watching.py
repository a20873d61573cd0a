"""Whether insurers decide in the time that applicants are promised."""

import logging

from marketplace.application import queries
from marketplace.underwriting import queries as underwriting

log = logging.getLogger(__name__)


def watch_referrals() -> int:
    """Ring while referred applications wait for their insurer longer than promised. Returns how many do."""
    waits = underwriting.waits(queries.referred_ids())
    overdue = [each for each in waits.values() if each.overdue]
    if overdue:
        log.error(
            "ALARM %s referred applications wait for their insurer longer than promised, the first since %s",
            len(overdue),
            overdue[0].since.isoformat(timespec="minutes"),
        )
    return len(overdue)
