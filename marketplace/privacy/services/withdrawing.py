"""Withdraw the consent to the use of answers about health, as easily as it was given (GDPR article 7(3), PIPL 15)."""

from uuid import UUID

from marketplace.application import queries
from marketplace.application import services as applications
from marketplace.application.values import Acting, Application, State
from marketplace.checkout import queries as orders
from marketplace.checkout import services as checkout
from marketplace.checkout.values import OrderState
from marketplace.infra.formatting import gettext as _
from marketplace.privacy.services import erasing
from marketplace.privacy.services.requesting import ask_request
from marketplace.privacy.values import ErasureReason, Request, RequestKind

NO_MONEY = {OrderState.LAPSED, OrderState.REFUNDED}


def withdraw_health_consent(by: Acting, application_id: UUID) -> Request | None:
    """The answers are erased with everything told in the application, which is taken back; None is returned.

    Where a contract rests on the answers, or money for one is on its way, a person has to decide what the withdrawal
    means: the request that it becomes is returned. What was not paid yet can be paid no more.

    Raises ApplicationNotFound for strangers, NoHealthConsent, and Unavailable where the payment provider does not say
    whether somebody has paid.
    """
    # Orders before applications, as whoever concludes a contract locks them.
    bound = _is_bound(queries.own_application(application_id, by.journey_id, by.account_id))
    application = applications.withdraw_health_consent(by, application_id)
    if bound and application.account_id is not None:
        words = _(
            "I withdraw my consent to the use of my answers about health in the application %(reference)s.",
            reference=application.reference,
        )
        return ask_request(application.account_id, RequestKind.WITHDRAWAL, words)
    erasing.erase_application(application.id, ErasureReason.WITHDRAWAL)
    return None


def _is_bound(application: Application) -> bool:
    """Whether there is a contract, or money of which nobody knows yet what becomes of it. An open order is closed."""
    if application.state is State.CONTRACTED:
        return True
    order = orders.order_of_application(application.id)
    if order is None:
        return False
    if order.state is OrderState.OPEN:
        checkout.lapse_order(order.id)
        order = orders.order(order.id)
    return order.state not in NO_MONEY
