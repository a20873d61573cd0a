"""Orders, money, contracts and papers agree; each way in which they could not is tried by breaking it."""

import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.exc import IntegrityError, InternalError

from marketplace.catalog.values import Line
from marketplace.checkout import services as checkout
from marketplace.checkout.values import Order, PaymentUrls
from marketplace.infra import vault
from marketplace.infra.db import apart, db, snapshot
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.oversight.queries import broken, disagreements, under_way
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import Purpose, RefundReason
from marketplace.policy import queries as policies
from tests.conftest import empty_tables
from tests.deferred_jobs import drain
from tests.environment import ROOT
from tests.factories.accounts import a_guest, agreed_terms
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.factories.payment import a_payable_insurer
from tests.factories.quoting import an_offer
from tests.factories.traceability import a_journey
from tests.simulator_server import SimulatorServer, simulator_in_use

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")


@dataclass(frozen=True)
class House:
    """Orders by their state, and the numbers of the contracts."""

    app: Flask
    references: dict[str, str]
    number: str
    other_number: str


@pytest.fixture(scope="module")
def house(migrated_app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Two orders with a contract and its sealed paper, of which one insurer has its share and gave a part of it back;
    one whose money went back, one that is open, one just paid.
    """
    with migrated_app.app_context():
        with simulator_in_use(tmp_path_factory.mktemp("simulator")) as simulator:
            agreed_terms(insurer := a_payable_insurer())
            an_offer_of(insurer)
            orders = {name: _ordered(simulator, name) for name in ("issued", "also issued", "refunded", "open", "paid")}
            for name in ("issued", "also issued"):
                checkout.check_payment(orders[name].id)
            drain()
            _give_back(orders["refunded"])
            drain()
            _pass_on_and_take_a_part_back(orders["also issued"])
            drain()
            checkout.check_payment(orders["paid"].id)
            db.session.commit()
        concluded = [policies.policies_of_order(orders[name].id)[0].number for name in ("issued", "also issued")]
        db.session.rollback()
        yield House(migrated_app, {name: order.reference for name, order in orders.items()}, *concluded)
        db.session.remove()
    empty_tables(migrated_app)
    vault.forget()


def _ordered(simulator: SimulatorServer, name: str) -> Order:
    """Its payment page is open or, but for one, paid; nothing of ours has heard of the money yet."""
    customer = a_guest(f"{name.replace(' ', '.')}@example.com")
    offer = an_offer(a_journey(), Line.TRAVEL, start_on=clock.today(ZONE) + timedelta(days=7))
    order = checkout.place_order([an_accepted_application(customer, offer).id], customer.id)
    attempt = checkout.pay(order.id, URLS)
    db.session.commit()
    url = payment.open_session(attempt.id)
    db.session.commit()
    if name != "open":
        assert simulator.pay(url).status_code == 303
    return order


def _give_back(order: Order) -> None:
    voided = {"id": order.lines[0].offer_id}
    db.session.execute(text("UPDATE quoting_offer SET voided_at = now() WHERE id = :id"), voided)
    checkout.check_payment(order.id)


def _pass_on_and_take_a_part_back(order: Order) -> None:
    (policy,) = policies.policies_of_order(order.id)
    clock.set_business_offset(timedelta(days=30))
    payment.release_transfer(payments.transfer_of(policy.id).id)
    clock.set_business_offset(timedelta())
    drain()
    (attempt,) = payments.attempts_of(Purpose.NEW_BUSINESS, order.id)
    payment.request_refund(attempt.id, Money(policy.premium.minor // 2, "CNY"), RefundReason.CONTRACT_ENDED)


@pytest.fixture
def owner(house: House) -> Iterator[Connection]:
    """The owner of the tables in everybody's scope, whose changes this connection sees and nobody else ever does."""
    engine = create_engine(house.app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        yield connection
        connection.rollback()
    engine.dispose()


@pytest.mark.requirement("T26-49")
def test_a_sound_house_agrees_while_work_is_under_way(house: House) -> None:
    with house.app.app_context():
        assert disagreements() == ()
        waiting = dict(reversed(each) for each in under_way())
    assert waiting.keys() >= {"paid orders without a contract yet", "payments not settled"}
    assert (waiting["paid orders without a contract yet"], waiting["payments not settled"]) == (1, 1)


def test_the_questions_are_of_one_moment_and_change_nothing(house: House) -> None:
    with house.app.app_context():
        with snapshot() as connection:
            before = connection.execute(COUNT).scalar_one()
            with apart() as other:
                other.execute(text("INSERT INTO infra_business_clock (offset_seconds) VALUES (0)"))
            assert connection.execute(COUNT).scalar_one() == before
        with snapshot() as connection, pytest.raises(InternalError, match="read-only transaction"):
            connection.execute(text("DELETE FROM infra_business_clock"))
        with apart() as ordinary:  # the terms of a snapshot do not stay with its connection
            assert ordinary.execute(text("DELETE FROM infra_business_clock")).rowcount == before + 1


COUNT = text("SELECT count(*) FROM infra_business_clock")
OUTCOME = "the order has other contracts or refunds than its state says"
SUM = "the order costs something else than its lines"
PAID = "the order is paid by nothing that came in for it"
ASKED = "the payment asks for something else than its order"
LINE = "the contract is no line of a paid order at its premium"
PAPER = "a version of the contract, or its paper, is missing"
AGAIN = "the number would be given again"
UNTIMED = "nobody counts the time in which the policy is to be mailed"
LATE = "the policy was not mailed within two working days"
OWED = "the ledger says something else of what has not gone back yet"
AGREED = "a refund was agreed to by nobody else, or became none, or another one"
A_WISH = """
    INSERT INTO payment_refund_wish (id, attempt_id, amount_minor, currency, reason, sealed_for, words, asked_by,
        asked_at, state, needs_second, decided_by)
    SELECT gen_random_uuid(), :a, 100, 'CNY', 'goodwill', :a, 'x', o.account_id, now(), {}
    FROM checkout_order o WHERE o.id = :o
"""
PAYABLE = "the ledger says something else of what an insurer is owed"
SHARE = "the insurer's share is not that of the contract"
RETURNED = "more of the premium went back than the contract cost"
DAY = "the bordereau of the day says something else than the ledger"
SENT_LESS = "UPDATE payment_transfer SET amount_minor = 1"
UNPRINTABLE = "UPDATE policy_document SET state = 'document_failed', document_sha256 = NULL, sealed_at = NULL"
# Changes of the order "issued" (o), its payment (a), its contract (p) and the contract's version (v).
BROKEN = [
    ("UPDATE checkout_order SET state = 'paid' WHERE id = :o", "issued", OUTCOME),
    ("UPDATE checkout_order SET state = 'not_issuable' WHERE id = :o", "issued", OUTCOME),
    ("UPDATE checkout_order SET state = 'issued' WHERE id = :refunded", "refunded", OUTCOME),
    ("UPDATE payment_refund SET reason = 'late_payment' WHERE attempt_id = :other", "refunded", OUTCOME),
    ("UPDATE policy_policy SET order_id = :refunded WHERE id = :p", "issued", OUTCOME),
    ("UPDATE policy_policy SET order_id = :refunded WHERE id = :p", "refunded", OUTCOME),
    ("UPDATE checkout_order SET total_minor = 1 WHERE id = :o", "issued", SUM),
    ("UPDATE checkout_order_line SET currency = 'EUR' WHERE order_id = :o", "issued", SUM),
    ("DELETE FROM checkout_order_line WHERE order_id = :o", "issued", SUM),
    ("UPDATE payment_attempt SET succeeded_at = NULL WHERE id = :a", "issued", PAID),
    ("UPDATE payment_attempt SET received_minor = 1 WHERE id = :a", "issued", PAID),
    ("UPDATE payment_attempt SET received_currency = 'EUR' WHERE id = :a", "issued", PAID),
    ("UPDATE checkout_order SET attempt_id = :other WHERE id = :o", "issued", PAID),
    ("UPDATE checkout_order SET paid_at = NULL, attempt_id = NULL WHERE id = :o", "issued", PAID),
    ("UPDATE payment_attempt SET amount_minor = 1 WHERE id = :a", "issued, attempt 1", ASKED),
    ("UPDATE payment_attempt SET subject_id = gen_random_uuid() WHERE id = :a", "issued, attempt 1", ASKED),
    (
        "UPDATE payment_refund SET amount_minor = amount_minor + 1 WHERE attempt_id = :other",
        "refunded, attempt 1",
        "more went back than came in",
    ),
    ("UPDATE policy_policy SET premium_minor = 1 WHERE id = :p", "contract", LINE),
    ("UPDATE policy_policy SET application_id = gen_random_uuid() WHERE id = :p", "contract", LINE),
    ("UPDATE policy_policy SET order_id = gen_random_uuid() WHERE id = :p", "contract", LINE),
    ("DELETE FROM policy_document WHERE version_id = :v AND kind = 'policy'", "contract", PAPER),
    ("UPDATE policy_version SET number = 2 WHERE id = :v", "contract", PAPER),
    (
        f"{UNPRINTABLE} WHERE version_id = :v AND kind = 'policy'",
        "contract",
        "the paper cannot be made and waits for a person",
    ),
    ("DELETE FROM checkout_delivery WHERE policy_id = :p", "contract", UNTIMED),
    ("UPDATE checkout_delivery SET mailed_at = NULL, overdue_at = now() WHERE policy_id = :p", "contract", LATE),
    (A_WISH.format("'approved', false, NULL"), "issued", AGREED),
    ("UPDATE payment_refund SET state = 'failed' WHERE reason = 'not_issuable'", "refunded, attempt 1", OWED),
    ("UPDATE policy_number_range SET next = 1", "contract", AGAIN),
    ("DELETE FROM policy_number_range", "contract", AGAIN),
    ("UPDATE payment_transfer SET premium_minor = premium_minor + 1 WHERE contract_id = :p", "contract", SHARE),
    ("UPDATE payment_transfer SET premium_minor = premium_minor + 1 WHERE contract_id = :p", "issued", PAYABLE),
    ("UPDATE payment_transfer SET commission_minor = 0 WHERE contract_id = :p", "issued", PAYABLE),
    ("DELETE FROM payment_transfer WHERE contract_id = :p", "contract", SHARE),
    ("DELETE FROM payment_transfer WHERE contract_id = :p", "issued", PAYABLE),
    (f"{SENT_LESS} WHERE state = 'sent'", "also issued", PAYABLE),
    ("UPDATE payment_premium_return SET commission_minor = 0", "also issued", PAYABLE),
    ("UPDATE payment_transfer SET booked_at = booked_at - interval '3 days' WHERE contract_id = :p", "day", DAY),
    ("UPDATE payment_transfer SET commission_minor = 0 WHERE contract_id = :p", "day", DAY),
    ("UPDATE payment_transfer SET sent_at = sent_at - interval '3 days' WHERE state = 'sent'", "day", DAY),
    ("UPDATE payment_transfer_reversal SET amount_minor = 1", "day", DAY),
    ("UPDATE payment_premium_return SET returned_at = returned_at - interval '3 days'", "day", DAY),
    ("UPDATE payment_transfer_reversal SET amount_minor = 1", "also issued", PAYABLE),
    ("UPDATE payment_premium_return SET premium_minor = 1000000", "other contract", RETURNED),
]
IDS = """
SELECT o.id AS o, o.attempt_id AS a, p.id AS p, v.id AS v,
       (SELECT id FROM checkout_order WHERE state = 'refunded') AS refunded,
       (SELECT attempt_id FROM checkout_order WHERE state = 'refunded') AS other
FROM checkout_order o JOIN policy_policy p ON p.order_id = o.id JOIN policy_version v ON v.policy_id = p.id
WHERE o.reference = :reference
"""


@pytest.mark.requirement("T26-49")
@pytest.mark.parametrize(("change", "what", "sentence"), BROKEN)
def test_what_does_not_agree_is_named(house: House, owner: Connection, change: str, what: str, sentence: str) -> None:
    assert list(broken(owner)) == []
    ids = owner.execute(text(IDS), {"reference": house.references["issued"]}).one()._asdict()
    assert owner.execute(text(change), ids).rowcount == 1
    name, *rest = what.split(",")
    today = f"harbour, {clock.now().astimezone(ZoneInfo(ZONE)).date()}"
    numbers = {"contract": house.number, "other contract": house.other_number, "day": today}
    wanted = ",".join([(numbers | house.references)[name], *rest])
    assert (wanted, sentence) in list(broken(owner))


def test_a_failed_paper_of_what_was_erased_waits_for_nobody(house: House, owner: Connection) -> None:
    ids = owner.execute(text(IDS), {"reference": house.references["issued"]}).one()._asdict()
    owner.execute(text(f"{UNPRINTABLE} WHERE version_id = :v AND kind = 'policy'"), ids)
    assert list(broken(owner)) == [(house.number, "the paper cannot be made and waits for a person")]
    erased = text(
        "WITH gone AS (INSERT INTO infra_subject_key (id, keeper_key_id, created_at, destroyed_at)"
        " VALUES (gen_random_uuid(), '', now(), now()) RETURNING id)"
        " UPDATE policy_document SET sealed_for = gone.id FROM gone WHERE state = 'document_failed'"
    )
    assert owner.execute(erased).rowcount == 1
    assert list(broken(owner)) == []


CAME, WENT = "the ledger says something else of what came in", "the ledger says something else of what goes back"
HELD = "the ledger holds money for an order that is closed"
SHARES = "the shares of insurers and marketplace are not the premium"
BALANCE = "the lines of a ledger entry do not balance"
_LINE = "payment_ledger_line SET {} WHERE account = '{}' AND entry_id = (SELECT id FROM payment_ledger_entry WHERE {})"
_RECEIVED = "event = 'received' AND attempt_id = :a"
_REQUESTED, _SENT = (
    "event = 'refund_requested' AND attempt_id = :other",
    "event = 'refund_sent' AND attempt_id = :other",
)
# Changes of what is posted of the order "issued".
MISPOSTED = [
    (_LINE.format("amount_minor = 1", "provider_balance", _RECEIVED), "issued, attempt 1", CAME),
    (_LINE.format("currency = 'EUR'", "provider_balance", _RECEIVED), "issued, attempt 1", CAME),
    (_LINE.format("amount_minor = -1", "refunds_payable", _REQUESTED), "refunded, attempt 1", WENT),
    (_LINE.format("amount_minor = 1", "refunds_payable", _SENT), "refunded, attempt 1", OWED),
    (_LINE.format("amount_minor = 1", "insurer_payable", "event = 'transfer_sent'"), "also issued", PAYABLE),
    (_LINE.format("amount_minor = 1", "insurer_payable", "event = 'transfer_reversed'"), "also issued", PAYABLE),
    (_LINE.format("amount_minor = 1", "customer_held", "event = 'premium' AND attempt_id = :a"), "issued", HELD),
    (_LINE.format("amount_minor = -1", "commission", "event = 'premium' AND attempt_id = :a"), "issued", SHARES),
    ("payment_ledger_entry SET event = 'none' WHERE event = 'premium' AND attempt_id = :a", "issued", SHARES),
    ("payment_ledger_entry SET cause = 'none' WHERE event = 'received' AND attempt_id = :a", "issued, attempt 1", CAME),
    (_LINE.format("amount_minor = -1", "commission", "event = 'premium' AND attempt_id = :a"), "cause", BALANCE),
]  # fmt: skip


@pytest.mark.requirement("O13-24", "T26-49")
@pytest.mark.parametrize(("change", "what", "sentence"), MISPOSTED)
def test_what_the_ledger_says_otherwise_is_named(
    house: House, owner: Connection, change: str, what: str, sentence: str
) -> None:
    """Only its owner could, and not without taking the guards away."""
    ids = owner.execute(text(IDS), {"reference": house.references["issued"]}).one()._asdict()
    with pytest.raises(IntegrityError, match="what the ledger says stays"), owner.begin_nested():
        owner.execute(text(f"UPDATE {change}"), ids)
    assert list(broken(owner)) == []
    for table in ("payment_ledger_entry", "payment_ledger_line"):
        owner.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER stays"))
    assert owner.execute(text(f"UPDATE {change}"), ids).rowcount == 1
    name, *rest = what.split(",")
    wanted = str(ids["a"]) if name == "cause" else ",".join([house.references[name], *rest])
    assert (wanted, sentence) in list(broken(owner))


def test_what_was_before_the_ledger_is_posted_as_if_it_had_been_there(owner: Connection) -> None:
    for table in ("payment_ledger_line", "payment_ledger_entry"):
        owner.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    for statement in WITHOUT_SHARES:
        owner.execute(text(statement))
    posted = owner.execute(POSTED).all()
    assert {row.event for row in posted} == {"received", "premium", "refund_requested", "refund_sent"}
    for table in ("payment_ledger_line", "payment_ledger_entry"):
        owner.execute(text(f"DELETE FROM {table}"))
    assert list(broken(owner)) != []
    for statement in runpy.run_path(str(ROOT / "migrations/versions/0047_ledger.py"))["WHAT_WAS"]:
        owner.execute(text(statement))
    assert owner.execute(POSTED).all() == posted
    assert list(broken(owner)) == []


def test_what_was_before_there_were_shares_waits_as_if_it_had_been_there(owner: Connection) -> None:
    shares = owner.execute(SHARES_KEPT).all()
    returns = owner.execute(RETURNS_KEPT).all()
    assert (len(shares), len(returns)) == (2, 1)
    for table in ("payment_premium_return", "payment_transfer_reversal", "payment_transfer"):
        owner.execute(text(f"DELETE FROM {table}"))
    owner.execute(text("ALTER TABLE payment_transfer ALTER COLUMN application_id DROP NOT NULL"))  # as it was then
    for statement in runpy.run_path(str(ROOT / "migrations/versions/0056_transfers.py"))["WHAT_WAS"]:
        owner.execute(text(statement))
    owner.execute(text(runpy.run_path(str(ROOT / "migrations/versions/0057_found_again.py"))["WHOSE"]))
    assert owner.execute(RETURNS_KEPT).all() == returns
    assert owner.execute(SHARES_KEPT).all() == shares


SHARES_KEPT = text("""
    SELECT attempt_id, insurer_id, contract_id, application_id, premium_minor, commission_minor, currency, due_at,
           booked_at
    FROM payment_transfer ORDER BY contract_id
""")
RETURNS_KEPT = text("""
    SELECT r.cause, t.contract_id, r.insurer_id, r.premium_minor, r.commission_minor, r.currency, r.returned_at
    FROM payment_premium_return r JOIN payment_transfer t ON t.id = r.transfer_id ORDER BY 1, 2
""")
_LATER = """
    SELECT id FROM payment_ledger_entry WHERE event IN ('transfer_sent', 'transfer_reversed')
    OR cause IN (SELECT id::text FROM payment_refund WHERE reason = 'contract_ended')
"""
# As it was before insurers got anything: their shares wait, and no contract's premium has gone back.
WITHOUT_SHARES = (
    f"DELETE FROM payment_ledger_line WHERE entry_id IN ({_LATER})",
    f"DELETE FROM payment_ledger_entry WHERE id IN ({_LATER})",
    "DELETE FROM payment_premium_return",
    "DELETE FROM payment_refund WHERE reason = 'contract_ended'",
    "DELETE FROM payment_transfer_reversal",
    "UPDATE payment_transfer SET state = 'waiting', provider_id = NULL, sent_at = NULL",
)
POSTED = text("""
    SELECT e.event, e.cause, e.attempt_id, e.provider_object, n.account, n.insurer_id, n.amount_minor, n.currency
    FROM payment_ledger_entry e JOIN payment_ledger_line n ON n.entry_id = e.id ORDER BY 1, 2, n.number
""")


@pytest.mark.requirement("N108-03")
def test_contracts_of_before_have_two_plain_days(owner: Connection) -> None:
    kept = text(
        "SELECT p.concluded_at, d.* FROM checkout_delivery d JOIN policy_policy p ON p.id = d.policy_id ORDER BY p.id"
    )
    before = owner.execute(kept).all()
    owner.execute(text("DELETE FROM checkout_delivery"))
    owner.execute(text(runpy.run_path(str(ROOT / "migrations/versions/0054_mail.py"))["WHAT_WAS"]))
    after = owner.execute(kept).all()
    assert len(after) == len(before) > 0
    for counted, row in zip(before, after, strict=True):
        assert (row.policy_id, row.due_at - row.concluded_at, row.presumed) == (
            counted.policy_id,
            timedelta(days=2),
            True,
        )
        assert row.due_at <= counted.due_at
        assert row.concluded_at <= row.mailed_at < row.due_at
    assert list(broken(owner)) == []


@pytest.mark.requirement("T26-49")
@pytest.mark.parametrize(
    ("constraint", "change"),
    [
        (
            "policy_policy DROP CONSTRAINT uq_policy_policy_number, DROP CONSTRAINT uq_policy_policy_compact_number",
            "policy_policy SET number = 'EF-TWICE-2026-000001'",
        ),
        ("checkout_order DROP CONSTRAINT uq_checkout_order_reference", "checkout_order SET reference = 'EF-TWICE'"),
    ],
)
def test_a_number_given_twice_is_named(owner: Connection, constraint: str, change: str) -> None:
    """Were the constraint lost, nothing else would say so."""
    owner.execute(text(f"ALTER TABLE {constraint}"))
    assert owner.execute(text(f"UPDATE {change}")).rowcount > 1
    assert (change.split("'")[1], "the number was given twice") in list(broken(owner))
