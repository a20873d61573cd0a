"""The papers about the money of an order: a receipt of each payment that bought something, a letter of each refund."""

from uuid import UUID

from marketplace.application import queries as applications
from marketplace.checkout import document, queries
from marketplace.checkout.document import Paid
from marketplace.checkout.rules import sending_of
from marketplace.checkout.values import Order
from marketplace.infra import vault
from marketplace.infra.formatting import ZONE
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock
from marketplace.payment import queries as payments
from marketplace.payment.values import Purpose, Refund
from marketplace.policy import queries as policies
from marketplace.policy import services as policy
from marketplace.policy.values import OrderPaper, PaperKind


def order_receipt(order_id: UUID) -> None:
    """Have the receipt of a paid order made, once, for the contracts that were concluded on it."""
    order = queries.order(order_id)
    paid = next((each for each in payments.attempts_of(Purpose.NEW_BUSINESS, order_id) if each.succeeded_at), None)
    contracts = policies.policies_of_order(order_id)
    if paid is None or not contracts or any(each.erased for each in contracts):
        return
    told, issued_at = Paid(order, paid, _payer(order)), clock.business_now()
    wanted = OrderPaper(
        PaperKind.RECEIPT, paid.id, order.id, _sealed_for(order, paid.id), order.locale, issued_at, ZONE
    )
    policy.order_paper(wanted, lambda number: document.receipt(number, told, contracts, issued_at, letterhead()))


def order_refund_letter(order_id: UUID, refund: Refund) -> bool:
    """Have the letter of a refund made, once for each time it is sent. False where nothing may be written about the
    customer any more.
    """
    order, attempt = queries.order(order_id), payments.attempt(refund.attempt_id)
    erased = any(applications.application(line.application_id).erased for line in order.lines)
    if erased or vault.is_destroyed(_sealed_for(order, attempt.id)):
        return False
    told = Paid(order, attempt, _payer(order))
    wanted = OrderPaper(
        PaperKind.REFUND_LETTER,
        sending_of(refund.id, refund.number),
        order.id,
        _sealed_for(order, attempt.id),
        order.locale,
        refund.settled_at or refund.requested_at,
        ZONE,
    )
    before = _letter_before(order_id, refund)
    policy.order_paper(wanted, lambda number: document.refund_letter(number, told, refund, letterhead(), before))
    return True


def _letter_before(order_id: UUID, refund: Refund) -> str | None:
    """The number of the latest letter that told of an earlier sending of the refund."""
    earlier = {sending_of(refund.id, number) for number in range(1, refund.number)}
    letters = [each for each in policies.papers_of_order(order_id) if each.subject_id in earlier and each.sha256]
    return letters[-1].number if letters else None


def _payer(order: Order) -> str | None:
    """The applicant, who is one for all lines of an order."""
    people = applications.application(order.lines[0].application_id).people
    return None if people is None else people.applicant.name


def _sealed_for(order: Order, attempt_id: UUID) -> UUID:
    """As the payment itself: for the application that was paid for, or where these are several for the attempt."""
    return order.lines[0].application_id if len(order.lines) == 1 else attempt_id
