"""What decisions of underwriting are called, for staff."""

from marketplace.catalog.values import Outcome
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.underwriting.values import Decision, RecordedDecision

_NAMES: dict[Outcome, str] = {
    Outcome.ACCEPT: _l("accepted"),
    Outcome.LOAD: _l("accepted for an extra premium"),
    Outcome.EXCLUDE: _l("accepted without some of the cover"),
    Outcome.REFER: _l("referred to a person"),
    Outcome.POSTPONE: _l("postponed"),
    Outcome.DECLINE: _l("declined"),
}
_LED_TO: dict[Outcome, str] = {
    Outcome.LOAD: _l("This answer asks for an extra premium."),
    Outcome.EXCLUDE: _l("This answer takes some of the cover out."),
    Outcome.REFER: _l("This answer had the application referred."),
    Outcome.POSTPONE: _l("This answer had the application postponed."),
    Outcome.DECLINE: _l("This answer had the application declined."),
}


def outcome_name(outcome: Outcome) -> str:
    return str(_NAMES[outcome])


def outcome_words(decision: Decision) -> str:
    return _("It would be %(outcome)s", outcome=outcome_name(decision.outcome))


def decision_words(decision: RecordedDecision) -> str:
    """Who decided what, the guideline or a person."""
    name = outcome_name(decision.outcome)
    if decision.by_guideline:
        return _("By the guideline: %(outcome)s", outcome=name)
    return _("By an underwriter: %(outcome)s", outcome=name)


def reason_words(outcome: Outcome) -> str:
    """What an answer that was not simply accepted led to."""
    return str(_LED_TO[outcome])
