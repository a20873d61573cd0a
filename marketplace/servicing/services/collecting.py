"""Collect a premium: by the card that its owner lets us keep, or by a link; and note what came of it."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from marketplace.accounts import services as accounts
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import PaymentMethod
from marketplace.correspondence.values import MessageKind
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.kernel import clock
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import (
    AlreadyPaid,
    Attempt,
    AttemptState,
    ContractShare,
    MandateState,
    PaymentInProgress,
    Purpose,
    RefundReason,
    StartPayment,
)
from marketplace.policy import queries as policies
from marketplace.policy import services as contracts
from marketplace.policy.values import Policy
from marketplace.servicing import queries
from marketplace.servicing.models import PremiumRow, premium_row
from marketplace.servicing.rules import PREMIUMS, PremiumEvent, next_try, refusal_of
from marketplace.servicing.services.telling import can_be_told, record, tell
from marketplace.servicing.values import Premium, PremiumNotPayable, PremiumState
from marketplace.traceability.values import SYSTEM, Actor, ActorRole, EntryType

PURPOSE = Purpose.INSTALMENT


def pay(premium: Premium, account_id: UUID, success_url: str, cancel_url: str) -> Attempt:
    """Start paying a premium on the provider's page: the attempt to be committed before its page is opened.

    Raises PremiumNotPayable, AlreadyPaid, PaymentInProgress (also while the kept card is charged), AccountNotFound.
    """
    row = premium_row(premium.id)
    policy = policies.policy(row.policy_id)
    customer = accounts.held_account(account_id)
    if not PremiumState(row.state).is_payable or policy.ended_on is not None:
        raise PremiumNotPayable
    content = catalog.product_version(policy.product_version_id).content
    by = Actor(ActorRole.CUSTOMER, account_id, "customer")
    urls = {"success_url": success_url, "cancel_url": cancel_url}
    return payment.start_attempt(_wish(premium, policy, customer.email, by, methods=content.payment.methods, **urls))


def collect(row: PremiumRow, policy: Policy) -> None:
    """Charge the kept card by a job, or mail the link where there is none. What is being paid at the moment is left
    alone until tomorrow.
    """
    mandate = payments.mandate_of(policy.id)
    if mandate is None or mandate.state is not MandateState.KEPT or not can_be_told(policy):
        record(row, policy, EntryType.PREMIUM_DUE, kind="link")
        tell(row, policy, MessageKind.PREMIUM_DUE)
        return
    premium = queries.premium_of(row)
    holder = accounts.held_account(policy.account_id)
    try:
        payment.start_attempt(_wish(premium, policy, holder.email, SYSTEM, mandate_id=mandate.id))
    except PaymentInProgress:
        row.act_on = clock.today(row.zone) + timedelta(days=1)
        return
    except AlreadyPaid:
        return  # and its fact is on its way
    record(row, policy, EntryType.PREMIUM_DUE, kind="card")
    reach(At.CHARGE_ASKED)


def take_payment(premium_id: UUID, attempt_id: UUID) -> None:
    """A premium is paid: its insurer is owed its share, and its customer is told. Of a contract that ended meanwhile
    the money goes back. Asked again it changes nothing.
    """
    row = premium_row(premium_id)
    before = PremiumState(row.state)
    if before is PremiumState.PAID:
        return
    contracts.hold_still(row.policy_id)  # it ends before or after, not meanwhile: what is paid for it is counted then
    policy, attempt = policies.policy(row.policy_id), payments.attempt(attempt_id)
    if before is PremiumState.DROPPED or policy.ended_on is not None:
        payment.request_refund(attempt_id, attempt.amount, RefundReason.NOT_ISSUABLE)
        return
    row.state = PREMIUMS.next(before, PremiumEvent.PAID).value
    row.paid_at, row.attempt_id, row.act_on = clock.now(), attempt_id, None
    db.session.flush()
    line = catalog.product_version(policy.product_version_id).content.line
    share = payment.share_of(policy.insurer_id, line.value, attempt.amount)
    until = policies.withdrawable_until(policy)
    payment.book_premiums(attempt_id, [ContractShare(policy.id, policy.application_id, share, until)])
    record(row, policy, EntryType.PREMIUM_PAID, attempt_id=str(attempt_id))
    tell(row, policy, MessageKind.PREMIUM_PAID)
    reach(At.PREMIUM_TAKEN)
    if all(each.state is PremiumState.PAID for each in queries.premiums_of(policy.id)):
        payment.stop_mandates(policy.id)  # nothing is left to be charged (PER-03)


def note_failure(premium_id: UUID, attempt_id: UUID) -> None:
    """A kept card was not charged: its owner is told why, and how to pay, and it is tried again where that may help."""
    row, attempt = premium_row(premium_id), payments.attempt(attempt_id)
    ours = attempt.mandate_id is not None and attempt.state is AttemptState.FAILED
    if not ours or row.failed_id == attempt_id or row.state != PremiumState.DUE:
        return
    policy, today = policies.policy(row.policy_id), clock.today(row.zone)
    row.failed_id, row.failure, row.tries = attempt_id, attempt.failure or "declined", row.tries + 1
    row.first_failed_on = row.first_failed_on or today
    last = row.grace_until or row.collect_on
    again = next_try(refusal_of(row.failure), row.tries, row.first_failed_on, last)
    row.act_on = again
    db.session.flush()
    record(row, policy, EntryType.PREMIUM_FAILED, reason=row.failure)
    tell(row, policy, MessageKind.PREMIUM_FAILED, str(row.tries))
    row.act_on = again or last + timedelta(days=1)
    db.session.flush()
    reach(At.FAILURE_TOLD)


def close(row: PremiumRow) -> None:
    """Nobody owes this premium any more: a page that is open for it is closed; what comes in all the same goes back."""
    row.state = PREMIUMS.next(PremiumState(row.state), PremiumEvent.CONTRACT_ENDED).value
    row.act_on = None
    db.session.flush()
    with suppress(AlreadyPaid, PaymentInProgress):  # `take_payment` gives it back
        payment.close_subject(PURPOSE, row.id)


def _wish(premium: Premium, policy: Policy, email: str, by: Actor, **how: Any) -> StartPayment:
    """`how`: methods and addresses to come back to, or the kept card."""
    parts = {"methods": (PaymentMethod.CARD,), "success_url": "", "cancel_url": ""} | how
    return StartPayment(
        purpose=PURPOSE,
        subject_id=premium.id,
        reference=policy.number[:32],
        amount=premium.amount,
        description=f"{policy.product_name.in_(policy.locale)} {premium.due_on.isoformat()}",
        email=email,
        locale=policy.locale,
        journey_id=policy.journey_id,
        actor=by,
        application_id=policy.application_id,
        insurer_id=policy.insurer_id,
        **parts,
    )
