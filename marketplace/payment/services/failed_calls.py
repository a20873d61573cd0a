"""Count how often a call that moves money failed in the same way, so that it is looked up before it is made again."""

from sqlalchemy import case, update

from marketplace.infra.db import apart
from marketplace.infra.payment_gateway import PaymentsUnavailable
from marketplace.payment.models import AttemptRow, RefundRow, ReversalRow, TransferRow


def note_failed_call(row: AttemptRow | RefundRow | TransferRow | ReversalRow, error: PaymentsUnavailable) -> None:
    """Stays, whatever is rolled back with the failure. What never reached Stripe, or was only too much at once, is no
    answer that a key would replay.
    """
    if error.answer is None:
        return
    table = type(row)
    alike = case((table.failed_as == error.answer, table.failed_calls + 1), else_=1)
    with apart() as connection:
        connection.execute(update(table).where(table.id == row.id).values(failed_calls=alike, failed_as=error.answer))
