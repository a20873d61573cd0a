"""Pure decisions about orders."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from marketplace.application.values import People, Relationship
from marketplace.catalog.values import Payment, PaymentMethod
from marketplace.checkout.values import MixedCurrencies, NoMethodInCommon, NothingOrdered, OrderState
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.kernel.transitions import Table
from marketplace.payment.values import Holding
from marketplace.policy.values import PersonRole, PolicyPerson
from marketplace.quoting.values import OfferView, OfferVoided, ProductWithdrawn

# Whoever reached the payment page in time may finish there; a page is open for an hour, its word may come later.
PAYING_GRACE = timedelta(hours=2)
# A paid order that could not be issued for a day is not going to be: the customer gets the money back.
ISSUING_PATIENCE = timedelta(hours=24)


class OrderEvent(StrEnum):
    PAID = "paid"
    ISSUED = "issued"
    CANNOT_ISSUE = "cannot_issue"
    REFUNDED = "refunded"
    LAPSED = "lapsed"


S, E = OrderState, OrderEvent
_NOT_PAID = "it is not paid"
_PAID = "it is paid"
_CLOSED = "it is closed"
_CONCLUDED = "its contracts are concluded"

ORDERS: Table[OrderState, OrderEvent] = Table(
    OrderState,
    OrderEvent,
    {
        (S.OPEN, E.PAID): S.PAID,
        (S.OPEN, E.ISSUED): _NOT_PAID,
        (S.OPEN, E.CANNOT_ISSUE): _NOT_PAID,
        (S.OPEN, E.REFUNDED): _NOT_PAID,
        (S.OPEN, E.LAPSED): S.LAPSED,
        (S.PAID, E.PAID): S.PAID,
        (S.PAID, E.ISSUED): S.ISSUED,
        (S.PAID, E.CANNOT_ISSUE): S.NOT_ISSUABLE,
        (S.PAID, E.REFUNDED): "no refund was asked for",
        (S.PAID, E.LAPSED): _PAID,
        (S.ISSUED, E.PAID): S.ISSUED,
        (S.ISSUED, E.ISSUED): S.ISSUED,
        (S.ISSUED, E.CANNOT_ISSUE): _CONCLUDED,
        (S.ISSUED, E.REFUNDED): _CONCLUDED,
        (S.ISSUED, E.LAPSED): _PAID,
        (S.NOT_ISSUABLE, E.PAID): S.NOT_ISSUABLE,
        (S.NOT_ISSUABLE, E.ISSUED): "its money is on the way back",
        (S.NOT_ISSUABLE, E.CANNOT_ISSUE): S.NOT_ISSUABLE,
        (S.NOT_ISSUABLE, E.REFUNDED): S.REFUNDED,
        (S.NOT_ISSUABLE, E.LAPSED): _PAID,
        (S.REFUNDED, E.PAID): S.REFUNDED,
        (S.REFUNDED, E.ISSUED): "its money went back",
        (S.REFUNDED, E.CANNOT_ISSUE): S.REFUNDED,
        (S.REFUNDED, E.REFUNDED): S.REFUNDED,
        (S.REFUNDED, E.LAPSED): _CLOSED,
        (S.LAPSED, E.PAID): S.NOT_ISSUABLE,  # payment refuses late money itself; this is the second guard
        (S.LAPSED, E.ISSUED): _CLOSED,
        (S.LAPSED, E.CANNOT_ISSUE): _NOT_PAID,
        (S.LAPSED, E.REFUNDED): _NOT_PAID,
        (S.LAPSED, E.LAPSED): S.LAPSED,
    },
)

UNFINISHED = frozenset({OrderState.PAID, OrderState.NOT_ISSUABLE})


def is_finished(state: OrderState, holding: Holding) -> bool:
    """Whether nothing more is owed to the customer, and nothing can come in any more: neither a contract nor money.

    The state alone does not say it: a lapsed order may be paid on a page that is still open, and money that came late
    is to go back.
    """
    if holding is Holding.MOVING:
        return False
    if holding is Holding.HELD:
        return state is OrderState.ISSUED
    return state not in UNFINISHED


RELATIONSHIPS: dict[Relationship, LocalizedText | None] = {
    Relationship.SELF: None,
    Relationship.SPOUSE: LocalizedText("Husband or wife", "配偶"),
    Relationship.CHILD: LocalizedText("Child", "子女"),
    Relationship.PARENT: LocalizedText("Parent", "父母"),
    Relationship.OTHER: LocalizedText("Other", "其他"),
}


def total_of(premiums: Sequence[Money]) -> Money:
    """What is paid for the order, from its offers only. Raises NothingOrdered, MixedCurrencies."""
    if not premiums:
        raise NothingOrdered
    if len({premium.currency for premium in premiums}) > 1:
        raise MixedCurrencies
    return sum(premiums, Money.zero(premiums[0].currency))


def methods_of(payments: Sequence[Payment]) -> tuple[PaymentMethod, ...]:
    """The methods by which everything ordered can be paid at once, in one order. Raises NoMethodInCommon."""
    common = tuple(method for method in PaymentMethod if all(method in each.methods for each in payments))
    if not common:
        raise NoMethodInCommon
    return common


def require_standing(offer: OfferView) -> None:
    """Whether a contract may still be concluded on a paid offer. Raises OfferVoided, ProductWithdrawn.

    Its expiry does not matter any more: the customer began to pay while it was live, and the price shown is the price.
    """
    if offer.voided_at is not None:
        raise OfferVoided
    if offer.version.withdrawn_at is not None:
        raise ProductWithdrawn


def is_overdue(paid_at: datetime, now: datetime) -> bool:
    """Whether a paid order has waited too long for its contracts."""
    return now - paid_at > ISSUING_PATIENCE


def key_of_copy(policy_id: UUID, number: int) -> str:
    """What the mail with a policy is about: the first one the policy, each later one the same and its number."""
    return f"{policy_id}/{number}" if number else str(policy_id)


def sending_of(refund_id: UUID, number: int) -> UUID:
    """What letter and mail about a refund are about: the first time it is sent the refund, each later time an id of its
    own, for each time the customer is told.
    """
    return refund_id if number == 1 else uuid5(refund_id, str(number))


def persons_of(people: People) -> tuple[PolicyPerson, ...]:
    """The persons a contract names: the applicant, and the insured, who may be the same."""
    insured = people.insured_person
    return (
        PolicyPerson(PersonRole.APPLICANT, people.applicant.name, people.applicant.birth_on),
        PolicyPerson(PersonRole.INSURED, insured.name, insured.birth_on, RELATIONSHIPS[people.relationship]),
    )
