"""Another adult is insured with cover that pays on death only after they agreed, by a link of their own (T26-22)."""

from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from marketplace.accounts.values import TooManyTries
from marketplace.application import queries, services
from marketplace.application.queries import proofs
from marketplace.application.values import (
    Acting,
    Application,
    ConsentLinkEnded,
    ConsentState,
    InsuredNotConsenting,
    NotTheInsured,
    People,
    Person,
    Relationship,
    State,
    Step,
    StepNotReached,
    TextChanged,
    Whose,
)
from marketplace.catalog.values import Line
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence.models import MessageRow
from marketplace.correspondence.values import MessageKind
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.kernel.identity import Flaw
from marketplace.traceability.queries import entries_of_application
from marketplace.traceability.values import INSURED, Entry, EntryType
from tests.factories.accounts import an_insurer
from tests.factories.application import a_card_of, acting_in, an_application, declare
from tests.factories.quoting import a_content, an_offer, publish
from tests.factories.traceability import a_journey

pytestmark = pytest.mark.usefixtures("database", "ticking_clock")

WANG_JUN = Person("王军", date(1992, 3, 4))
COUPLE = People(Person("林月", date(1990, 1, 2)), Relationship.SPOUSE, WANG_JUN, insured_email="wang.jun@example.com")
Told = tuple[Acting, Application]


@pytest.fixture
def at_consent() -> Told:
    publish(an_insurer(), a_content(line=Line.ACCIDENT))
    return an_application(an_offer(line=Line.ACCIDENT), Step.CONSENT, people=COUPLE)


@pytest.fixture
def insured() -> Acting:
    """Whoever has the link, in a browser of their own."""
    return replace(acting_in(a_journey()), as_insured=True)


def token() -> str:
    """Of the newest link that was queued."""
    asked = select(MessageRow).where(MessageRow.kind == MessageKind.INSURED_ASKED.value)
    mail = db.session.scalars(asked.order_by(MessageRow.queued_at.desc()).limit(1)).one()
    assert mail.recipient == "wang.jun@example.com"
    assert mail.context is not None
    return urlsplit(mail.context["link"]).path.rsplit("/", 1)[1]


def agree(by: Acting, application_id: UUID, link: str) -> None:
    services.prove_insured(by, link, a_card_of(WANG_JUN))
    shown = queries.application_view(application_id).insured_consent_sha256
    services.consent_as_insured(by, link, shown, _wording())


def _wording() -> str:
    return disclosure.wording(WordingKey.INSURED_CONSENT, "en").sha256


def entries(application_id: UUID, *types: EntryType) -> list[Entry]:
    db.session.commit()
    return [entry for entry in entries_of_application(application_id) if entry.type in types]


@pytest.mark.requirement("T26-22")
def test_the_insured_agrees_by_a_link_of_their_own_and_the_road_goes_on(at_consent: Told, insured: Acting) -> None:
    by, application = at_consent
    asked = services.ask_insured(by, application.id)
    assert (asked.state, asked.email) == (ConsentState.ASKED, "wang.jun@example.com")
    link = token()
    assert services.asked_by(link).application.id == application.id
    agree(insured, application.id, link)
    view = queries.application_view(application.id)
    assert view.insured_consent is not None
    assert (view.insured_consent.state, view.next_step) == (ConsentState.GIVEN, Step.REVIEW)
    (question,) = entries(application.id, EntryType.INSURED_ASKED)
    (answer,) = entries(application.id, EntryType.INSURED_CONSENTED)
    assert question.body["consent_id"] == answer.body["consent_id"] == str(asked.id)
    assert question.body["subject_sha256"] == answer.body["subject_sha256"] == view.insured_consent_sha256
    assert {*question.body["address"]} == {"salt", "sha256"}
    assert (answer.actor, answer.body["sha256"]) == (INSURED, _wording())
    checked = [each.whose for each in proofs.identity_checks(application.id)]
    assert checked == [Whose.APPLICANT, Whose.INSURED]
    assert declare(by, application.id).state is State.ACCEPTED
    with pytest.raises(ConsentLinkEnded):
        services.asked_by(link)


