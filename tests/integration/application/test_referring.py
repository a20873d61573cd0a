"""A referred application: a person decides, asks, offers other terms; nothing is paid before the applicant agreed."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from marketplace.application import jobs, queries, services
from marketplace.application.models import locked
from marketplace.application.queries.proofs import proofs_of
from marketplace.application.values import (
    Acting,
    ApplicantAsked,
    Application,
    ApplicationLapsed,
    ApplicationMoved,
    ApplicationNotFound,
    ConfirmationKind,
    NoCounterOffer,
    NothingToPay,
    NotReferred,
    People,
    Person,
    Relationship,
    Ruling,
    State,
    Step,
    TextChanged,
)
from marketplace.catalog import services as catalog
from marketplace.catalog.values import Exclusion, Line, Loading, Outcome
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.kernel.ids import new_id
from marketplace.kernel.money import Money
from marketplace.kernel.transitions import TransitionRefused
from marketplace.quoting import queries as quoting
from marketplace.quoting.queries import offers_for
from marketplace.quoting.values import OfferExpired, OfferView, ProductWithdrawn
from marketplace.traceability.queries import entries_of_application
from marketplace.traceability.values import Actor, ActorRole, Entry, EntryType
from marketplace.underwriting import queries as underwriting
from marketplace.underwriting.values import DecidedMeanwhile, InquiryOpen, NoInquiry, ReasonCode
from tests.factories.accounts import a_guest, a_member_of_staff, an_insurer
from tests.factories.application import LIN_YUE, an_application
from tests.factories.quoting import START_ON, a_content, a_need, a_question, a_tariff, an_offer, publish, words

pytestmark = pytest.mark.usefixtures("database", "ticking_clock")

KNEE = Exclusion("knee", words("Knee"), words("Nothing is paid for the left knee."), "Clause 9.1")
QUESTIONS = (
    a_question("back"),
    a_question("smokes", Outcome.LOAD, loading="25 percent"),
    a_question("knee", Outcome.EXCLUDE, exclusion="knee"),
    a_question("pregnant", Outcome.POSTPONE, postpone_days=90),
)
QUARTER = Loading.of("25 percent")
Referred = tuple[Acting, Application]


@pytest.fixture
def clerk() -> Actor:
    return Actor(ActorRole.INSURER, a_member_of_staff().id, "insurer_underwriter")


@pytest.fixture
def offer() -> OfferView:
    """A journey for ¥100.00 and 6 per cent tax."""
    publish(an_insurer(), a_content(questions=QUESTIONS, carve_outs=(KNEE,)), a_tariff("100.00"))
    return an_offer()


@pytest.fixture
def referred(offer: OfferView) -> Referred:
    by, application = an_application(offer, Step.REFERRED, yes=("back",))
    db.session.commit()
    return by, application


def a_ruling(application: Application, **changes: Any) -> Ruling:
    made = Ruling(application.id, application.insurer_id, 2, ReasonCode.HEALTH, "Your back is well again.")
    return replace(made, **changes)


def rows(table: str) -> int:
    return int(db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def after_referral(application: Application) -> list[EntryType]:
    db.session.commit()
    types = [entry.type for entry in entries_of_application(application.id)]
    return types[types.index(EntryType.UNDERWRITING_DECIDED) + 1 :]


def assert_not_payable(by: Acting, application: Application) -> None:
    assert by.account_id is not None
    with pytest.raises(NothingToPay):
        queries.payable(application.id, by.account_id)
    with pytest.raises(TransitionRefused):
        services.conclude(application.id)


# The decision


def test_an_acceptance_as_applied_for_is_added_and_can_be_paid(referred: Referred, clerk: Actor) -> None:
    by, application = referred
    decided = services.decide_referral(a_ruling(application), clerk)
    assert decided.state is State.ACCEPTED
    assert decided.offer_id == application.offer_id
    first, second = underwriting.decisions_of(application.id)
    assert (first.number, first.outcome, first.decided_by) == (1, Outcome.REFER, "guideline")
    assert (second.number, second.outcome, second.decided_by) == (2, Outcome.ACCEPT, str(clerk.account_id))
    assert (second.decision.words, second.decision.code) == ("Your back is well again.", ReasonCode.HEALTH)
    assert second.sha256 != first.sha256
    assert by.account_id is not None
    assert queries.payable(application.id, by.account_id)[1].premium.minor == 10_600
    (entry,) = [each for each in entries_after(application) if each.type is EntryType.UNDERWRITING_DECIDED]
    assert (entry.actor, entry.body["number"], entry.body["outcome"]) == (clerk, 2, "accept")
    assert entry.body["decision_sha256"] == second.sha256
    assert "Your back" not in str(entry.body)


def entries_after(application: Application) -> list[Entry]:
    db.session.commit()
    found = list(entries_of_application(application.id))
    types = [entry.type for entry in found]
    return found[types.index(EntryType.UNDERWRITING_DECIDED) + 1 :]


def test_of_two_who_decide_at_once_the_second_is_refused_and_nothing_is_doubled(
    referred: Referred, clerk: Actor
) -> None:
    _by, application = referred
    services.decide_referral(a_ruling(application), clerk)
    before = rows("underwriting_decision"), after_referral(application)
    with pytest.raises(NotReferred):
        services.decide_referral(a_ruling(application, declined=True), clerk)
    assert (rows("underwriting_decision"), after_referral(application)) == before
    assert queries.application(application.id).state is State.ACCEPTED


@pytest.mark.parametrize("number", [1, 3])
def test_a_decision_about_what_was_not_looked_at_is_refused(referred: Referred, clerk: Actor, number: int) -> None:
    _by, application = referred
    with pytest.raises(DecidedMeanwhile):
        services.decide_referral(a_ruling(application, number=number), clerk)
    assert rows("underwriting_decision") == 1
    assert queries.application(application.id).state is State.REFERRED


def test_another_insurers_application_does_not_exist(referred: Referred, clerk: Actor) -> None:
    _by, application = referred
    with pytest.raises(ApplicationNotFound):
        services.decide_referral(a_ruling(application, insurer_id=new_id()), clerk)
    with pytest.raises(ApplicationNotFound):
        services.ask_applicant(application.id, new_id(), "Since when?", clerk)
    assert (rows("underwriting_decision"), rows("underwriting_inquiry")) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"words": "  "}, "words"),
        ({"words": "x" * 2001}, "words"),
        ({"exclusions": ("elbow",)}, "exclusions"),
        ({"until": date(2026, 11, 22)}, "until"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    referred: Referred, clerk: Actor, changes: dict[str, object], field: str
) -> None:
    _by, application = referred
    with pytest.raises(Invalid) as refusal:
        services.decide_referral(a_ruling(application, **changes), clerk)
    assert list(refusal.value.fields) == [field]
    assert rows("underwriting_decision") == 1


@pytest.mark.parametrize(
    ("changes", "state", "kind"),
    [
        ({}, State.ACCEPTED, "application_accepted"),
        ({"declined": True}, State.DECLINED, "application_declined"),
        ({"until": date(2027, 6, 1)}, State.POSTPONED, "application_postponed"),
        ({"loading": QUARTER}, State.COUNTERED, "application_countered"),
    ],
)
def test_each_decision_is_told_once_without_what_it_rests_on(
    referred: Referred, clerk: Actor, changes: dict[str, object], state: State, kind: str
) -> None:
    by, application = referred
    assert services.decide_referral(a_ruling(application, **changes), clerk).state is state
    for _run in range(2):
        jobs.tell_moved(ApplicationMoved(application.id, state))
    (told,) = correspondence.inbox()
    assert (told.kind, told.recipient) == (kind, "guest@example.com")
    assert "Your back" not in str(told)
    if state is not State.ACCEPTED:
        assert_not_payable(by, application)


@pytest.mark.requirement("T26-09")
def test_what_is_referred_is_paid_once_it_was_accepted_and_not_before(referred: Referred, clerk: Actor) -> None:
    by, application = referred
    assert_not_payable(by, application)
    services.ask_applicant(application.id, application.insurer_id, "Since when?", clerk)
    assert_not_payable(by, application)
    services.answer_underwriter(by, application.id, 1, "Since May.")
    assert_not_payable(by, application)
    services.decide_referral(a_ruling(application), clerk)
    assert by.account_id is not None
    assert queries.payable(application.id, by.account_id)[0].state is State.ACCEPTED


# Asking


def test_a_question_goes_to_the_applicant_and_its_answer_to_the_desk_and_the_clock_stands(
    referred: Referred, clerk: Actor
) -> None:
    by, application = referred
    services.ask_applicant(application.id, application.insurer_id, "Since when is your back well?", clerk)
    jobs.tell_asked(ApplicantAsked(application.id, 1))
    assert [each.kind for each in correspondence.inbox()] == ["application_asked"]
    assert underwriting.waits([application.id])[application.id].paused
    with pytest.raises(InquiryOpen):
        services.ask_applicant(application.id, application.insurer_id, "And before?", clerk)
    with pytest.raises(InquiryOpen):
        services.decide_referral(a_ruling(application), clerk)
    due = underwriting.waits([application.id])[application.id].due_at
    clock.set_business_offset(timedelta(days=30))
    waiting = underwriting.waits([application.id])[application.id]
    assert not waiting.overdue
    assert timedelta(0) <= waiting.due_at - due - timedelta(days=30) < timedelta(seconds=1), "but for the ticking clock"
    services.answer_underwriter(by, application.id, 1, " Since May. ")
    (inquiry,) = underwriting.inquiries_of(application.id)
    assert (inquiry.question, inquiry.answer) == ("Since when is your back well?", "Since May.")
    assert not underwriting.waits([application.id])[application.id].paused
    assert after_referral(application) == [EntryType.UNDERWRITING_ASKED, EntryType.UNDERWRITING_ANSWERED]
    assert "May" not in str([entry.body for entry in entries_of_application(application.id)])
    services.decide_referral(a_ruling(application), clerk)


def test_an_answer_is_given_once_by_the_applicant_and_to_a_question(referred: Referred, clerk: Actor) -> None:
    by, application = referred
    with pytest.raises(NoInquiry):
        services.answer_underwriter(by, application.id, 1, "Since May.")
    services.ask_applicant(application.id, application.insurer_id, "Since when?", clerk)
    stranger = Acting(new_id(), by.page_version_id)
    with pytest.raises(ApplicationNotFound):
        services.answer_underwriter(stranger, application.id, 1, "Never.")
    with pytest.raises(Invalid):
        services.answer_underwriter(by, application.id, 1, " ")
    services.answer_underwriter(by, application.id, 1, "Since May.")
    with pytest.raises(NoInquiry):
        services.answer_underwriter(by, application.id, 1, "Since June.")
    assert [each.answer for each in underwriting.inquiries_of(application.id)] == ["Since May."]


# Other terms


def test_other_terms_are_priced_on_the_pinned_version_and_agreed_to_before_anything_is_paid(
    referred: Referred, clerk: Actor, offer: OfferView
) -> None:
    by, application = referred
    ruling = a_ruling(application, loading=QUARTER, exclusions=("knee",))
    countered = services.decide_referral(ruling, clerk)
    view = queries.application_view(application.id)
    assert (countered.state, view.next_step) == (State.COUNTERED, Step.COUNTER_OFFER)
    assert view.offer.version.id == offer.version.id
    assert [(line.step, line.amount.minor) for line in view.offer.breakdown.lines] == [
        ("base", 10_000),
        ("tax", 600),
        ("decided_1", 2_500),
        ("decided_tax_1", 150),
    ]
    assert view.counter is not None
    assert view.counter.before.id == offer.id
    assert view.counter.before.voided_at is not None
    assert [each.code for each in view.counter.exclusions] == ["knee"]
    assert view.offer.need.start_on == START_ON
    assert_not_payable(by, application)
    with pytest.raises(TextChanged):
        services.accept_counter_offer(by, application.id, "0" * 64)
    for _click in range(2):
        accepted = services.accept_counter_offer(by, application.id, view.counter.sha256)
        assert accepted.state is State.ACCEPTED
    assert by.account_id is not None
    assert queries.payable(application.id, by.account_id)[1].premium.minor == 13_250
    assert after_referral(application) == [
        EntryType.UNDERWRITING_DECIDED,
        EntryType.COUNTER_OFFER_MADE,
        EntryType.COUNTER_OFFER_ACCEPTED,
    ]
    agreed = entries_of_application(application.id)[-1].body
    assert (agreed["subject_sha256"], agreed["premium_minor"]) == (view.counter.sha256, 13_250)


@pytest.mark.requirement("T26-22")
def test_what_another_adult_consents_to_is_not_changed_by_other_terms(clerk: Actor) -> None:
    content = a_content("life", Line.TERM_LIFE, questions=(a_question("back"),), carve_outs=(KNEE,))
    publish(an_insurer(), content)
    _by, application = an_application(an_offer(line=Line.TERM_LIFE), Step.REFERRED, yes=("back",))
    before = consented_to(application)
    services.decide_referral(a_ruling(application, loading=QUARTER, exclusions=("knee",)), clerk)
    assert queries.application(application.id).offer_id != application.offer_id
    assert consented_to(application) == before != ""


def consented_to(application: Application) -> str:
    """What a husband would be asked to agree to, had he been named."""
    people = People(LIN_YUE.applicant, Relationship.SPOUSE, Person("王强", date(1992, 3, 4)))
    offer = queries.application_view(application.id).offer
    return proofs_of(locked(application.id), people, offer).consent_sha256


def test_without_the_consent_an_accepted_application_is_not_payable(referred: Referred, clerk: Actor) -> None:
    by, application = referred
    services.decide_referral(a_ruling(application, loading=QUARTER), clerk)
    db.session.execute(text("UPDATE application_application SET state = 'accepted'"))
    db.session.expire_all()
    assert by.account_id is not None
    with pytest.raises(NothingToPay):
        queries.payable(application.id, by.account_id)


def test_refusing_ends_it_and_costs_nothing(referred: Referred, clerk: Actor) -> None:
    by, application = referred
    services.decide_referral(a_ruling(application, loading=QUARTER), clerk)
    sha256 = queries.application_view(application.id).counter.sha256  # type: ignore[union-attr]
    for _click in range(2):
        assert services.refuse_counter_offer(by, application.id).state is State.REFUSED
    with pytest.raises(NoCounterOffer):
        services.accept_counter_offer(by, application.id, sha256)
    assert_not_payable(by, application)
    assert after_referral(application)[-1] is EntryType.COUNTER_OFFER_REFUSED
    jobs.tell_moved(ApplicationMoved(application.id, State.REFUSED))
    assert [each.kind for each in correspondence.inbox()] == ["application_refused"]


def test_nobody_answers_other_terms_that_were_not_offered_or_are_somebody_elses(referred: Referred) -> None:
    by, application = referred
    with pytest.raises(NoCounterOffer):
        services.refuse_counter_offer(by, application.id)
    with pytest.raises(ApplicationNotFound):
        services.refuse_counter_offer(Acting(new_id(), by.page_version_id), application.id)
    assert queries.application(application.id).state is State.REFERRED


@pytest.mark.parametrize(
    ("yes", "state", "premium"),
    [
        (("smokes",), State.COUNTERED, 13_250),
        (("knee",), State.COUNTERED, 10_600),
        (("smokes", "knee"), State.COUNTERED, 13_250),
        (("smokes", "pregnant"), State.POSTPONED, 10_600),
    ],
)
def test_the_guideline_changes_terms_at_once_without_a_person(
    offer: OfferView, yes: tuple[str, ...], state: State, premium: int
) -> None:
    by, application = an_application(offer, Step.COUNTER_OFFER if state is State.COUNTERED else Step.POSTPONED, yes=yes)
    view = queries.application_view(application.id)
    assert (application.state, view.offer.premium.minor) == (state, premium)
    assert [each.decided_by for each in underwriting.decisions_of(application.id)] == ["guideline"]
    assert (view.counter is not None) == (state is State.COUNTERED)
    assert_not_payable(by, application)


# Waiting


def test_what_waits_for_its_insurer_does_not_lapse_and_is_offered_again_at_its_price(
    referred: Referred, clerk: Actor, offer: OfferView
) -> None:
    """The offer expired meanwhile, and so did its first day: neither is the applicant's fault (decision 36)."""
    by, application = referred
    clock.set_business_offset(timedelta(days=40))
    assert services.lapse_overdue() == 0
    countered = services.decide_referral(a_ruling(application), clerk)
    assert countered.state is State.COUNTERED
    view = queries.application_view(application.id)
    assert view.offer.premium == offer.premium
    assert view.offer.need.start_on == date(2027, 1, 4)
    assert view.counter is not None
    assert (view.counter.exclusions, view.offer.breakdown) == ((), offer.breakdown)
    services.accept_counter_offer(by, application.id, view.counter.sha256)
    assert by.account_id is not None
    assert queries.payable(application.id, by.account_id)[1].id == view.offer.id


