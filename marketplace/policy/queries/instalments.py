"""What is known of the premiums after the first one, before the sale and after it."""

from datetime import date
from uuid import UUID

from sqlalchemy import select

from marketplace.catalog.values import Frequency
from marketplace.infra.db import db
from marketplace.kernel.money import Money
from marketplace.policy import rules
from marketplace.policy.models import InstalmentRow
from marketplace.policy.values import Instalment, PolicyNotFound


def instalments_ahead(start_on: date, frequency: Frequency, times: int, premium: Money) -> tuple[Instalment, ...]:
    """The premiums after the first one that a contract would have, for whoever is asked to agree to them."""
    return rules.instalments(start_on, frequency, times, premium) if premium else ()


def instalment(instalment_id: UUID) -> Instalment:
    """Raises PolicyNotFound where no contract has it."""
    return _value(_row(instalment_id))


def contract_of_instalment(instalment_id: UUID) -> UUID:
    """Raises PolicyNotFound where no contract has it."""
    return _row(instalment_id).policy_id


def instalments_of(policy_id: UUID) -> tuple[Instalment, ...]:
    """The premiums of the contract after the first one, by number."""
    rows = db.session.scalars(
        select(InstalmentRow).where(InstalmentRow.policy_id == policy_id).order_by(InstalmentRow.number)
    )
    return tuple(map(_value, rows))


def _row(instalment_id: UUID) -> InstalmentRow:
    row = db.session.get(InstalmentRow, instalment_id)
    if row is None:
        raise PolicyNotFound
    return row


def _value(row: InstalmentRow) -> Instalment:
    return Instalment(row.number, row.due_on, Money(row.amount_minor, row.currency), row.id)
