"""The refund desk: finance asks, a second person agrees above the limit, and the money goes back where it came from."""

import re
import threading
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
import requests
from flask import Flask
from sqlalchemy import text

from marketplace.accounts.values import Role
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import Scope, db, use_scope
from marketplace.infra.formatting import format_money
from marketplace.kernel.money import Money
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Sale
from marketplace.payment import queries, services
from marketplace.payment.values import (
    AskRefund,
    AttemptState,
    LedgerAccount,
    NothingToRefund,
    Purpose,
    RefundReason,
    RefundState,
)
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import Actor, ActorRole, EntryType
from sandbox.demo.visitor import Visitor, words
from tests.factories import payment as factory
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.simulator_server import SECRET_KEY, SimulatorServer
from tests.web.conftest import LI_NA, count
from tests.web.desk_visits import at_the_desk, links

Work = Callable[[], list[str]]
DESK = "/admin/refunds"
PREMIUM = Money(132_075, "CNY")
WHY = "The contract was cancelled on 3 March, see case 17."
REASON = {"reason": "contract_ended", "words": WHY}


@pytest.fixture
def finance(shop: Flask) -> Visitor:
    return at_the_desk(shop, Role.ADMIN_FINANCE)


@pytest.fixture
def second(shop: Flask) -> Visitor:
    return at_the_desk(shop, Role.ADMIN_COMPLIANCE)


@pytest.fixture
def two_needed() -> Iterator[None]:
    with factory.two_needed():
        services.configure({"CNY": Money(10_000, "CNY")})
        yield


def payment_page(desk: Visitor, called: str) -> str:
    """The page of the payment that is called so."""
    return links(desk.get(f"{DESK}?text={called}"), rf"{DESK}/payments/[0-9a-f-]{{36}}")[0]


def ask(desk: Visitor, called: str, amount: str, **more: str) -> str:
    page = payment_page(desk, called)
    desk.get(page)
    return words(desk.post({"amount": amount} | REASON | more, f"{page}/ask"))


def refunds(shop: Flask, sale: Sale) -> list[tuple[RefundReason, RefundState, Money]]:
    with shop.app_context():
        assert sale.order_id
        found = queries.refunds_for(Purpose.NEW_BUSINESS, sale.order_id)
    return [(each.reason, each.state, each.amount) for each in found]


def entries(shop: Flask, sale: Sale) -> list[EntryType]:
    with shop.app_context():
        kinds = [entry.type for entry in journey_entries(sale.journey_id)]
    return [kind for kind in kinds if kind.value.startswith("refund:")]


def sent(simulator: SimulatorServer, sale: Sale) -> list[int]:
    """What went back at Stripe for this sale's payment; the simulator is shared by all tests."""
    return [each["amount"] for each in simulator.listed("/v1/refunds", payment_intent=intent(simulator, sale))]


def agree_of(page: str) -> list[str]:
    return re.findall(rf'action="({DESK}/wishes/[0-9a-f-]{{36}}/approve)"', page)


@pytest.mark.requirement("O13-43")
def test_below_the_limit_it_goes_at_once_and_the_customer_is_told(
    shop: Flask, sale: Sale, finance: Visitor, work: Work, simulator: SimulatorServer
) -> None:
    said = ask(finance, str(sale.policy_number), "20.75")
    assert "It is on its way back." in said
    work()
    assert refunds(shop, sale) == [(RefundReason.CONTRACT_ENDED, RefundState.SUCCEEDED, Money(2_075, "CNY"))]
    assert sent(simulator, sale) == [2_075]
    assert entries(shop, sale) == [EntryType.REFUND_WISHED, EntryType.REFUND_REQUESTED, EntryType.REFUND_SUCCEEDED]
    with shop.app_context():
        mail = next(each for each in correspondence.inbox(recipient=LI_NA.email) if each.kind == "refund_made")
        assert "¥20.75" in correspondence.message_parts(mail.id).text
        assert oversight.disagreements() == ()
    page = words(finance.get(payment_page(finance, str(sale.policy_number))))
    assert "¥1,320.75 came in; ¥1,300.00 can still be sent back." in page
    assert "sent back" in page
    assert WHY in page


