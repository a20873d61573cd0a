"""A harness that never fails proves nothing: each safeguard is switched off, and what must hold does not hold any more.

The same is then done with the safeguard in its place, and everything holds. The switches are in these tests alone.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from marketplace.checkout.services import issuing, telling
from marketplace.checkout.values import OrderState
from marketplace.correspondence.services import sending
from marketplace.correspondence.values import QueueMessage
from marketplace.infra import failpoints, jobs, mail
from marketplace.infra.db import Scope, apart, db, use_scope
from marketplace.infra.failpoints import At
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.models import AttemptRow
from marketplace.payment.services import ledger, refunds, rows, settlement
from marketplace.payment.values import Purpose, RefundReason
from marketplace.policy.models import DocumentRow
from marketplace.policy.services import contracts, papers
from marketplace.policy.values import DocumentState
from marketplace.traceability.jobs.sequencing import Sequencer
from marketplace.traceability.models import IntakeRow
from marketplace.traceability.services import recording
from marketplace.web.hooks import stripe as hook
from tests.faults.shop import Died, Here, Purchase, Shop
from tests.faults.waiting import until

Patch = pytest.MonkeyPatch
DAY = timedelta(hours=25)
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"

# --- what happens -----------------------------------------------------------------------------------------------------


def bought(shop: Shop, dies: At | None = None) -> Purchase:
    """Paid; the provider says so, the worker works, and dies where it is told to."""
    shop.go_to_pay(who := shop.apply())
    shop.pay(who)
    shop.collect()
    for delivery in list(shop.undelivered):
        shop.hear(delivery)
    with shop.fuse(Here(dies) if dies else lambda _: False):
        shop.drain()
    return who


def nobody_says_that_it_is_paid(shop: Shop) -> None:
    """Every word of the provider is lost, and the customer does not come back."""
    shop.go_to_pay(who := shop.apply())
    shop.pay(who)
    shop.collect()
    shop.undelivered.clear()


def the_site_dies_with_an_event(shop: Shop) -> None:
    """While nobody reconciles."""
    shop.reconciles = False
    shop.go_to_pay(who := shop.apply())
    shop.pay(who)
    shop.collect()
    for delivery in list(shop.undelivered):
        with shop.fuse(Here(At.EVENT_QUEUED)):
            shop.hear(delivery)


def the_worker_dies_after_the_mail(shop: Shop) -> None:
    bought(shop)
    shop.sequence()
    shop.rescue()
    with shop.fuse(Here(At.MAIL_TAKEN)):
        shop.drain()


def a_part_is_to_go_back(who: Purchase) -> None:
    (attempt,) = payments.attempts_of(Purpose.NEW_BUSINESS, who.order_id)
    payment.request_refund(attempt.id, Money(600, "CNY"), RefundReason.LATE_PAYMENT)
    db.session.commit()


def a_part_is_to_go_back_and_its_process_dies(shop: Shop) -> None:
    """Before its row is committed: nobody ever asked for it."""
    who = bought(shop)
    with shop.fuse(Here(At.REFUND_DEFERRED)), shop.process():
        a_part_is_to_go_back(who)


def a_part_goes_back_and_the_worker_dies(shop: Shop) -> None:
    who = bought(shop)
    with shop.app.app_context():
        a_part_is_to_go_back(who)
    with shop.fuse(Here(At.REFUND_SENT)):
        shop.drain()


def the_same_a_day_ago(shop: Shop) -> None:
    """And the provider has forgotten our keys."""
    a_part_goes_back_and_the_worker_dies(shop)
    shop.simulator.switch(forget_keys=True)
    shop.rescue()
    with clock.frozen(clock.now() + DAY):
        shop.drain()


def both_say_at_once_that_it_is_paid(shop: Shop) -> None:
    """Two workers have heard it; the first one waits, with its entry written, until the other one has come as far as it
    can.
    """
    shop.go_to_pay(who := shop.apply())
    shop.pay(who)
    first, held = threading.Event(), list[At]()

    def wait(point: At) -> None:
        if point is At.MONEY_BOOKED and not held:
            held.append(point)
            first.set()
            until(lambda: shop.superuser.execute(WAITS).fetchone() != (0,), "the other one to wait for this one", 20)

    def come_back() -> None:
        with shop.app.app_context(), use_scope(Scope.all()):
            payment.settle_latest(Purpose.NEW_BUSINESS, who.order_id)
            db.session.commit()

    failpoints.arm(wait)
    both = [threading.Thread(target=come_back) for _ in range(2)]
    both[0].start()
    first.wait()
    both[1].start()
    for each in both:
        each.join()
    failpoints.arm(None)


def a_job_comes_again(name: str) -> Callable[[Shop], None]:
    """Its worker died before the queue knew that it was done."""

    def happens(shop: Shop) -> None:
        bought(shop)
        shop.come_to_rest()
        shop.again(name)

    return happens


def it_is_said_twice_that_it_is_paid(shop: Shop) -> None:
    who = bought(shop)
    with shop.app.app_context():
        (attempt,) = payments.attempts_of(Purpose.NEW_BUSINESS, who.order_id)
        payment.settle(attempt.id)
        db.session.commit()


def the_worker_dies_with_a_payment(shop: Shop) -> None:
    bought(shop, dies=At.PAYMENT_COUNTED)


def the_sequencer_dies_before_its_commit(shop: Shop) -> None:
    bought(shop)
    with shop.fuse(Here(At.TREE_SIGNED)):
        shop.sequence()


# --- the safeguards, off ----------------------------------------------------------------------------------------------


def no_reconciler(shop: Shop, _patch: Patch) -> None:
    shop.reconciles = False


def no_key(_shop: Shop, patch: Patch) -> None:
    ask = Gateway.create_refund
    patch.setattr(Gateway, "create_refund", lambda self, *told: ask(self, *told[:-1], str(uuid4())))


def called_before_the_commit(_shop: Shop, patch: Patch) -> None:
    """The provider is asked by whoever writes the row, in the same transaction."""
    defer = jobs.defer

    def asked(name: str, **told: Any) -> None:
        if name == "payment.send_refund":
            refunds.send_refund(told["refund_id"])
        defer(name, **told)

    patch.setattr(refunds.jobs, "defer", asked)


def no_look_up(_shop: Shop, patch: Patch) -> None:
    patch.setattr(refunds, "must_look_first", lambda *_: False)


def answered_before_the_commit(_shop: Shop, patch: Patch) -> None:
    """The provider has its 200, whatever becomes of what it said."""
    receive = payment.receive_event

    def received(payload: bytes, signature: str) -> None:
        with suppress(Died):
            receive(payload, signature)
            return
        db.session.rollback()

    patch.setattr(hook.payment, "receive_event", received)


def a_message_id_for_each_try(_shop: Shop, patch: Patch) -> None:
    deliver = mail.deliver

    def delivered(eml: bytes, recipient: str) -> None:
        head, _, rest = eml.partition(b"Message-ID: <")
        deliver(head + b"Message-ID: <" + uuid4().hex.encode() + rest, recipient)

    patch.setattr(sending.mail, "deliver", delivered)


def no_lock(_shop: Shop, patch: Patch) -> None:
    def not_locked(purpose: str, subject_id: Any) -> list[AttemptRow]:
        wanted = AttemptRow.purpose == purpose, AttemptRow.subject_id == subject_id
        return list(db.session.scalars(select(AttemptRow).where(*wanted).execution_options(populate_existing=True)))

    patch.setattr(rows, "locked_subject", not_locked)


def concluded_whenever_asked(shop: Shop, patch: Patch) -> None:
    """Neither the order nor the contract that stands is looked at, and the database would take a second one."""
    look = issuing.held

    def held(order_id: Any) -> Any:
        row = look(order_id)
        if row.state == OrderState.ISSUED.value:
            row.state = OrderState.PAID.value
        return row

    patch.setattr(issuing, "held", held)
    patch.setattr(contracts.queries, "policy_of_application", lambda _id: None)
    shop.superuser.execute("ALTER TABLE policy_policy DROP CONSTRAINT IF EXISTS uq_policy_policy_application_id")


def sealed_whenever_asked(_shop: Shop, patch: Patch) -> None:
    seal = papers._seal

    def sealed(document: DocumentRow, *told: Any) -> bool:
        if document.state == DocumentState.SEALED:
            document.state = DocumentState.RENDERED
        return seal(document, *told)

    patch.setattr(papers, "_seal", sealed)


def told_after_the_commit(_shop: Shop, patch: Patch) -> None:
    """And the process died in between, once."""
    publish, left = jobs.publish, [1]

    def published(fact: object) -> None:
        if left:
            left.clear()
        else:
            publish(fact)

    patch.setattr(settlement.jobs, "publish", published)


def posted_whenever_asked(_shop: Shop, patch: Patch) -> None:
    post = ledger.post
    patch.setattr(ledger, "post", lambda event, cause, *told, **more: post(event, f"{cause} {uuid4()}", *told, **more))


def queued_whenever_asked(_shop: Shop, patch: Patch) -> None:
    patch.setattr(
        telling,
        "QueueMessage",
        lambda **told: QueueMessage(**told | {"subject_key": f"{told['subject_key']} {uuid4().hex[:8]}"}),
    )


def entered_apart(_shop: Shop, patch: Patch) -> None:
    """An act is in the trail, whatever becomes of what it tells of."""

    def record(act: Any) -> None:
        with apart() as connection:
            connection.execute(IntakeRow.__table__.insert(), recording._entry(act))

    patch.setattr(rows, "record_act", record)


def kept_before_the_commit(_shop: Shop, patch: Patch) -> None:
    sign = Sequencer._sign

    def signed(self: Sequencer) -> str:
        note = sign(self)
        self._folder.keep(note)
        return note

    patch.setattr(Sequencer, "_sign", signed)


# --- the runs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Control:
    """What happens, which safeguard is off, and which question must find something."""

    happens: Callable[[Shop], None]
    off: Callable[[Shop, Patch], None]
    found: str


CONTROLS = {
    "no reconciler": Control(nobody_says_that_it_is_paid, no_reconciler, "I1 "),
    "an event is acknowledged before it is committed": Control(
        the_site_dies_with_an_event, answered_before_the_commit, "I1 "
    ),
    "a refund without an idempotency key": Control(a_part_goes_back_and_the_worker_dies, no_key, "I4b "),
    "the provider is called before the row is committed": Control(
        a_part_is_to_go_back_and_its_process_dies, called_before_the_commit, "I4b "
    ),
    "no look-up when the provider may have forgotten keys": Control(the_same_a_day_ago, no_look_up, "I4b "),
    "a Message-ID for each try": Control(the_worker_dies_after_the_mail, a_message_id_for_each_try, "I9 "),
    "no lock": Control(both_say_at_once_that_it_is_paid, no_lock, "I12 "),
    "no unique contract": Control(a_job_comes_again("checkout.issue_contracts"), concluded_whenever_asked, "I16 "),
    "no paper is sealed once": Control(a_job_comes_again("policy.seal_document"), sealed_whenever_asked, "I12 "),
    "a fact is published after the commit": Control(lambda shop: bought(shop) and None, told_after_the_commit, "I1 "),
    "no unique posting": Control(it_is_said_twice_that_it_is_paid, posted_whenever_asked, "I5 "),
    "no unique mail": Control(a_job_comes_again("checkout.send_policy"), queued_whenever_asked, "I10 "),
    "an act is entered apart": Control(the_worker_dies_with_a_payment, entered_apart, "I12 "),
    "a checkpoint is kept before it is committed": Control(
        the_sequencer_dies_before_its_commit, kept_before_the_commit, "I15 "
    ),
}
A_PART_GOES_BACK = {a_part_goes_back_and_the_worker_dies, the_same_a_day_ago}
"""Of a contract that stands, which nothing in the marketplace does yet: the money held says so, rightly."""


@contextmanager
def switched_off(shop: Shop, control: Control) -> Iterator[None]:
    with ExitStack() as stack:
        stack.callback(restore, shop)
        patch = stack.enter_context(Patch.context())
        control.off(shop, patch)
        yield


def restore(shop: Shop) -> None:
    """What a safeguard of the database was, it is again."""
    shop.begin_anew()
    unique = "uq_policy_policy_application_id"
    if not shop.superuser.execute("SELECT 1 FROM pg_constraint WHERE conname = %s", [unique]).fetchone():
        shop.superuser.execute(f"ALTER TABLE policy_policy ADD CONSTRAINT {unique} UNIQUE (application_id)")


@pytest.mark.parametrize("name", CONTROLS)
def test_without_the_safeguard_it_is_found(shop: Shop, name: str) -> None:
    control = CONTROLS[name]
    control.happens(shop)
    expected = ("I6 ", "I7 ", "the house: the ledger holds") if control.happens in A_PART_GOES_BACK else ()
    assert [each for each in shop.violations_at_rest() if not each[0].startswith(expected or ("-",))] == []
    shop.begin_anew()
    with switched_off(shop, control):
        control.happens(shop)
        found = {each[0] for each in shop.violations_at_rest()}
    assert any(each.startswith(control.found) for each in found), found
