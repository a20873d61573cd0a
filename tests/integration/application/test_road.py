"""The road of an application: one order, no step skipped, nothing done twice, everything recorded."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from marketplace.accounts.values import Role
from marketplace.application import queries, services
from marketplace.application.values import (
    Acting,
    AlreadySubmitted,
    ApplicationLapsed,
    ApplicationNotFound,
    ConfirmationKind,
    DocumentNotAsked,
    NotACustomer,
    NothingToPay,
    State,
    Step,
    StepNotReached,
    TextChanged,
    ToldChanged,
)
from marketplace.catalog import services as catalog
from marketplace.catalog.values import Line, Outcome, Profile
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.services import publish_wordings
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.errors import Conflict
from marketplace.kernel.ids import new_id
from marketplace.kernel.transitions import TransitionRefused
from marketplace.quoting.values import NotForSale, OfferExpired, OfferNotFound, ProductWithdrawn, StartDayPassed
from marketplace.traceability.queries import entries_of_application
from marketplace.traceability.values import SYSTEM, ActorRole, EntryType
from marketplace.underwriting.queries import decision_of
from tests.factories.accounts import a_customer, a_guest, a_member_of_staff, an_insurer
from tests.factories.application import LIN_YUE, a_card_of, acting_in, an_application, declare, do_step, prove_identity
from tests.factories.quoting import DOCUMENTS, START_ON, a_content, a_question, a_tariff, an_offer, publish, words
from tests.factories.traceability import a_journey

pytestmark = pytest.mark.usefixtures("database", "ticking_clock")

ROAD = (
    Step.ENTRY, Step.EMAIL, Step.CODE, Step.PEOPLE, Step.IDENTITY, Step.QUESTIONS, Step.DOCUMENTS, Step.EXCLUSIONS,
    Step.REVIEW,
)  # fmt: skip
QUESTIONS = (a_question("heart", Outcome.DECLINE), a_question("back"))


@pytest.fixture
def offer():
    """A travel product with two questions and two documents in English."""
    publish(an_insurer(), a_content(questions=QUESTIONS), a_tariff("100.00"))
    return an_offer()


def rows(table: str) -> int:
    return db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def trail(application_id) -> list[EntryType]:
    db.session.commit()
    return [entry.type for entry in entries_of_application(application_id)]


@pytest.mark.requirement("T26-01")
def test_from_offer_to_accepted_every_step_leaves_its_entries(offer) -> None:
    by, application = an_application(offer, Step.PAY)
    assert application.state is State.ACCEPTED
    assert application.submitted_at is not None
    assert application.people == LIN_YUE
    assert application.answers == {"heart": False, "back": False}
    assert trail(application.id) == [
        EntryType.ENTRY_ACKNOWLEDGED,
        EntryType.PRIVACY_NOTICE_ACKNOWLEDGED,
        EntryType.CLIENT_NOTICE_ACKNOWLEDGED,
        EntryType.FIELD_ENTERED,  # the address
        EntryType.EMAIL_VERIFIED,
        *[EntryType.FIELD_ENTERED] * 3,  # name, date of birth, relationship
        EntryType.IDENTITY_VERIFIED,
        EntryType.HEALTH_NOTICE_ACKNOWLEDGED,
        EntryType.HEALTH_CONSENT_GIVEN,
        *[EntryType.ANSWER_GIVEN] * 2,
        *[EntryType.DOCUMENT_CONFIRMED] * 2,
        EntryType.EXCLUSIONS_CONFIRMED,
        EntryType.APPLICATION_SUBMITTED,
        EntryType.UNDERWRITING_DECIDED,
    ]
    entries = entries_of_application(application.id)
    assert {entry.journey_id for entry in entries} == {offer.need.journey_id}
    assert {entry.insurer_id for entry in entries} == {offer.insurer_id}
    assert {entry.page_version_id for entry in entries[:-1]} == {by.page_version_id}
    assert {entry.actor.role for entry in entries[5:-1]} == {ActorRole.CUSTOMER}


@pytest.mark.asvs("2.3.1")
@pytest.mark.requirement("T26-09")
@pytest.mark.parametrize("present", ROAD)
def test_no_later_step_can_be_done_and_nothing_is_written(offer, present: Step) -> None:
    by, application = an_application(offer, present)
    view = queries.application_view(application.id)
    assert view.next_step is present
    before = (rows("application_confirmation"), rows("application_identity_check"), trail(application.id))
    document = view.documents[0].document
    acts = {
        Step.EMAIL: lambda: services.give_email(by, application.id, "a@example.com"),
        Step.CODE: lambda: services.note_code_sent(by, application.id),
        Step.PEOPLE: lambda: services.give_people(by, application.id, LIN_YUE),
        Step.IDENTITY: lambda: services.prove_identity(by, application.id, a_card_of(LIN_YUE.applicant)),
        Step.QUESTIONS: lambda: services.give_answers(by, application.id, {"heart": False}),
        Step.DOCUMENTS: lambda: services.confirm_document(by, application.id, document.id, document.sha256),
        Step.EXCLUSIONS: lambda: services.confirm_exclusions(by, application.id, view.exclusions_sha256),
        Step.REVIEW: lambda: declare(by, application.id),
    }
    for step in ROAD[ROAD.index(present) + 1 :]:
        with pytest.raises(StepNotReached) as refusal:
            acts[step]()
        assert refusal.value.step is present
    after = (rows("application_confirmation"), rows("application_identity_check"), trail(application.id))
    assert after == before
    assert queries.application(application.id) == application


ACKNOWLEDGED = {
    ConfirmationKind.ENTRY: None,
    ConfirmationKind.PRIVACY_NOTICE: WordingKey.PRIVACY_NOTICE,
    ConfirmationKind.CLIENT_NOTICE: WordingKey.CLIENT_NOTICE,
}


def acknowledge(by: Acting, application_id: UUID, kind: ConfirmationKind) -> None:
    """One of the three that are confirmed at the entry."""
    key = ACKNOWLEDGED[kind]
    if key is None:
        services.acknowledge_entry(by, application_id)
        return
    notice = services.acknowledge_privacy_notice, services.acknowledge_client_notice
    notice[key is WordingKey.CLIENT_NOTICE](by, application_id, disclosure.wording(key, "en").sha256)


@pytest.mark.requirement("O13-47", "T26-30")
@pytest.mark.parametrize("left_out", ACKNOWLEDGED)
def test_nobody_goes_on_without_the_prompt_and_both_notices(offer, left_out: ConfirmationKind) -> None:
    by, application = an_application(offer, Step.ENTRY)
    for kind in ACKNOWLEDGED:
        if kind is not left_out:
            acknowledge(by, application.id, kind)
    before = trail(application.id)
    for act in (
        lambda: services.give_email(by, application.id, "a@example.com"),
        lambda: services.note_code_sent(by, application.id),
        lambda: services.bind_account(by, application.id, a_guest()),
        lambda: services.give_people(by, application.id, LIN_YUE),
    ):
        with pytest.raises(StepNotReached) as refusal:
            act()
        assert refusal.value.step is Step.ENTRY
    assert trail(application.id) == before
    assert queries.application(application.id) == application, "nothing personal is kept"
    acknowledge(by, application.id, left_out)
    assert queries.application_view(application.id).next_step is Step.EMAIL


@pytest.mark.parametrize("service", [services.acknowledge_privacy_notice, services.acknowledge_client_notice])
def test_a_notice_is_confirmed_by_the_text_that_was_shown_and_by_no_other(offer, service) -> None:
    by, application = an_application(offer, Step.ENTRY)
    for sha256 in ("0" * 64, disclosure.wording(WordingKey.ENTRY_NOTICE, "en").sha256):
        with pytest.raises(TextChanged):
            service(by, application.id, sha256)
    assert (rows("application_confirmation"), trail(application.id)) == (0, [])


def test_the_account_cannot_be_bound_before_the_entry_was_acknowledged(offer) -> None:
    by, application = an_application(offer, Step.ENTRY)
    with pytest.raises(StepNotReached):
        services.bind_account(by, application.id, a_guest())
    assert queries.application(application.id).account_id is None


def test_a_product_without_questions_goes_straight_to_its_documents() -> None:
    publish(an_insurer())
    _by, application = an_application(an_offer(), Step.DOCUMENTS)
    assert queries.application_view(application.id).next_step is Step.DOCUMENTS


# Opening


def test_a_second_click_opens_nothing_new(offer) -> None:
    by, application = an_application(offer, Step.ENTRY)
    assert services.open_application(by, offer.id, "en") == application
    assert rows("application_application") == 1
    opened = db.session.execute(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'fact.opened'"))
    assert opened.scalar_one() == 1


def test_an_offer_of_another_journey_is_not_there(offer) -> None:
    with pytest.raises(OfferNotFound):
        services.open_application(acting_in(a_journey()), offer.id, "en")
    assert rows("application_application") == 0


def test_published_rates_cannot_be_applied_for() -> None:
    content = a_content("plan", Line.TRAVEL, profile=Profile.RATES_ONLY)
    publish(an_insurer(), content)
    offer = an_offer()
    with pytest.raises(NotForSale):
        services.open_application(acting_in(offer.need.journey_id), offer.id, "en")
    assert rows("application_application") == 0


@pytest.mark.parametrize("present", ROAD)
def test_an_expired_offer_stops_every_step(offer, present: Step) -> None:
    by, application = an_application(offer, present)
    view = queries.application_view(application.id)
    before = trail(application.id)
    clock.set_business_offset(timedelta(days=14))
    with pytest.raises(OfferExpired):
        do_step(by, view, present, {"account": a_guest()})
    assert trail(application.id) == before
    assert queries.application(application.id) == application


@pytest.mark.requirement("T26-26")
@pytest.mark.parametrize("present", [Step.EXCLUSIONS, Step.REVIEW])
def test_a_recalled_product_stops_the_application(offer, present: Step) -> None:
    by, application = an_application(offer, present)
    catalog.recall(offer.version.id, words("A wrong table."), SYSTEM)
    with pytest.raises(ProductWithdrawn):
        do_step(by, queries.application_view(application.id), present, {})
    assert queries.application(application.id).state is State.STARTED
    assert decision_of(application.id) is None


# Strangers


@pytest.mark.parametrize("present", ROAD)
def test_a_stranger_finds_no_application_at_any_step(offer, present: Step) -> None:
    _by, application = an_application(offer, present)
    view = queries.application_view(application.id)
    stranger = a_guest("stranger@example.com")
    visitor = acting_in(a_journey())
    for by in (visitor, replace(visitor, account_id=stranger.id)):
        with pytest.raises(ApplicationNotFound):
            do_step(by, view, present, {"account": stranger})
        with pytest.raises(ApplicationNotFound):
            queries.own_application_view(application.id, by.journey_id, by.account_id)
        with pytest.raises(ApplicationNotFound):
            queries.own_application(application.id, by.journey_id, by.account_id)
    assert queries.application(application.id) == application


def test_once_an_address_is_proven_the_journey_alone_opens_nothing(offer) -> None:
    by, application = an_application(offer, Step.PEOPLE)
    other = a_guest("other@example.com")
    for account_id in (None, other.id):
        with pytest.raises(ApplicationNotFound):
            services.give_people(replace(by, account_id=account_id), application.id, LIN_YUE)
    with pytest.raises(ApplicationNotFound):
        services.bind_account(replace(by, account_id=None), application.id, other)
    with pytest.raises(ApplicationNotFound):
        services.open_application(replace(by, account_id=None), offer.id, "en")
    assert queries.application(application.id) == application


@pytest.mark.requirement("T26-32")
def test_the_owner_goes_on_from_another_device(offer) -> None:
    by, application = an_application(offer, Step.PEOPLE)
    elsewhere = replace(acting_in(a_journey()), account_id=by.account_id)
    services.give_people(elsewhere, application.id, LIN_YUE)
    db.session.commit()
    assert {entry.journey_id for entry in entries_of_application(application.id)} == {offer.need.journey_id}


@pytest.mark.requirement("T26-25")
def test_staff_cannot_become_the_applicant(offer) -> None:
    by, application = an_application(offer, Step.CODE)
    with pytest.raises(NotACustomer):
        services.bind_account(by, application.id, a_member_of_staff(Role.ADMIN_SALES))
    assert queries.application(application.id).account_id is None


def test_an_unknown_application_is_not_found(offer) -> None:
    with pytest.raises(ApplicationNotFound):
        services.submit(acting_in(offer.need.journey_id), new_id(), "")
    with pytest.raises(ApplicationNotFound):
        queries.application(new_id())


# Address


def test_the_address_may_be_changed_until_one_is_proven(offer) -> None:
    by, application = an_application(offer, Step.CODE)
    services.give_email(by, application.id, " Second@Example.com ")
    assert queries.application(application.id).email == "second@example.com"
    customer = a_customer()
    bound = services.bind_account(by, application.id, customer)
    assert (bound.account_id, bound.email) == (customer.id, customer.email)
    mine = replace(by, account_id=customer.id)
    assert services.bind_account(mine, application.id, customer) == bound
    assert services.give_email(mine, application.id, "third@example.com") == bound
    assert trail(application.id).count(EntryType.EMAIL_VERIFIED) == 1


def test_a_signed_in_customer_needs_no_code(offer) -> None:
    by, application = an_application(offer, Step.EMAIL)
    customer = a_customer()
    services.bind_account(replace(by, account_id=customer.id), application.id, customer)
    assert queries.application_view(application.id).next_step is Step.PEOPLE


# Documents and exclusions


@pytest.mark.requirement("T26-23", "SCM-08")
def test_each_document_has_its_own_confirmation_and_repeating_it_adds_nothing(offer) -> None:
    by, application = an_application(offer, Step.DOCUMENTS)
    first, second = (each.document for each in queries.application_view(application.id).documents)
    for _click in range(2):
        services.confirm_document(by, application.id, first.id, first.sha256)
    view = queries.application_view(application.id)
    assert [each.confirmed for each in view.documents] == [True, False]
    assert view.next_step is Step.DOCUMENTS
    services.confirm_document(by, application.id, second.id, second.sha256)
    view = queries.application_view(application.id)
    kept = {each.subject_sha256: each for each in view.confirmations if each.kind is ConfirmationKind.DOCUMENT}
    assert set(kept) == {first.sha256, second.sha256}
    assert {each.page_version_id for each in kept.values()} == {by.page_version_id}
    assert view.next_step is Step.EXCLUSIONS
    assert trail(application.id).count(EntryType.DOCUMENT_CONFIRMED) == 2


@pytest.mark.requirement("T26-14")
def test_a_document_is_confirmed_by_the_hash_of_what_was_read(offer) -> None:
    by, application = an_application(offer, Step.DOCUMENTS)
    first, second = (each.document for each in queries.application_view(application.id).documents)
    before = trail(application.id)
    with pytest.raises(TextChanged):
        services.confirm_document(by, application.id, first.id, second.sha256)
    with pytest.raises(DocumentNotAsked):
        services.confirm_document(by, application.id, new_id(), first.sha256)
    assert trail(application.id) == before
    services.confirm_document(by, application.id, first.id, first.sha256)
    db.session.commit()
    confirmed = entries_of_application(application.id)[-1]
    assert confirmed.body["document_id"] == str(first.id)
    assert confirmed.body["sha256"] == first.sha256 == DOCUMENTS[0].sha256


def test_documents_are_those_of_the_language_of_the_application(offer) -> None:
    _by, application = an_application(offer, Step.DOCUMENTS, locale="zh_Hans_CN")
    documents = [each.document for each in queries.application_view(application.id).documents]
    assert [(each.kind, each.locale) for each in documents] == [
        ("clauses", "zh_Hans_CN"),
        ("other", "en"),
    ]


@pytest.mark.requirement("T26-15", "SCM-08")
def test_exclusions_are_confirmed_by_the_hash_of_their_words(offer) -> None:
    by, application = an_application(offer, Step.EXCLUSIONS)
    view = queries.application_view(application.id)
    with pytest.raises(TextChanged):
        services.confirm_exclusions(by, application.id, "0" * 64)
    assert queries.application_view(application.id).next_step is Step.EXCLUSIONS
    services.confirm_exclusions(by, application.id, view.exclusions_sha256)
    assert queries.application_view(application.id).next_step is Step.REVIEW
    db.session.commit()
    assert entries_of_application(application.id)[-1].body["exclusions"] == 2


# Submission


def test_a_double_click_submits_once(offer) -> None:
    by, application = an_application(offer, Step.REVIEW)
    first = declare(by, application.id)
    assert declare(by, application.id) == first
    assert first.state is State.ACCEPTED
    assert rows("underwriting_decision") == 1
    assert trail(application.id).count(EntryType.APPLICATION_SUBMITTED) == 1
    jobs = db.session.execute(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'fact.submitted'"))
    assert jobs.scalar_one() == 1


def test_what_was_told_otherwise_in_another_tab_is_not_declared(offer) -> None:
    by, application = an_application(offer, Step.REVIEW)
    shown = queries.application_view(application.id).told_sha256
    services.give_people(by, application.id, replace(LIN_YUE, applicant=replace(LIN_YUE.applicant, name="林悦")))
    with pytest.raises(StepNotReached) as refusal:  # who was proven is somebody else
        services.submit(by, application.id, shown)
    assert refusal.value.step is Step.IDENTITY
    prove_identity(by, application.id)
    with pytest.raises(ToldChanged):
        services.submit(by, application.id, shown)
    assert queries.application(application.id).state is State.STARTED
    assert EntryType.APPLICATION_SUBMITTED not in trail(application.id)
    assert rows("underwriting_decision") == 0
    assert declare(by, application.id).state is State.ACCEPTED


@pytest.mark.parametrize(
    ("yes", "state", "step", "reasons"),
    [
        ((), State.ACCEPTED, Step.PAY, []),
        (("back",), State.REFERRED, Step.REFERRED, ["back"]),
        (("heart", "back"), State.DECLINED, Step.DECLINED, ["heart", "back"]),
    ],
)
def test_the_guideline_decides_in_the_same_transaction(offer, yes, state, step, reasons) -> None:
    by, application = an_application(offer, step, yes=yes)
    assert application.state is state
    assert queries.application_view(application.id).next_step is step
    decision = decision_of(application.id)
    assert decision is not None
    assert [reason.question_id for reason in decision.reasons] == reasons
    db.session.commit()
    decided = entries_of_application(application.id)[-1]
    assert decided.body["outcome"] == decision.outcome
    assert decided.body["rule_sha256"] == decision.decision.rule_sha256
    jobs = db.session.execute(text("SELECT args FROM procrastinate_jobs WHERE task_name = 'fact.submitted'"))
    assert jobs.scalar_one()["fact"]["outcome"] == state
    db.session.rollback()
    with pytest.raises(AlreadySubmitted):
        services.give_answers(by, application.id, {"back": False})


@pytest.mark.parametrize("act", ["people", "answers", "document", "exclusions", "email"])
def test_after_submission_nothing_can_be_changed(offer, act: str) -> None:
    by, application = an_application(offer, Step.PAY)
    view = queries.application_view(application.id)
    document = view.documents[0].document
    acts = {
        "people": lambda: services.give_people(by, application.id, LIN_YUE),
        "answers": lambda: services.give_answers(by, application.id, {"heart": True}),
        "document": lambda: services.confirm_document(by, application.id, document.id, document.sha256),
        "exclusions": lambda: services.confirm_exclusions(by, application.id, view.exclusions_sha256),
        "email": lambda: services.give_email(by, application.id, "new@example.com"),
    }
    before = trail(application.id)
    with pytest.raises(AlreadySubmitted):
        acts[act]()
    assert trail(application.id) == before
    assert queries.application(application.id) == application


@pytest.mark.parametrize(("days", "possible"), [(9, True), (10, False)])
def test_cover_cannot_begin_before_it_is_applied_for(offer, days: int, possible: bool) -> None:  # noqa: FBT001  cases
    by, application = an_application(offer, Step.REVIEW)
    clock.set_business_offset(timedelta(days=days))
    assert date(2026, 12, 1) == START_ON
    if possible:
        assert declare(by, application.id).state is State.ACCEPTED
    else:
        with pytest.raises(StartDayPassed):
            declare(by, application.id)
        assert queries.application(application.id) == application
        assert rows("underwriting_decision") == 0


@pytest.mark.requirement("SCM-08")
def test_the_declaration_says_which_offer_price_and_texts_it_is_about(offer) -> None:
    _by, application = an_application(offer, Step.PAY)
    db.session.commit()
    (submitted,) = [
        entry for entry in entries_of_application(application.id) if entry.type is EntryType.APPLICATION_SUBMITTED
    ]
    assert submitted.body["offer_id"] == str(offer.id)
    assert (submitted.body["premium_minor"], submitted.body["currency"]) == (10_600, "CNY")
    assert submitted.body["documents"] == [DOCUMENTS[0].sha256, DOCUMENTS[2].sha256]
    assert submitted.body["tariff_root"] == offer.tariff_root


# After the decision


def test_an_accepted_application_is_payable_by_its_owner_at_the_offers_price(offer) -> None:
    by, application = an_application(offer, Step.PAY)
    assert by.account_id is not None
    assert queries.payable(application.id, by.account_id) == (application, offer)
    with pytest.raises(ApplicationNotFound):
        queries.payable(application.id, a_guest("other@example.com").id)
    clock.set_business_offset(timedelta(days=14))
    with pytest.raises(OfferExpired):
        queries.payable(application.id, by.account_id)


def test_a_referred_application_is_never_paid(offer) -> None:
    by, application = an_application(offer, Step.REFERRED, yes=("back",))
    assert by.account_id is not None
    with pytest.raises(NothingToPay):
        queries.payable(application.id, by.account_id)
    with pytest.raises(TransitionRefused):
        services.conclude(application.id)
    assert queries.application(application.id).state is State.REFERRED


def test_a_contract_is_concluded_once(offer) -> None:
    _by, application = an_application(offer, Step.PAY)
    assert services.conclude(application.id).state is State.CONTRACTED
    assert services.conclude(application.id).state is State.CONTRACTED
    assert queries.application_view(application.id).next_step is Step.DONE


@pytest.mark.parametrize(
    ("upto", "yes", "after"),
    [
        (Step.PEOPLE, (), State.LAPSED),
        (Step.PAY, (), State.LAPSED),
        (Step.REFERRED, ("back",), State.REFERRED),
        (Step.DECLINED, ("heart",), State.DECLINED),
    ],
)
def test_what_was_not_paid_lapses_two_days_after_its_offer(offer, upto: Step, yes, after: State) -> None:
    by, application = an_application(offer, upto, yes=yes)
    to_expiry = offer.expires_at - clock.now()
    clock.set_business_offset(to_expiry + timedelta(days=2, minutes=-1))
    assert services.lapse_overdue() == 0
    clock.set_business_offset(to_expiry + timedelta(days=2, minutes=1))
    assert services.lapse_overdue() == (after is State.LAPSED)
    assert queries.application(application.id).state is after
    if after is State.LAPSED:
        with pytest.raises(Conflict):
            services.give_people(by, application.id, LIN_YUE)


def test_a_lapsed_application_says_so(offer) -> None:
    by, application = an_application(offer, Step.PEOPLE)
    clock.set_business_offset(timedelta(days=17))
    services.lapse_overdue()
    with pytest.raises(ApplicationLapsed):
        services.give_people(by, application.id, LIN_YUE)
    assert queries.application_view(application.id).next_step is Step.LAPSED


def test_a_customers_applications_come_newest_first(offer) -> None:
    account = a_guest()
    _by, first = an_application(offer, Step.PEOPLE, account=account)
    _by, second = an_application(an_offer(), Step.PEOPLE, account=account)
    assert queries.applications_of_account(account.id) == (second, first)
    assert queries.applications_of_account(new_id()) == ()
    assert publish_wordings() == ()
