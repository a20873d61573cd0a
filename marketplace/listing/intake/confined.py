"""Files of insurers are opened in a process of their own (`infra.confinement`); its answer is read as JSON of the
expected shape. A file that ends it is one finding.
"""

from collections.abc import Sequence

import structlog
from pydantic import ValidationError

from marketplace.infra.confinement import Limits, NoAnswer, NoAnswerError, Nursery
from marketplace.listing.intake import passage, unpack
from marketplace.listing.intake.passage import Marks
from marketplace.listing.values import Files, Finding, Grid, Measure, Measured, Reading

LIMITS = Limits()
_nursery = Nursery("marketplace.listing.intake.child")
log = structlog.get_logger()


def read_confined(data: bytes, insurer: str, limits: Limits = LIMITS) -> Reading:
    """What `read_container` gives, read in a child process; too much memory or time, or an abrupt end, is a finding."""
    try:
        return passage.reading_from_json(_ask(["read", insurer], data, limits))
    except NoAnswerError as none:
        return Reading((why_not_read(none),))
    except ValidationError:
        log.warning("listing.reading_not_understood")
        return Reading((Finding("", "reading_failed"),))


def mark_confined(data: bytes, marks: Marks) -> bytes:
    """The marked copy of an upload. Raises NoAnswerError where it cannot be opened."""
    return _ask(["mark"], passage.to_mark(data, marks))


def grid_confined(data: bytes) -> Grid:
    """The cells of a rate card, read in a child process."""
    try:
        return passage.grid_from_json(_ask(["grid"], data))
    except NoAnswerError as none:
        return Grid((), (why_not_read(none),))


def files_confined(data: bytes) -> Files:
    """The text files that an upload amounts to; none where it cannot be opened."""
    try:
        return unpack(_ask(["files"], data))[0]
    except NoAnswerError:
        return {}


def measure_confined(measures: Sequence[Measure], limits: Limits = LIMITS) -> tuple[Measured, ...]:
    """What `intake.measuring` says of each, in one child process; none is needed where nothing is to be compared.

    Raises NoAnswerError.
    """
    if not any(each.before or each.offers for each in measures):
        return tuple(Measured() for _ in measures)
    try:
        found = passage.measured_from_json(_ask(["measure"], passage.measures_to_json(measures), limits))
    except ValidationError:
        found = ()
    if len(found) != len(measures):
        log.warning("listing.measures_not_understood")
        raise NoAnswerError(NoAnswer.FAILED, 0)
    return found


def _ask(task: list[str], data: bytes, limits: Limits = LIMITS) -> bytes:
    try:
        return _nursery.ask(task, data, limits)
    except NoAnswerError as none:
        if none.why is NoAnswer.FAILED:
            log.warning("listing.reading_failed", ended=none.ended, said=none.said)
        raise


def why_not_read(none: NoAnswerError) -> Finding:
    """The one finding about a file that took too much, or ended its process."""
    return Finding("", f"reading_{none.why}")
