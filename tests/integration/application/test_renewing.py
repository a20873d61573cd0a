"""A fresh offer on the way: what is unchanged stays confirmed, what has changed is asked again (T26-26)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from marketplace.application import queries, services
from marketplace.application.values import (
    AlreadySubmitted,
    ApplicationNotFound,
    NoNewOffer,
    People,
    Person,
    Relationship,
    State,
    Step,
)
from marketplace.catalog import services as catalog
from marketplace.catalog.values import Allowed, DocumentKind, DocumentRef
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.money import Money
from marketplace.quoting.queries import live_offer
from marketplace.quoting.queries import offer as offer_by_id
from marketplace.quoting.values import OfferExpired, OfferVoided
from marketplace.traceability.queries import entries_of_application
from marketplace.traceability.values import SYSTEM, EntryType
from tests.factories.accounts import a_guest, an_insurer
from tests.factories.application import acting_in, an_application, declare, prove_identity
from tests.factories.quoting import DOCUMENTS, EXCLUSIONS, a_content, a_question, a_tariff, an_offer, publish, words
from tests.factories.traceability import a_journey

pytestmark = pytest.mark.usefixtures("database", "ticking_clock")

TODAY = date(2026, 11, 22)
NEW_CLAUSES = b"# Clauses\n\n1. We pay less."
CHANGED = DocumentRef(
    DocumentKind.CLAUSES, "en", "clauses", "clauses.en.md", "text/markdown", sha256_hex(NEW_CLAUSES), len(NEW_CLAUSES)
)
QUESTIONS = (a_question("heart"), a_question("back"))


@pytest.fixture
def insurer():
    return an_insurer()


@pytest.fixture
def ready(insurer):
    """An application with everything done but the review, for a product at 106.00."""
    publish(insurer, a_content("trip", questions=QUESTIONS), a_tariff("100.00"))
    return an_application(an_offer(), Step.REVIEW)


def recall_and_publish(insurer, application, **changes) -> None:
    catalog.recall(application.product_version_id, words("A wrong table."), SYSTEM)
    content = a_content("trip", **({"questions": QUESTIONS} | changes))
    publish(insurer, content, a_tariff("110.00"), effective_from=TODAY, documents={CHANGED.sha256: NEW_CLAUSES})


def test_after_a_recall_only_what_changed_is_confirmed_again(insurer, ready) -> None:
    by, application = ready
    recall_and_publish(insurer, application, documents=(CHANGED, *DOCUMENTS[1:]))
    renewed = services.take_new_offer(by, application.id)
    view = queries.application_view(application.id)
    assert (view.offer.premium, renewed.id, renewed.state) == (Money(11_660, "CNY"), application.id, State.STARTED)
    assert view.next_step is Step.DOCUMENTS
    assert [(each.document.sha256, each.confirmed) for each in view.documents] == [
        (CHANGED.sha256, False),
        (DOCUMENTS[2].sha256, True),
    ]
    assert view.exclusions_confirmed
    assert renewed.people == application.people
    assert renewed.answers == application.answers
    services.confirm_document(by, application.id, view.documents[0].document.id, CHANGED.sha256)
    assert declare(by, application.id).state is State.ACCEPTED


def test_changed_exclusions_and_questions_are_asked_again(insurer, ready) -> None:
    by, application = ready
    changed = (replace(EXCLUSIONS[0], plain_explanation=words("Nothing at all is paid.")), EXCLUSIONS[1])
    questions = (replace(QUESTIONS[0], lookback=words("5 years")), QUESTIONS[1])
    recall_and_publish(insurer, application, exclusions=changed, questions=questions)
    renewed = services.take_new_offer(by, application.id)
    view = queries.application_view(application.id)
    assert renewed.answers == {"back": False}
    assert view.next_step is Step.QUESTIONS
    assert not view.exclusions_confirmed
    services.give_answers(by, application.id, {"heart": False})
    assert queries.application_view(application.id).next_step is Step.EXCLUSIONS


def test_after_expiry_the_same_product_is_offered_anew(ready) -> None:
    by, application = ready
    clock.set_business_offset(timedelta(days=14))
    with pytest.raises(OfferExpired):
        declare(by, application.id)
    renewed = services.take_new_offer(by, application.id, start_on=TODAY + timedelta(days=20))
    assert renewed.offer_id != application.offer_id
    assert renewed.product_version_id == application.product_version_id
    assert offer_by_id(application.offer_id).expires_at < clock.business_now()
    assert declare(by, application.id).state is State.ACCEPTED


def test_another_age_gives_another_price_and_asks_for_the_people_again(ready) -> None:
    by, application = ready
    renewed = services.take_new_offer(by, application.id, {"age": 36})
    assert renewed.people is None
    assert queries.application_view(application.id).next_step is Step.PEOPLE
    with pytest.raises(OfferVoided):
        live_offer(application.offer_id)
    older = People(Person("林月", date(1990, 3, 4)), Relationship.SELF)
    services.give_people(by, application.id, older)
    prove_identity(by, application.id)
    assert declare(by, application.id).people == older


def test_the_change_is_recorded_with_both_prices(ready) -> None:
    by, application = ready
    renewed = services.take_new_offer(by, application.id)
    db.session.commit()
    last = entries_of_application(application.id)[-1]
    assert last.type is EntryType.OFFER_REPLACED
    assert (last.body["old_offer_id"], last.body["new_offer_id"]) == (str(application.offer_id), str(renewed.offer_id))
    assert (last.body["old_total_minor"], last.body["new_total_minor"]) == (10_600, 10_600)


def test_no_offer_no_change(insurer, ready) -> None:
    by, application = ready
    recall_and_publish(insurer, application, eligibility={"age": Allowed(max=30)})
    publish(an_insurer("lantern"), a_content("trip"), a_tariff("1.00"))
    with pytest.raises(NoNewOffer):
        services.take_new_offer(by, application.id)
    assert queries.application(application.id) == application


def test_strangers_and_submitted_applications_get_no_new_offer(ready) -> None:
    by, application = ready
    for stranger in (acting_in(a_journey()), replace(by, account_id=a_guest("other@example.com").id)):
        with pytest.raises(ApplicationNotFound):
            services.take_new_offer(stranger, application.id)
    declare(by, application.id)
    with pytest.raises(AlreadySubmitted):
        services.take_new_offer(by, application.id)
    assert queries.application(application.id).offer_id == application.offer_id
