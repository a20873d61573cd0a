"""Whole-system test 3 of the regulation checklist: what an offer rests on is changed between quote and payment, at each
step. Nobody pays for anything but what was shown and confirmed: it is refused in words, and confirmed anew.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Insurer
from marketplace.application import queries as applications
from marketplace.application.rules import ORDER
from marketplace.application.values import Step
from marketplace.catalog import queries as catalog
from marketplace.catalog import services as catalog_services
from marketplace.catalog.values import Cover, DocumentKind, DocumentRef, Line, ProductContent
from marketplace.infra import present
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.policy import queries as policies
from marketplace.rating.values import Add, LineKind, Tariff
from marketplace.traceability import queries as trail
from marketplace.traceability.values import SYSTEM, EntryType
from sandbox.demo.visitor import Visitor, words
from tests.everything import every_row
from tests.factories.accounts import an_insurer
from tests.factories.quoting import DOCUMENTS, EXCLUSIONS, a_content, a_tariff, publish
from tests.factories.quoting import words as said
from tests.web.conftest import NothingWritten, count
from tests.web.roads import QUESTIONS, ROADS, TYPED, ZHOU, Road, Traveller
from tests.web.test_skipping import a_basket

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]

CLAUSES = b"# Clauses\n\n1. We pay less."
CHANGED_CLAUSES = DocumentRef(
    DocumentKind.CLAUSES, "en", "clauses", "clauses.en.md", "text/markdown", sha256_hex(CLAUSES), len(CLAUSES)
)
OLD = a_content("trip", questions=QUESTIONS)
STOOD_AT = (Step.EMAIL, Step.PEOPLE, Step.IDENTITY, Step.QUESTIONS, Step.DOCUMENTS, Step.EXCLUSIONS, Step.REVIEW,
            Step.PAY)  # fmt: skip


@dataclass(frozen=True)
class Swap:
    """What is sold in the place of the old version, and the entries that confirm what is new in it."""

    content: ProductContent
    tariff: Tariff
    confirmed: EntryType


def _with_fee() -> Tariff:
    usual = a_tariff()
    fee = Add("fee", "5.00", LineKind.FEE, said("Policy fee"))
    return replace(usual, steps=(*usual.steps, fee))


SWAPS = {
    "price": Swap(OLD, a_tariff("120.00"), EntryType.APPLICATION_SUBMITTED),
    "clause": Swap(
        replace(OLD, documents=(CHANGED_CLAUSES, *DOCUMENTS[1:])), a_tariff(), EntryType.DOCUMENT_CONFIRMED
    ),
    "exclusion": Swap(
        replace(OLD, exclusions=(replace(EXCLUSIONS[0], plain_explanation=said("Nothing is paid.")), EXCLUSIONS[1])),
        a_tariff(), EntryType.EXCLUSIONS_CONFIRMED,
    ),
    "questions": Swap(
        replace(OLD, questions=(replace(QUESTIONS[0], lookback=said("5 years")), QUESTIONS[1])),
        a_tariff(), EntryType.ANSWER_GIVEN,
    ),
    "cover": Swap(
        replace(OLD, covers=(Cover("main", said("Main cover"), said("The loss"), said("At most 500")),)),
        a_tariff(), EntryType.APPLICATION_SUBMITTED,
    ),
    "fee": Swap(OLD, _with_fee(), EntryType.APPLICATION_SUBMITTED),
}  # fmt: skip
ROAD = replace(ROADS["with proof of identity"], content=None)


@pytest.fixture
def trips(shop: Flask) -> Insurer:
    """An insurer of journeys with its product on sale."""
    with shop.app_context():
        insurer = an_insurer("trips")
        publish(insurer, OLD, a_tariff())
        db.session.commit()
    return insurer


def standing(shop: Flask, code_for: CodeFor, step: Step, road: Road = ROAD) -> Traveller:
    """A customer of their own who has come to this step, and looks at its page."""
    who = replace(ZHOU, email=f"{step}@example.com")
    traveller = Traveller(shop, Visitor(shop.test_client()), road, code_for, who)
    traveller.visitor.client.environ_base["REMOTE_ADDR"] = f"198.51.100.{ORDER.index(step) + 1}"
    traveller.begin()
    while traveller.view.next_step is not step:
        traveller.go_on()
    traveller.visitor.get(traveller.resume)
    return traveller


def recall_and_sell(shop: Flask, insurer: Insurer, swap: Swap) -> None:
    """The old version is recalled and the new one is on sale from today."""
    with shop.app_context():
        (old,) = catalog.products_of_insurer(insurer.id)
        catalog_services.recall(old.id, said("A wrong table."), SYSTEM)
        _sell(insurer, swap)


def _sell(insurer: Insurer, swap: Swap) -> None:
    documents = {CHANGED_CLAUSES.sha256: CLAUSES}
    publish(insurer, swap.content, swap.tariff, effective_from=clock.today(ZONE), documents=documents)
    db.session.commit()


def rename(shop: Flask, insurer: Insurer, _swap: object = None) -> None:
    """The insurer has another legal name from now on."""
    with shop.app_context(), every_row() as owner:
        renamed = "UPDATE accounts_insurer SET legal_name = jsonb_set(legal_name, '{en}', '\"Other Insurance Co.\"')"
        assert owner.execute(text(f"{renamed} WHERE id = :id"), {"id": insurer.id}).rowcount == 1
        owner.commit()
    present.forget()


@pytest.mark.requirement("T26-26", "UK-12")
@pytest.mark.parametrize("what", SWAPS)
def test_wherever_one_stands_a_swap_is_told_and_confirmed_anew(
    *, shop: Flask, trips: Insurer, code_for: CodeFor, work: Work, nothing_written: NothingWritten, what: str
) -> None:
    swap = SWAPS[what]
    at = {step: standing(shop, code_for, step) for step in STOOD_AT}
    recall_and_sell(shop, trips, swap)
    with nothing_written():
        for step, traveller in at.items():
            refused_in_words(traveller, step)
    assert (count(shop, "payment_attempt"), count(shop, "policy_policy")) == (0, 0)
    for step in (Step.PEOPLE, Step.PAY):
        confirms_anew(shop, at[step], swap, work)


def refused_in_words(traveller: Traveller, step: Step) -> None:
    """What the page of the step sends, and where it leads on to."""
    page = words(traveller.visitor.post(TYPED))
    assert traveller.visitor.status == 409, step
    assert "The insurer has withdrawn this product. Please compare again." in page, step
    assert "Compare again with the same answers" in page, step


def confirms_anew(shop: Flask, traveller: Traveller, swap: Swap, work: Work) -> None:
    """From the comparison on: the new words and the new price, every confirmation, and a contract on these."""
    before = traveller.application_id
    traveller.begin()
    assert traveller.application_id != before
    while traveller.view.next_step is not Step.PAY:
        traveller.go_on()
    traveller.pay()
    work()
    with shop.app_context():
        policy = policies.policy_of_application(traveller.application_id)
        assert policies.policy_of_application(before) is None
        view = applications.application_view(traveller.application_id)
        entries = trail.entries_of_application(traveller.application_id)
    assert policy
    assert view.offer.content_sha256 == swap.content.sha256
    assert policy.premium == view.offer.premium
    shown = [each for each in entries if each.page_sha256 is not None and each.body.get("endpoint") == "checkout.pay"]
    assert shown[0].body["total_minor"] == policy.premium.minor, "the price shown is the price paid"
    assert swap.confirmed in {each.type for each in entries}


@pytest.mark.requirement("T26-26", "T26-14")
def test_a_newer_version_beside_touches_nobody_who_was_made_an_offer(
    shop: Flask, trips: Insurer, code_for: CodeFor, work: Work
) -> None:
    """What was shown and confirmed is what is paid and concluded, whatever is sold to others since."""
    reviewing, paying = standing(shop, code_for, Step.REVIEW), standing(shop, code_for, Step.PAY)
    with shop.app_context():
        _sell(trips, replace(SWAPS["clause"], tariff=a_tariff("120.00")))
    reviewing.go_on()
    for traveller in (reviewing, paying):
        traveller.pay()
    work()
    with shop.app_context():
        bought = [policies.policy_of_application(each.application_id) for each in (reviewing, paying)]
    assert [policy and policy.premium.minor for policy in bought] == [10_600, 10_600]
    assert {each["sha256"] for policy in bought if policy for each in policy.body["documents"]}.isdisjoint(
        {CHANGED_CLAUSES.sha256}
    )


@pytest.mark.requirement("T26-26", "T26-10")
def test_another_name_of_the_insurer_is_declared_anew(
    *, shop: Flask, trips: Insurer, code_for: CodeFor, work: Work, nothing_written: NothingWritten
) -> None:
    """Before the declaration the review says it; after it nothing is paid on a declaration to somebody else."""
    reviewing, paying = standing(shop, code_for, Step.REVIEW), standing(shop, code_for, Step.PAY)
    rename(shop, trips)
    with nothing_written():
        reviewing.visitor.post({"declare": "yes"})
        assert reviewing.visitor.status == 409
        page = words(paying.visitor.post({}))
    assert paying.visitor.status == 409
    assert "The insurer has another name than when you declared. Nothing was charged." in page
    assert "Compare again with the same answers" in page
    reviewing.visitor.get(reviewing.resume)
    assert "Other Insurance Co." in words(reviewing.visitor.text)
    reviewing.go_on()
    reviewing.pay()
    work()
    with shop.app_context():
        policy = policies.policy_of_application(reviewing.application_id)
    assert policy
    assert policy.insurer_name.en == "Other Insurance Co."
    assert count(shop, "policy_policy") == 1


SWAPPED: dict[str, Callable[[Flask, Insurer, Swap], None]] = {"recalled": recall_and_sell, "renamed": rename}


@pytest.mark.requirement("T26-26")
@pytest.mark.parametrize("how", SWAPPED)
def test_what_is_swapped_on_the_way_to_stripe_gives_the_money_back(
    *, shop: Flask, trips: Insurer, code_for: CodeFor, work: Work, how: str
) -> None:
    paying = standing(shop, code_for, Step.PAY)
    paying.visitor.post({})
    SWAPPED[how](shop, trips, SWAPS["price"])
    back = paying.visitor.give_card()
    assert back is not None
    paying.visitor.get(back)
    work()
    assert count(shop, "policy_policy") == 0
    assert count(shop, "checkout_order", "state IN ('not_issuable', 'refunded')") == 1
    assert count(shop, "payment_refund") == 1


@pytest.mark.requirement("T26-26", "O13-22")
@pytest.mark.parametrize("how", SWAPPED)
def test_other_terms_are_agreed_to_for_what_they_were_made_of(
    *, shop: Flask, trips: Insurer, code_for: CodeFor, nothing_written: NothingWritten, how: str
) -> None:
    """Before they are agreed to and after."""
    road = replace(ROADS["on other terms"], content=None)
    deciding, paying = (standing(shop, code_for, step, road) for step in (Step.COUNTER_OFFER, Step.PAY))
    SWAPPED[how](shop, trips, SWAPS["exclusion"])
    with nothing_written():
        for traveller in (deciding, paying):
            traveller.visitor.post({"agree": "yes"})
            assert traveller.visitor.status == 409
            assert "Please compare again" in words(traveller.visitor.text)
    assert (count(shop, "payment_attempt"), count(shop, "policy_policy")) == (0, 0)


@pytest.mark.requirement("T26-26", "SCM-05")
@pytest.mark.parametrize("how", SWAPPED)
def test_a_part_of_a_basket_that_is_swapped_stops_the_common_payment(
    *, shop: Flask, visitor: Visitor, code_for: CodeFor, work: Work, nothing_written: NothingWritten, how: str
) -> None:
    """Nothing is paid, not for the others either, until it is left out or applied for anew."""
    basket, offers = a_basket(shop, visitor)
    for offer in offers:
        traveller = Traveller(shop, visitor, Road(()), code_for)
        traveller.begin(offer.replace("/apply/", "/offers/"))
        while traveller.view.next_step is not Step.PAY:
            traveller.go_on()
    visitor.get(f"{basket}/pay")
    with shop.app_context():
        third = accounts.insurer_by_code("third")
    SWAPPED[how](shop, third, Swap(a_content("falls", Line.ACCIDENT), a_tariff("90.00"), EntryType.ANSWER_GIVEN))
    with nothing_written():
        visitor.post({})
    assert visitor.status == 409
    assert "Please compare again" in words(visitor.text)
    assert f'href="{basket}">Go on where you are' in visitor.text
    assert count(shop, "payment_attempt") == 0
    visitor.get(basket)
    visitor.post({}, f"{basket}/lines/2/out")
    visitor.get(f"{basket}/pay")
    assert visitor.pay() is True
    work()
    assert count(shop, "policy_policy") == 1, "the other part holds"