@pytest.mark.requirement("O13-43")
@pytest.mark.usefixtures("two_needed")
def test_above_the_limit_a_second_person_agrees(  # noqa: PLR0917  two people, and what they move
    shop: Flask, sale: Sale, finance: Visitor, second: Visitor, work: Work, simulator: SimulatorServer
) -> None:
    assert "It waits for a second person." in ask(finance, str(sale.order_reference), "1320.75")
    work()
    assert (refunds(shop, sale), sent(simulator, sale)) == ([], [])
    page = words(finance.get(DESK))
    assert "Another person than you has to agree." in page
    assert agree_of(finance.text) == []
    second.get(DESK)
    assert WHY in words(second.text)
    second.post({}, agree_of(second.text)[0])
    assert "Agreed. It is on its way back." in words(second.text)
    work()
    assert refunds(shop, sale) == [(RefundReason.CONTRACT_ENDED, RefundState.SUCCEEDED, PREMIUM)]
    assert sent(simulator, sale) == [PREMIUM.minor]
    with shop.app_context():
        found = [entry for entry in journey_entries(sale.journey_id) if entry.type.value.startswith("refund:")]
        assert oversight.disagreements() == ()
    assert [entry.type for entry in found] == [
        EntryType.REFUND_WISHED, EntryType.REFUND_APPROVED, EntryType.REFUND_REQUESTED, EntryType.REFUND_SUCCEEDED,
    ]  # fmt: skip
    assert [entry.actor.label for entry in found[:3]] == ["admin_finance", "admin_compliance", "admin_compliance"]


@pytest.mark.usefixtures("two_needed")
@pytest.mark.asvs("2.3.5")
def test_who_asked_cannot_agree_or_refuse_by_a_forged_request_either(
    shop: Flask, sale: Sale, finance: Visitor, work: Work
) -> None:
    ask(finance, str(sale.policy_number), "500")
    with shop.app_context():
        (row,) = queries.desk().rows
    assert row.wish
    for act, typed in (("approve", {}), ("refuse", {"reason": "I do not want it any more."})):
        answer = finance.client.post(f"{DESK}/wishes/{row.wish.id}/{act}", data={"csrf_token": token(finance)} | typed)
        assert answer.status_code == 422
        assert "Another person has to." in answer.get_data(as_text=True)
    work()
    assert refunds(shop, sale) == []
    assert entries(shop, sale) == [EntryType.REFUND_WISHED]
    with shop.app_context(), pytest.raises(Exception, match="another_person"):
        shop.extensions["superuser"].execute(
            "UPDATE payment_refund_wish SET decided_by = asked_by, decided_at = now(), state = 'approved'"
        )


@pytest.mark.usefixtures("two_needed")
def test_a_second_person_may_refuse_and_says_why(
    shop: Flask, sale: Sale, finance: Visitor, second: Visitor, work: Work
) -> None:
    ask(finance, str(sale.policy_number), "500")
    second.get(DESK)
    refuse = agree_of(second.text)[0].replace("/approve", "/refuse")
    second.post({"reason": ""}, refuse)
    assert second.status == 422
    assert "Please answer this." in words(second.text)
    second.get(DESK)
    second.post({"reason": "The contract goes on, see case 18."}, refuse)
    assert "Not agreed to. Nothing is sent back." in words(second.text)
    work()
    assert refunds(shop, sale) == []
    assert entries(shop, sale) == [EntryType.REFUND_WISHED, EntryType.REFUND_REFUSED]
    page = words(finance.get(f"{DESK}?state=refused"))
    assert "not agreed to" in page
    assert "The contract goes on, see case 18." in page
    second.get(DESK)
    answer = second.client.post(refuse, data={"csrf_token": token(second), "reason": "Once more, the same."})
    assert answer.status_code == 409


