"""Reports of false sites: taken without an account, answered once, forgotten a year later."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.disclosure import queries, services
from marketplace.disclosure.values import NewReport, Report, ReportAnswered, ReportNotFound, ReportOutcome
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.ids import new_id
from tests.everything import every_row
from tests.factories.accounts import a_member_of_staff

pytestmark = pytest.mark.usefixtures("database")

TOLD = NewReport("https://evenfo1d.example/pay", "It asks for my card.", "li.na@example.com", "en")


def taken(new: NewReport = TOLD) -> Report:
    found = services.take_report(new)
    db.session.commit()
    return found


@pytest.mark.requirement("O13-40")
def test_what_somebody_told_is_read_by_staff_and_by_nobody_who_has_the_rows() -> None:
    found = taken()
    assert queries.reports(9) == (found,)
    assert (found.place, found.words, found.email) == (TOLD.place, TOLD.words, TOLD.email)
    with every_row() as owner:
        row = str(owner.execute(text("SELECT * FROM disclosure_site_report")).one())
    assert [each for each in (TOLD.place, TOLD.words, TOLD.email) if each in row] == []


def test_it_is_answered_once() -> None:
    found, who = taken(), a_member_of_staff()
    answered = services.answer_report(found.id, ReportOutcome.FALSE, "It is not ours.", who.id)
    assert (answered.outcome, answered.answer, answered.answered_by) == (ReportOutcome.FALSE, "It is not ours.", who.id)
    with pytest.raises(ReportAnswered):
        services.answer_report(found.id, ReportOutcome.OURS, "It is.", who.id)
    assert queries.report(found.id) == answered
    for unknown in (queries.report, lambda id_: services.answer_report(id_, ReportOutcome.OURS, "It is.", who.id)):
        with pytest.raises(ReportNotFound):
            unknown(new_id())


def test_what_waits_stands_first_the_oldest_above() -> None:
    first, second, third = taken(), taken(), taken()
    services.answer_report(first.id, ReportOutcome.UNCLEAR, "It is gone.", a_member_of_staff().id)
    assert [each.id for each in queries.reports(9)] == [second.id, third.id, first.id]


def test_a_year_after_the_answer_nothing_is_left_of_who_told_what(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, found, who = taken(), taken(), a_member_of_staff()
    services.answer_report(found.id, ReportOutcome.FALSE, "It is not ours.", who.id)
    db.session.commit()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + services.REPORTS_KEPT - timedelta(days=1))
    assert services.forget_reports() == 0
    monkeypatch.setattr(clock, "now", lambda: now + services.REPORTS_KEPT + timedelta(days=1))
    assert services.forget_reports() == 1
    assert services.forget_reports() == 0
    db.session.commit()
    left = queries.report(found.id)
    assert left.forgotten
    assert (left.place, left.words, left.email, left.answer) == ("", "", "", "It is not ours.")
    assert vault.destroyed([found.id, waiting.id]) == {found.id}
    assert queries.report(waiting.id).words == TOLD.words, "what nobody answered is kept until somebody does"