@pytest.mark.requirement("T26-22")
def test_without_it_nothing_is_declared_paid_or_concluded(
    at_consent: Told, insured: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    by, application = at_consent
    with pytest.raises(StepNotReached) as refusal:
        declare(by, application.id)
    assert refusal.value.step is Step.CONSENT
    services.ask_insured(by, application.id)
    with pytest.raises(StepNotReached):
        declare(by, application.id)
    assert queries.application(application.id).state is State.STARTED
    agree(insured, application.id, token())
    assert declare(by, application.id).state is State.ACCEPTED
    monkeypatch.setattr(proofs, "insured_consents", lambda _application_id: ())
    account_id = by.account_id
    assert account_id is not None
    with pytest.raises(InsuredNotConsenting):
        queries.payable(application.id, account_id)
    with pytest.raises(InsuredNotConsenting):
        services.conclude(application.id)
    assert queries.application(application.id).state is State.ACCEPTED


@pytest.mark.requirement("T26-22")
def test_whoever_refuses_is_not_insured_and_the_applicant_is_told(at_consent: Told, insured: Acting) -> None:
    by, application = at_consent
    services.ask_insured(by, application.id)
    services.refuse_as_insured(insured, token())
    view = queries.application_view(application.id)
    assert view.insured_consent is not None
    assert (view.insured_consent.state, view.next_step) == (ConsentState.REFUSED, Step.CONSENT)
    assert len(entries(application.id, EntryType.INSURED_REFUSED)) == 1
    assert entries(application.id, EntryType.INSURED_CONSENTED) == []
    with pytest.raises(StepNotReached):
        declare(by, application.id)
    kinds = [each.kind for each in correspondence.inbox(recipient="guest@example.com")]
    assert MessageKind.INSURED_ANSWERED in kinds


@pytest.mark.requirement("T26-22", "T26-26")
@pytest.mark.parametrize(
    "other",
    [
        replace(COUPLE, insured=Person("王俊", date(1992, 3, 4))),
        replace(COUPLE, insured_email="another@example.com"),
        replace(COUPLE, relationship=Relationship.OTHER),
        replace(COUPLE, applicant=Person("林悦", date(1990, 1, 2))),
    ],
)
def test_of_anything_else_nothing_was_agreed(at_consent: Told, insured: Acting, other: People) -> None:
    by, application = at_consent
    services.ask_insured(by, application.id)
    link = token()
    services.give_people(by, application.id, other)
    with pytest.raises(ConsentLinkEnded):
        services.asked_by(link)
    services.give_people(by, application.id, COUPLE)
    agree(insured, application.id, link)
    assert not queries.application_view(application.id).insured_consent_missing
    services.give_people(by, application.id, other)
    assert queries.application_view(application.id).insured_consent_missing
    services.give_people(by, application.id, replace(COUPLE, mobile="13800000000"))
    assert not queries.application_view(application.id).insured_consent_missing, "a telephone number changes nothing"


@pytest.mark.requirement("T26-22")
def test_nobody_agrees_to_what_was_not_shown_or_as_somebody_else(at_consent: Told, insured: Acting) -> None:
    by, application = at_consent
    services.ask_insured(by, application.id)
    link, shown = token(), queries.application_view(application.id).insured_consent_sha256
    with pytest.raises(NotTheInsured):
        services.consent_as_insured(replace(by, as_insured=True), link, shown, _wording())
    with pytest.raises(StepNotReached):
        services.consent_as_insured(insured, link, shown, _wording())
    assert services.prove_insured(insured, link, a_card_of(COUPLE.applicant)).flaw is Flaw.NAME_DIFFERS
    with pytest.raises(StepNotReached):
        services.consent_as_insured(insured, link, shown, _wording())
    assert services.prove_insured(insured, link, a_card_of(WANG_JUN)).flaw is None
    for seen in (("0" * 64, _wording()), (shown, "0" * 64)):
        with pytest.raises(TextChanged):
            services.consent_as_insured(insured, link, *seen)
    with pytest.raises(ConsentLinkEnded):
        services.consent_as_insured(insured, f"{link}x", shown, _wording())
    assert entries(application.id, EntryType.INSURED_CONSENTED) == []
    services.consent_as_insured(insured, link, shown, _wording())
    with pytest.raises(ConsentLinkEnded):
        services.refuse_as_insured(insured, link)
    assert len(entries(application.id, EntryType.INSURED_CONSENTED)) == 1


def test_the_newest_link_alone_works_and_none_after_a_week(at_consent: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    by, application = at_consent
    services.ask_insured(by, application.id)
    first = token()
    services.ask_insured(by, application.id)
    second = token()
    with pytest.raises(ConsentLinkEnded):
        services.asked_by(first)
    asked = proofs.insured_consents(application.id)[-1]
    assert services.asked_by(second).insured_consent == asked
    monkeypatch.setattr(clock, "now", lambda: asked.asked_at + timedelta(days=7))
    with pytest.raises(ConsentLinkEnded):
        services.asked_by(second)


def test_nobody_is_asked_more_than_five_times_a_day(at_consent: Told) -> None:
    by, application = at_consent
    for _ in range(5):
        services.ask_insured(by, application.id)
    with pytest.raises(TooManyTries):
        services.ask_insured(by, application.id)
    assert len(proofs.insured_consents(application.id)) == 5


@pytest.mark.parametrize("address", [None, "nobody", "guest@example.com"])
def test_the_insured_has_an_address_that_is_not_the_applicants(at_consent: Told, address: str | None) -> None:
    by, application = at_consent
    with pytest.raises(Invalid) as refusal:
        services.give_people(by, application.id, replace(COUPLE, insured_email=address))
    assert set(refusal.value.fields) == {"insured_email"}


def test_nobody_is_their_own_spouse(at_consent: Told) -> None:
    by, application = at_consent
    with pytest.raises(Invalid) as refusal:
        services.give_people(by, application.id, replace(COUPLE, applicant=WANG_JUN))
    assert set(refusal.value.fields) == {"relationship"}


@pytest.mark.parametrize("change", ["subject_sha256 = repeat('0', 64)", "token_hash = repeat('0', 64)"])
def test_not_even_the_site_itself_rewrites_what_was_asked(at_consent: Told, change: str) -> None:
    by, application = at_consent
    services.ask_insured(by, application.id)
    db.session.commit()
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(f"UPDATE application_insured_consent SET {change}"))
    db.session.rollback()
    assert len(proofs.insured_consents(application.id)) == 1


def test_a_forgotten_application_has_no_address_of_the_insured_left(at_consent: Told) -> None:
    by, application = at_consent
    services.ask_insured(by, application.id)
    link = token()
    assert services.erase_application(application.id)
    assert [each.email for each in proofs.insured_consents(application.id)] == [None]
    with pytest.raises(ConsentLinkEnded):
        services.asked_by(link)