def test_a_double_click_sends_it_back_once(
    shop: Flask, sale: Sale, finance: Visitor, work: Work, simulator: SimulatorServer
) -> None:
    path = payment_page(finance, str(sale.policy_number))
    finance.get(path)
    form = {"csrf_token": token(finance), "wish": hidden(finance.text, "wish"), "amount": "10"} | REASON
    answers = [finance.client.post(f"{path}/ask", data=form).status_code for _ in range(3)]
    assert answers == [303, 303, 303]
    work()
    assert sent(simulator, sale) == [1_000]
    assert (count(shop, "payment_refund_wish"), count(shop, "payment_refund")) == (1, 1)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("1320.76", "At most ¥1,320.75 can be sent back."),
        ("0", "Please enter an amount that can be sent back."),
        ("-5", "Please enter an amount that can be sent back."),
        ("1.005", "This currency has fewer digits after the point."),
        ("NaN", "This currency has fewer digits after the point."),
        ("1e30", "Please enter an amount that can be sent back."),
        ("a lot", "Please enter a number."),
    ],
)
def test_an_amount_that_cannot_be_is_told_and_nothing_is_written(
    shop: Flask, sale: Sale, finance: Visitor, amount: str, said: str
) -> None:
    page = ask(finance, str(sale.policy_number), amount)
    assert finance.status == 422
    assert said in page
    assert WHY in page, "what was typed is still there"
    assert (count(shop, "payment_refund_wish"), count(shop, "payment_refund")) == (0, 0)
    assert entries(shop, sale) == []


@pytest.mark.usefixtures("two_needed")
def test_what_waits_is_counted_with_what_went_back(shop: Flask, sale: Sale, finance: Visitor, work: Work) -> None:
    ask(finance, str(sale.policy_number), "1000")
    ask(finance, str(sale.policy_number), "100")
    assert "At most ¥220.75 can be sent back." in ask(finance, str(sale.policy_number), "300")
    assert (count(shop, "payment_refund_wish"), count(shop, "payment_refund")) == (2, 1)


def test_where_the_named_insurer_has_too_little_that_is_what_is_told(shop: Flask, sale: Sale, finance: Visitor) -> None:
    """The other insurer's contract of the order has gone back already: nothing is left of it."""
    with shop.app_context():
        other = an_insurer("meadow").id
        line = """INSERT INTO checkout_order_line
            SELECT order_id, 2, application_id, offer_id, :other, product_version_id, premium_minor, currency, false
            FROM checkout_order_line WHERE order_id = :order"""
        db.session.execute(text(line), {"other": other, "order": sale.order_id})
        db.session.commit()
    said = ask(finance, str(sale.policy_number), "20.75", insurer=str(other))
    assert "At most ¥0.00 of this insurer’s contracts can be sent back." in said
    assert (count(shop, "payment_refund_wish"), count(shop, "payment_refund")) == (0, 0)
    assert "At most ¥1,320.75 can be sent back." in ask(finance, str(sale.policy_number), "1400", insurer="")
    assert "It is on its way back." in ask(
        finance, str(sale.policy_number), "20.75", insurer=str(other), reason="goodwill"
    ), "no insurer bears that"


@pytest.mark.asvs("2.3.4")
def test_two_desks_at_once_never_send_back_more_than_came_in(
    shop: Flask, sale: Sale, work: Work, simulator: SimulatorServer
) -> None:
    with shop.app_context():
        people = [a_member_of_staff(Role.ADMIN_FINANCE) for _ in range(4)]
        db.session.commit()
        (attempt,) = queries.attempts_of(Purpose.NEW_BUSINESS, the_order(sale))
    together, outcomes = threading.Barrier(len(people)), []

    def click(who: UUID) -> None:
        with use_scope(Scope.all()), shop.app_context():
            by = Actor(ActorRole.ADMIN, who, "admin_finance")
            wish = AskRefund(uuid4(), attempt.id, Money(100_000, "CNY"), RefundReason.CONTRACT_ENDED, WHY, by)
            together.wait()
            try:
                services.ask_refund(wish)
                db.session.commit()
                outcomes.append("asked")
            except NothingToRefund:
                db.session.rollback()
                outcomes.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=click, args=(each.id,)) for each in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work()
    assert sorted(outcomes) == ["asked", "refused", "refused", "refused"]
    assert sent(simulator, sale) == [100_000]