def test_an_acceptance_that_came_in_time_keeps_the_offer_and_one_an_hour_before_its_end_does_not(
    offer: OfferView, clerk: Actor
) -> None:
    _by, application = an_application(offer, Step.REFERRED, yes=("back",))
    clock.set_business_offset(offer.expires_at - clock.now() - timedelta(hours=1))
    assert services.decide_referral(a_ruling(application), clerk).state is State.COUNTERED
    assert queries.application_view(application.id).offer.need.start_on > offer.need.start_on


def test_other_terms_that_nobody_answers_lapse_with_their_offer(referred: Referred, clerk: Actor) -> None:
    by, application = referred
    services.decide_referral(a_ruling(application, loading=QUARTER), clerk)
    view = queries.application_view(application.id)
    assert view.counter is not None
    clock.set_business_offset(view.offer.expires_at - clock.now() + timedelta(minutes=1))
    with pytest.raises(OfferExpired):
        services.accept_counter_offer(by, application.id, view.counter.sha256)
    clock.set_business_offset(view.offer.expires_at - clock.now() + timedelta(days=2, minutes=1))
    assert services.lapse_overdue() == 1
    with pytest.raises(ApplicationLapsed):
        services.accept_counter_offer(by, application.id, view.counter.sha256)
    confirmed = [each.kind for each in queries.application_view(application.id).confirmations]
    assert ConfirmationKind.COUNTER_OFFER not in confirmed


