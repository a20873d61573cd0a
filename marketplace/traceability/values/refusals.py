"""What is refused about evidence, and why."""

from marketplace.kernel.errors import Conflict, Invalid, NotFound, Refused, Unavailable


class TrailUnavailable(Unavailable):
    """What happens on this page cannot be recorded at the moment, so it cannot go on."""

    code = "traceability:trail-unavailable"


class JourneyNotFound(NotFound):
    """There is no such journey."""

    code = "traceability:journey-not-found"


class EntryNotFound(NotFound):
    """There is no such entry, or it holds no page."""

    code = "traceability:entry-not-found"


class NotInLogYet(Unavailable):
    """This entry is recorded and will be in the log within moments. Please try again."""

    code = "traceability:not-in-log-yet"


class EvidenceIncomplete(Unavailable):
    """What happened last in this contract is recorded and not in the log yet. Please try again in a moment."""

    code = "traceability:evidence-incomplete"


class NoEvidence(NotFound):
    """Nothing is recorded of such a contract."""

    code = "traceability:no-evidence"


class LogAltered(Unavailable):
    """Something is missing in the log that was signed. Nothing of it is handed out until somebody has looked."""

    code = "traceability:log-altered"


class LogIsEmpty(NotFound):
    """The log holds nothing yet, or not that part of it."""

    code = "traceability:log-is-empty"


class PageVersionNotFound(NotFound):
    """There is no such version of a page."""

    code = "traceability:page-version-not-found"


class PagesNotReleased(Unavailable):
    """Insurance is not sold at the moment: the pages as they are now were not released, or not all of them is kept."""

    code = "traceability:pages-not-released"


class ReviewerNeeded(Refused):
    """Pages are released by two persons: somebody else than their author has to review them."""

    code = "traceability:reviewer-needed"


class RecordingInvalid(Invalid):
    """This is no recording of a page of ours."""

    code = "traceability:recording-invalid"

    def __init__(self, what: str) -> None:
        super().__init__({"recording": what})


class RecordingClosed(Conflict):
    """What is done on this page is not recorded any more."""

    code = "traceability:recording-closed"