def test_only_finance_asks_and_only_those_who_keep_the_books_look(shop: Flask, sale: Sale, finance: Visitor) -> None:
    path = payment_page(finance, str(sale.policy_number))
    for role in (Role.ADMIN_OWNER, Role.ADMIN_COMPLIANCE):
        other = at_the_desk(shop, role)
        other.get(path)
        assert (other.status, "Send money back" in words(other.text)) == (200, False)
        form = {"csrf_token": token(other), "wish": str(uuid4()), "amount": "10"} | REASON
        assert other.client.post(f"{path}/ask", data=form).status_code == 403
    for role in (Role.ADMIN_SALES, Role.ADMIN_COMPLAINTS, Role.ADMIN_REVIEWER):
        assert at_the_desk(shop, role).client.get(DESK).status_code == 403
    assert count(shop, "payment_refund_wish") == 0


def test_goodwill_is_at_our_own_cost_and_a_contract_that_ended_at_the_insurers(
    shop: Flask, sale: Sale, finance: Visitor, work: Work
) -> None:
    before = accounts(shop)
    ask(finance, str(sale.policy_number), "20.75", reason="goodwill")
    work()
    after = accounts(shop)
    assert after[LedgerAccount.GOODWILL] == 2_075
    assert after[LedgerAccount.INSURER_PAYABLE] == before[LedgerAccount.INSURER_PAYABLE]
    ask(finance, str(sale.policy_number), "300")
    work()
    assert accounts(shop)[LedgerAccount.INSURER_PAYABLE] == before[LedgerAccount.INSURER_PAYABLE] + 30_000
    assert LedgerAccount.REFUNDS_PAYABLE not in accounts(shop)
    with shop.app_context():
        (attempt,) = queries.attempts_of(Purpose.NEW_BUSINESS, the_order(sale))
        assert attempt.state is AttemptState.SUCCEEDED, "the rest goes on counting"
        assert oversight.disagreements() == ()
    assert "Given back at our own cost" in finance.get("/admin/books")


def test_a_payment_is_found_by_what_people_and_stripe_call_it(
    shop: Flask, sale: Sale, finance: Visitor, simulator: SimulatorServer
) -> None:
    names = (sale.policy_number, sale.order_reference, intent(simulator, sale))
    found = {payment_page(finance, str(called)) for called in names}
    assert len(found) == 1
    assert "No payment is called so." in words(finance.get(f"{DESK}?text=pi_nobody"))


def test_a_refund_that_did_not_arrive_is_work_and_is_asked_for_again_after_a_look_at_stripe(
    shop: Flask, sale: Sale, finance: Visitor, work: Work, simulator: SimulatorServer
) -> None:
    simulator.switch(fail_next=[{"path": "/v1/refunds", "status": 400}])
    ask(finance, str(sale.policy_number), "50")
    work()
    simulator.switch()
    assert [state for _, state, _ in refunds(shop, sale)] == [RefundState.FAILED]
    page = words(finance.get(DESK))
    assert "did not arrive" in page
    assert "Look at the refund in Stripe’s dashboard" in page
    (again,) = re.findall(rf'action="({DESK}/[0-9a-f-]{{36}}/again)"', finance.text)
    simulator.switch(fail_next=[{"path": "/v1/refunds", "method": "GET", "status": 503, "times": 3}])
    finance.post({}, again)
    simulator.switch()
    assert "Stripe does not answer at the moment. Nothing was done" in words(finance.text)
    assert [state for _, state, _ in refunds(shop, sale)] == [RefundState.FAILED]
    finance.post({}, again)
    assert "Asked for again." in words(finance.text)
    work()
    assert [state for _, state, _ in refunds(shop, sale)] == [RefundState.SUCCEEDED]
    assert sent(simulator, sale) == [5_000]
    finance.get(DESK)
    answer = finance.client.post(again, data={"csrf_token": token(finance)})
    assert answer.status_code == 409
    with shop.app_context():
        assert oversight.disagreements() == ()


