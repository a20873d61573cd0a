"""Who applies is proven by a document: every attempt is kept, it is about one person, and nothing goes on without."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from marketplace.accounts.values import TooManyTries
from marketplace.application import queries, rules, services
from marketplace.application.queries import proofs
from marketplace.application.values import (
    Acting,
    Application,
    IdentityNotProven,
    IdentityOutcome,
    People,
    Person,
    Relationship,
    State,
    Step,
    StepNotReached,
)
from marketplace.catalog.values import Profile
from marketplace.infra import identity
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.identity import IdentityUnavailable, Verdict
from marketplace.kernel import clock
from marketplace.kernel.identity import Claim, Flaw, IdentityDocument
from marketplace.traceability.queries import entries_of_application
from marketplace.traceability.values import Entry, EntryType
from tests.factories.accounts import an_insurer
from tests.factories.application import LIN_YUE, a_card_of, an_application, declare, prove_identity
from tests.factories.quoting import a_content, a_question, an_offer, publish

pytestmark = pytest.mark.usefixtures("database", "ticking_clock")

CARD = a_card_of(LIN_YUE.applicant)
MISTYPED = replace(CARD, number=f"{CARD.number[:-1]}{'0' if CARD.number[-1] != '0' else '1'}")
Told = tuple[Acting, Application]


@dataclass
class Register:
    """A verifier that believes everybody and remembers what it was asked."""

    method: str = "register"
    asked: list[tuple[Claim, IdentityDocument, date, str]] = field(default_factory=list)

    def verify(self, claim: Claim, document: IdentityDocument, today: date, key: str) -> Verdict:
        self.asked.append((claim, document, today, key))
        return Verdict(f"r-{len(self.asked)}", None)

    def specimen(self, claim: Claim) -> None:
        """It knows real people."""


@pytest.fixture
def at_identity() -> Told:
    publish(an_insurer(), a_content(questions=(a_question("heart"),)))
    return an_application(an_offer(), Step.IDENTITY)


def attempts(application_id: UUID) -> list[Entry]:
    db.session.commit()
    wanted = {EntryType.IDENTITY_VERIFIED, EntryType.IDENTITY_REFUSED}
    return [entry for entry in entries_of_application(application_id) if entry.type in wanted]


def only_kept(application_id: UUID) -> list[tuple[str, Flaw | None]]:
    return [(each.outcome, each.flaw) for each in proofs.identity_checks(application_id)]


@pytest.mark.requirement("T26-27", "T26-28")
def test_every_attempt_is_kept_and_entered_with_its_outcome_and_its_reason(at_identity: Told) -> None:
    by, application = at_identity
    refused = services.prove_identity(by, application.id, MISTYPED)
    assert (refused.outcome, refused.flaw) == (IdentityOutcome.REFUSED, Flaw.CHECK_DIGIT)
    assert queries.application_view(application.id).next_step is Step.IDENTITY
    proven = services.prove_identity(by, application.id, CARD)
    assert (proven.outcome, proven.flaw, proven.document) == (IdentityOutcome.VERIFIED, None, CARD)
    view = queries.application_view(application.id)
    assert (view.next_step, view.identity, view.identity_missing) == (Step.QUESTIONS, proven, False)
    assert only_kept(application.id) == [("refused", Flaw.CHECK_DIGIT), ("verified", None)]
    first, second = attempts(application.id)
    assert (first.type, second.type) == (EntryType.IDENTITY_REFUSED, EntryType.IDENTITY_VERIFIED)
    plain = {name: value for name, value in second.body.items() if name not in {"document", "person"}}
    assert plain == {
        "check_id": str(proven.id), "whose": "applicant", "method": "demonstration", "reference": f"demo-{proven.id}",
        "outcome": "verified", "flaw": None,
    }  # fmt: skip
    assert first.body["flaw"] == "check_digit"
    for entry in (first, second):
        assert entry.page_version_id == by.page_version_id
        assert {*entry.body["document"], *entry.body["person"]} == {"salt", "sha256"}
        assert CARD.number[:17] not in str(entry.body)


def test_the_number_is_nowhere_in_clear(at_identity: Told) -> None:
    by, application = at_identity
    prove_identity(by, application.id)
    rows = db.session.execute(text("SELECT i::text FROM application_identity_check i")).scalars().all()
    assert [CARD.number in row or LIN_YUE.applicant.name in row for row in rows] == [False]


def test_what_is_proven_is_not_asked_again(at_identity: Told) -> None:
    by, application = at_identity
    proven = services.prove_identity(by, application.id, CARD)
    assert services.prove_identity(by, application.id, MISTYPED) == proven
    assert only_kept(application.id) == [("verified", None)]


@pytest.mark.requirement("T26-26", "T26-27")
@pytest.mark.parametrize(
    "other", [Person("林悦", LIN_YUE.applicant.birth_on), Person(LIN_YUE.applicant.name, date(1992, 3, 5))]
)
def test_of_another_person_nothing_is_proven(at_identity: Told, other: Person) -> None:
    by, application = at_identity
    proven = services.prove_identity(by, application.id, CARD)
    services.give_people(by, application.id, People(other, Relationship.SELF))
    view = queries.application_view(application.id)
    assert (view.next_step, view.identity, view.identity_missing) == (Step.IDENTITY, None, True)
    assert services.prove_identity(by, application.id, CARD).flaw is not None
    services.give_people(by, application.id, LIN_YUE)
    assert queries.application_view(application.id).identity == proven


def test_a_telephone_number_changes_nothing_of_it(at_identity: Told) -> None:
    by, application = at_identity
    proven = services.prove_identity(by, application.id, CARD)
    services.give_people(by, application.id, replace(LIN_YUE, mobile="13800000000"))
    assert queries.application_view(application.id).identity == proven


@pytest.mark.requirement("T26-27")
def test_after_five_refusals_in_an_hour_no_more_are_judged(at_identity: Told) -> None:
    by, application = at_identity
    for _ in range(5):
        assert services.prove_identity(by, application.id, MISTYPED).flaw is Flaw.CHECK_DIGIT
    with pytest.raises(TooManyTries) as refusal:
        services.prove_identity(by, application.id, CARD)
    assert clock.now() < refusal.value.retry_at <= clock.now() + timedelta(hours=1)
    assert only_kept(application.id) == [("refused", Flaw.CHECK_DIGIT)] * 5


@pytest.mark.requirement("T26-27")
def test_without_it_nothing_is_declared(at_identity: Told) -> None:
    by, application = at_identity
    with pytest.raises(StepNotReached) as refusal:
        declare(by, application.id)
    assert refusal.value.step is Step.IDENTITY
    assert queries.application(application.id).state is State.STARTED


@pytest.mark.requirement("T26-27")
def test_without_it_nothing_is_paid_and_nothing_concluded(at_identity: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    _by, application = an_application(an_offer(), Step.PAY)
    account_id = application.account_id
    assert account_id is not None
    assert queries.payable(application.id, account_id)[0].state is State.ACCEPTED
    monkeypatch.setattr(proofs, "identity_checks", lambda _application_id: ())
    with pytest.raises(IdentityNotProven):
        queries.payable(application.id, account_id)
    with pytest.raises(IdentityNotProven):
        services.conclude(application.id)
    assert queries.application(application.id).state is State.ACCEPTED


def test_where_nobody_checks_nothing_is_kept_and_nobody_goes_on(at_identity: Told) -> None:
    by, application = at_identity
    usual = identity.verifier()
    identity.configure(None)
    try:
        with pytest.raises(IdentityUnavailable):
            services.prove_identity(by, application.id, CARD)
    finally:
        identity.configure(usual)
    assert only_kept(application.id) == []
    assert queries.application_view(application.id).next_step is Step.IDENTITY


def test_another_verifier_is_asked_who_somebody_says_they_are(at_identity: Told) -> None:
    by, application = at_identity
    usual, asked = identity.verifier(), Register()
    identity.configure(asked)
    try:
        check = services.prove_identity(by, application.id, MISTYPED)
    finally:
        identity.configure(usual)
    assert (check.method, check.reference, check.flaw) == ("register", "r-1", None)
    told = LIN_YUE.applicant
    assert asked.asked == [(Claim(told.name, told.birth_on), MISTYPED, clock.today(ZONE), str(check.id))]


@pytest.mark.requirement("T26-27")
def test_the_market_says_where_it_is_asked() -> None:
    content = a_content()
    asked = {profile for profile in Profile if rules.needs_identity(replace(content, profile=profile))}
    assert asked == {Profile.CN_PERSONAL, Profile.CN_NONLIFE}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE application_identity_check SET outcome = 'verified', flaw = NULL",
        "UPDATE application_identity_check SET method = 'register'",
        "DELETE FROM application_identity_check",
    ],
)
def test_not_even_the_site_itself_rewrites_what_was_found(at_identity: Told, statement: str) -> None:
    by, application = at_identity
    services.prove_identity(by, application.id, MISTYPED)
    db.session.commit()
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(statement))
    db.session.rollback()
    assert only_kept(application.id) == [("refused", Flaw.CHECK_DIGIT)]


def test_a_forgotten_application_has_no_document_left(at_identity: Told) -> None:
    by, application = at_identity
    prove_identity(by, application.id)
    assert services.erase_application(application.id)
    (check,) = proofs.identity_checks(application.id)
    assert (check.outcome, check.person, check.document) == (IdentityOutcome.VERIFIED, None, None)
    assert db.session.execute(text("SELECT count(shown) FROM application_identity_check")).scalar_one() == 0