def test_nothing_is_accepted_of_a_product_that_was_recalled(referred: Referred, clerk: Actor, offer: OfferView) -> None:
    _by, application = referred
    catalog.recall(offer.version.id, words("A mistake"), clerk)
    db.session.commit()
    for changes in ({}, {"loading": QUARTER}):
        with pytest.raises(ProductWithdrawn):
            services.decide_referral(a_ruling(application, **changes), clerk)
        db.session.rollback()
    assert queries.application(application.id).state is State.REFERRED
    assert rows("underwriting_decision") == 1


def test_insurers_that_let_people_wait_ring(referred: Referred, caplog: pytest.LogCaptureFixture) -> None:
    _by, application = referred
    assert services.watch_referrals() == 0
    due = underwriting.waits([application.id])[application.id].due_at
    clock.set_business_offset(due - clock.now() + timedelta(minutes=1))
    assert services.watch_referrals() == 1
    assert "ALARM 1 referred applications wait" in caplog.text


def test_what_anybody_recomputes_says_by_which_decision(referred: Referred, clerk: Actor) -> None:
    _by, application = referred
    services.decide_referral(a_ruling(application, loading=QUARTER), clerk)
    view = queries.application_view(application.id)
    assert view.counter is not None
    told = quoting.recomputable(view.offer.id)["terms"]
    assert told["decision_sha256"] == view.counter.decision.sha256
    assert [(each["step"], each["rate"]) for each in told["loadings"]] == [("decided_1", "0.25")]


