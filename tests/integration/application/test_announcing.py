"""The applicant is told by mail when the insurer has not simply accepted."""

import pytest

from marketplace.application import jobs
from marketplace.application.values import ApplicationSubmitted, Step
from marketplace.catalog.values import Outcome
from marketplace.correspondence import queries as correspondence
from tests.factories.accounts import an_insurer
from tests.factories.application import an_application
from tests.factories.quoting import a_content, a_question, an_offer, publish

pytestmark = pytest.mark.usefixtures("database", "ticking_clock")

QUESTIONS = (a_question("heart", Outcome.DECLINE), a_question("back"))


def mails() -> list[tuple[str, str, str]]:
    """Kind, recipient and locale of every message queued."""
    return [(each.kind, each.recipient, each.locale) for each in reversed(correspondence.inbox())]


@pytest.mark.parametrize(
    ("step", "yes", "told"),
    [
        (Step.PAY, (), []),
        (Step.REFERRED, ("back",), [("application_referred", "guest@example.com", "zh_Hans_CN")]),
        (Step.DECLINED, ("heart",), [("application_declined", "guest@example.com", "zh_Hans_CN")]),
    ],
)
def test_a_referral_or_refusal_is_told_once_in_the_applicants_language(step: Step, yes, told) -> None:
    publish(an_insurer(), a_content(questions=QUESTIONS))
    _by, application = an_application(an_offer(), step, yes=yes, locale="zh_Hans_CN")
    for _run in range(2):
        jobs.tell_outcome(ApplicationSubmitted(application.id, application.state))
    assert mails() == told
