"""Ask about later premiums, about withdrawing, and what a contract is worth that is ended early."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from marketplace.catalog import queries as catalog
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import queries as payments
from marketplace.policy import queries as policies
from marketplace.policy.values import Instalment, Policy
from marketplace.servicing.models import PremiumRow
from marketplace.servicing.rules import cash_value, refusal_of, spans
from marketplace.servicing.values import PaidPremium, Premium, PremiumNotFound, PremiumState, Surrender, Withdrawal


def premiums_of(policy_id: UUID) -> tuple[Premium, ...]:
    """The premiums of the contract after the first one, by number; empty before they are taken up, moments after the
    contract was concluded.
    """
    rows = db.session.scalars(
        select(PremiumRow).where(PremiumRow.policy_id == policy_id).execution_options(populate_existing=True)
    )
    standing = {row.id: row for row in rows}
    if not standing:
        return ()
    agreed = policies.instalments_of(policy_id)
    return tuple(_premium(standing[each.id], each) for each in agreed if each.id in standing)


def premium(premium_id: UUID, policy_id: UUID) -> Premium:
    """One of them. Raises PremiumNotFound, also for another contract's."""
    row = db.session.get(PremiumRow, premium_id, populate_existing=True)
    if row is None or row.policy_id != policy_id:
        raise PremiumNotFound
    return premium_of(row)


def contract_of(premium_id: UUID) -> UUID:
    """The contract that a premium is of. Raises PremiumNotFound."""
    found = db.session.scalar(select(PremiumRow.policy_id).where(PremiumRow.id == premium_id))
    if found is None:
        raise PremiumNotFound
    return found


def premium_of(row: PremiumRow) -> Premium:
    """With its day and amount as the contract has them."""
    return _premium(row, policies.instalment(row.id))


def withdrawal_of(policy: Policy) -> Withdrawal | None:
    """What withdrawing from it means today; None where nobody can: its days are over, it never had any, it ended."""
    until = policies.withdrawable_until(policy) if _stands(policy) else None
    if until is None or clock.business_now() >= until:
        return None
    last = (until - timedelta(microseconds=1)).astimezone(ZoneInfo(policy.period.zone)).date()
    return Withdrawal(last, payments.goes_back_of(policy.id, policy.premium.currency))


def surrender_of(policy: Policy) -> Surrender | None:
    """What ending it early means today; None where nobody can: it ended, one can still withdraw from it, a bank
    disputes a payment for it, or its terms do not say what it is worth.
    """
    if not _stands(policy) or clock.business_now() < policies.withdrawable_until(policy):
        return None
    on, period = clock.today(policy.period.zone), policy.period
    terms = catalog.product_version(policy.product_version_id).content.early_end
    if terms is None or not terms.is_said or payments.is_disputed(policy.id):
        return None
    value = cash_value(terms, period.start_on, period.end_on, _still_paid(policy), on)
    amount = min(value.total, payments.goes_back_of(policy.id, value.total.currency))
    return Surrender(on, value, amount, begun=on >= period.start_on)


def _stands(policy: Policy) -> bool:
    return policy.ended_on is None and not policy.erased and clock.today(policy.period.zone) <= policy.period.end_on


def _still_paid(policy: Policy) -> list[PaidPremium]:
    """The premiums that were paid, each with what has not gone back of it: what its customer has is not paid."""
    left, agreed = payments.unreturned_of(policy.id), policies.instalments_of(policy.id)
    first, *others = spans(policy.period.start_on, policy.period.end_on, policy.premium, agreed)
    by_id = {each.id: each.attempt_id for each in premiums_of(policy.id) if each.paid_at and each.attempt_id}
    nothing = Money.zero(policy.premium.currency)
    later = [
        replace(each, amount=left.pop(by_id[of.id], nothing))
        for each, of in zip(others, agreed, strict=True)
        if of.id in by_id
    ]
    rest = sum(left.values(), nothing)  # what is left is of the payment that bought the contract
    return [replace(first, amount=rest), *later]


def overdue_count() -> int:
    """How many premiums are not paid although their time of grace is over."""
    asked = select(func.count()).where(PremiumRow.state == PremiumState.OVERDUE.value)
    return int(db.session.execute(asked).scalar_one())


def _premium(row: PremiumRow, agreed: Instalment) -> Premium:
    return Premium(
        id=row.id,
        policy_id=row.policy_id,
        number=agreed.number,
        due_on=agreed.due_on,
        amount=agreed.amount,
        state=PremiumState(row.state),
        collect_on=row.collect_on,
        grace_until=row.grace_until,
        paid_at=row.paid_at,
        why=refusal_of(row.failure) if row.failure else None,
        attempt_id=row.attempt_id,
    )