# What a person has beside it, and what was answered first


@pytest.mark.requirement("O13-44")
def test_the_sum_at_risk_of_a_person_and_what_is_applied_for_twice_are_found_at_one_insurer_alone(
    clerk: Actor,
) -> None:
    insurer, other = an_insurer(), an_insurer("rival")
    for whose in (insurer, other):
        publish(whose, a_content(whose.code, Line.TERM_LIFE, questions=(a_question("back"),)))
    need = a_need(line=Line.TERM_LIFE)
    of_insurer, of_other = sorted(offers_for(need.id), key=lambda each: each.insurer_id != insurer.id)
    account = a_guest()
    _by, first = an_application(of_insurer, Step.PAY, account=account)
    services.conclude(first.id)
    an_application(of_other, Step.PAY, account=account)
    (again,) = (each for each in offers_for(a_need(line=Line.TERM_LIFE).id) if each.insurer_id == insurer.id)
    _by, second = an_application(again, Step.REFERRED, account=account, yes=("back",))
    found = queries.exposure(second.id)
    assert [(each.reference, each.concluded, each.same_product) for each in found.others] == [
        (first.reference, True, True)
    ]
    assert found.at_risk == Money(2 * 500_000_00, "CNY")
    assert queries.exposure(first.id).others[0].reference == second.reference


@pytest.mark.requirement("O13-22")
def test_an_answer_that_was_given_otherwise_first_is_put_before_the_underwriter(offer: OfferView) -> None:
    by, application = an_application(offer, Step.DOCUMENTS, yes=("back", "pregnant"))
    services.give_answers(by, application.id, {"pregnant": False})
    services.give_answers(by, application.id, {"pregnant": False})
    db.session.commit()
    assert [(each.question_id, each.was) for each in queries.answer_changes(application.id)] == [("pregnant", True)]
