"""Two tabs at once, and the last guards in the database."""

from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from marketplace.application import jobs, queries, services
from marketplace.application.values import Acting, NotReferred, Ruling, State, Step
from marketplace.catalog.values import Loading
from marketplace.infra.db import db, narrow_scope
from marketplace.infra.jobs import known_tasks
from marketplace.traceability.values import Actor, ActorRole
from marketplace.underwriting.values import ReasonCode
from tests.at_once import outcomes_at_once
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.application import acting_in, an_application, declare
from tests.factories.quoting import a_content, a_question, an_offer, publish

pytestmark = pytest.mark.usefixtures("database")


def count(table: str) -> int:
    return db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def ready_to_submit() -> tuple[Acting, UUID]:
    publish(an_insurer())
    by, application = an_application(an_offer(), Step.REVIEW)
    db.session.commit()
    return by, application.id


def test_two_tabs_submit_once(app: Flask) -> None:
    by, application_id = ready_to_submit()
    first, second = outcomes_at_once(app, lambda: declare(by, application_id))
    assert first == second == queries.application(application_id)
    assert queries.application(application_id).state is State.ACCEPTED
    assert count("underwriting_decision") == 1


def test_two_clerks_decide_once_each_in_the_scope_of_their_insurer(app: Flask) -> None:
    publish(an_insurer(), a_content(questions=(a_question("back"),)))
    _by, application = an_application(an_offer(), Step.REFERRED, yes=("back",))
    clerk = Actor(ActorRole.INSURER, a_member_of_staff().id, "insurer_underwriter")
    db.session.commit()
    loading = Loading.of("25 percent")
    ruling = Ruling(application.id, application.insurer_id, 2, ReasonCode.HEALTH, "It is a risk.", loading)

    def decide() -> object:
        narrow_scope(application.insurer_id)
        return services.decide_referral(ruling, clerk)

    outcomes = outcomes_at_once(app, decide)
    (refused,) = [each for each in outcomes if isinstance(each, Exception)]
    assert isinstance(refused, NotReferred), refused
    assert queries.application(application.id).state is State.COUNTERED
    assert (count("underwriting_decision"), count("quoting_offer")) == (2, 2)


def test_two_tabs_open_once(app: Flask) -> None:
    publish(an_insurer())
    offer = an_offer()
    by = acting_in(offer.need.journey_id)
    db.session.commit()
    first, second = outcomes_at_once(app, lambda: services.open_application(by, offer.id, "en"))
    assert first == second
    assert count("application_application") == 1


def test_two_tabs_confirm_once(app: Flask) -> None:
    publish(an_insurer())
    by, application = an_application(an_offer(), Step.DOCUMENTS)
    document = queries.application_view(application.id).documents[0].document
    before = count("application_confirmation")
    db.session.commit()
    first, second = outcomes_at_once(
        app, lambda: services.confirm_document(by, application.id, document.id, document.sha256)
    )
    assert first == second == queries.application(application.id)
    assert count("application_confirmation") == before + 1


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE application_application SET state = 'paid'", "ck_application_application_state"),
        ("UPDATE application_application SET email = NULL", "ck_application_application_proven_address"),
        ("UPDATE application_application SET state = 'accepted'", "ck_application_application_submitted"),
    ],
)
def test_the_database_refuses_what_cannot_be(statement: str, constraint: str) -> None:
    ready_to_submit()
    with pytest.raises(IntegrityError, match=constraint):
        db.session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE application_confirmation SET subject_sha256 = repeat('0', 64)",
        "DELETE FROM application_confirmation",
        "DELETE FROM application_application",
        "UPDATE underwriting_decision SET outcome = 'accept'",
        "DELETE FROM underwriting_decision",
    ],
)
def test_not_even_the_site_itself_rewrites_what_was_confirmed_or_decided(statement: str) -> None:
    by, application_id = ready_to_submit()
    declare(by, application_id)
    db.session.commit()
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(statement))


def test_lapsing_runs_every_hour() -> None:
    task = known_tasks()["application.lapse_overdue"]
    assert (task.function, task.every) == (jobs.lapse_overdue, "17 * * * *")
    jobs.lapse_overdue()
    assert count("application_application") == 0