def test_amounts_are_told_as_the_reader_writes_them(shop: Flask, sale: Sale, finance: Visitor, work: Work) -> None:
    ask(finance, str(sale.policy_number), "20.75")
    finance.get(DESK)
    finance.post({"locale": "zh_Hans_CN", "back": DESK, "csrf_token": token(finance)}, "/language")
    page = words(finance.get(DESK))
    assert "退款" in page
    assert format_money(Money(2_075, "CNY")) in page


@pytest.fixture
def disputed(shop: Flask, sale: Sale, simulator: SimulatorServer) -> str:
    """The customer's bank has taken the money of the sale back; the number of the dispute."""
    charge = next(
        each["id"]
        for each in simulator.listed("/v1/charges", limit=100)
        if each["payment_intent"] == intent(simulator, sale)
    )
    opened = requests.post(f"{simulator.url}/_simulator/disputes", json={"charge": charge}, timeout=10)
    opened.raise_for_status()
    with shop.app_context():
        services.note_dispute(opened.json()["id"])
        db.session.commit()
    return str(opened.json()["id"])


def test_a_disputed_payment_is_shown_with_its_day_and_papers_and_nothing_is_sent_meanwhile(
    shop: Flask, sale: Sale, finance: Visitor, second: Visitor, disputed: str
) -> None:
    page = words(finance.get(DESK))
    assert "taken back; answer it" in page
    assert "the cardholder did not pay it" in page
    assert disputed in page
    assert links(finance.text, '/admin/sales/[^"]*') == [], "finance reads no answers of customers"
    assert "The bank of the customer has not decided on this payment yet." in ask(
        finance, str(sale.policy_number), "10"
    )
    assert finance.status == 409
    assert count(shop, "payment_refund_wish") == 0
    file, paper = links(second.get(DESK), '/admin/sales/[^"]*')
    assert file == f"/admin/sales/{sale.id}"
    assert second.client.get(file).status_code == 200
    assert second.client.get(paper).status_code in {200, 303}


@pytest.mark.usefixtures("two_needed")
def test_what_waits_when_a_bank_disputes_is_not_agreed_to_until_it_has_decided(  # noqa: PLR0917  as above
    shop: Flask,
    sale: Sale,
    finance: Visitor,
    second: Visitor,
    simulator: SimulatorServer,
    request: pytest.FixtureRequest,
) -> None:
    ask(finance, str(sale.policy_number), "500")
    request.getfixturevalue("disputed")
    assert agree_of(second.get(DESK)) == []
    with shop.app_context():
        (row,) = queries.desk().rows
    assert row.wish
    answer = second.client.post(f"{DESK}/wishes/{row.wish.id}/approve", data={"csrf_token": token(second)})
    assert answer.status_code == 409
    assert sent(simulator, sale) == []


def test_a_lost_dispute_is_work_until_somebody_has_seen_to_it(
    shop: Flask, sale: Sale, second: Visitor, disputed: str, simulator: SimulatorServer
) -> None:
    requests.post(f"{simulator.url}/v1/disputes/{disputed}/close", auth=(SECRET_KEY, ""), timeout=10).raise_for_status()
    with shop.app_context():
        services.note_dispute(disputed)
        db.session.commit()
        assert oversight.disagreements() == ()
    assert "Agree with the insurer on what becomes of the contract." in words(second.get(DESK))
    second.post({"csrf_token": token(second)}, f"{DESK}/disputes/{disputed}/seen")
    page = words(second.text)
    assert "Noted." in page
    assert "Agree with the insurer" not in page
    assert "lost; the customer has the money" in page


def intent(simulator: SimulatorServer, sale: Sale) -> str:
    """What Stripe calls the payment of the sale."""
    pages = simulator.listed("/v1/checkout/sessions", limit=100)
    return str(next(each["payment_intent"] for each in pages if each["metadata"]["subject_id"] == str(sale.order_id)))


def accounts(shop: Flask) -> dict[LedgerAccount, int]:
    with shop.app_context():
        return {each.account: each.total.minor for each in queries.account_totals() if each.total.minor}


def the_order(sale: Sale) -> UUID:
    assert sale.order_id
    return sale.order_id


def token(visitor: Visitor) -> str:
    return hidden(visitor.text, "csrf_token")


def hidden(page: str, name: str) -> str:
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]
