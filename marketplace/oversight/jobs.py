"""The sales log follows the facts, and what was announced becomes true. Each job reads how everything stands instead of
trusting the order of the facts.
"""

from uuid import UUID

from marketplace.application.values import ApplicationMoved, ApplicationOpened, ApplicationSubmitted
from marketplace.checkout.values import OrderLapsed, OrderNotIssuable, OrderPlaced
from marketplace.correspondence.values import MessageSent
from marketplace.infra.jobs import LATER, task
from marketplace.oversight import services
from marketplace.payment.values import PaymentSucceeded, Purpose, RefundSucceeded
from marketplace.policy.values import PolicyIssued
from marketplace.privacy.values import ApplicationErased
from marketplace.quoting.values import JourneyCompared


@task("oversight.end_cooperations", every="*/5 * * * *", attempts=1)
def end_cooperations() -> None:
    services.end_cooperations()


@task("oversight.note_comparison")
def note_comparison(fact: JourneyCompared) -> None:
    services.refresh_comparison(fact.need_id)


@task("oversight.note_opened")
def note_opened(fact: ApplicationOpened) -> None:
    services.refresh_application(fact.application_id)


@task("oversight.note_submitted")
def note_submitted(fact: ApplicationSubmitted) -> None:
    services.refresh_application(fact.application_id)


@task("oversight.note_moved")
def note_moved(fact: ApplicationMoved) -> None:
    services.refresh_application(fact.application_id)


@task("oversight.note_ordered")
def note_ordered(fact: OrderPlaced) -> None:
    services.refresh_order(fact.order_id)


@task("oversight.note_paid")
def note_paid(fact: PaymentSucceeded) -> None:
    if fact.purpose is Purpose.NEW_BUSINESS:
        services.refresh_order(fact.subject_id)


@task("oversight.note_not_issuable")
def note_not_issuable(fact: OrderNotIssuable) -> None:
    services.refresh_order(fact.order_id)


@task("oversight.note_lapsed")
def note_lapsed(fact: OrderLapsed) -> None:
    services.refresh_order(fact.order_id)


@task("oversight.note_refunded")
def note_refunded(fact: RefundSucceeded) -> None:
    if fact.purpose is Purpose.NEW_BUSINESS:
        services.refresh_order(fact.subject_id)


@task("oversight.note_issued")
def note_issued(fact: PolicyIssued) -> None:
    services.refresh_policy(fact.policy_id)


@task("oversight.note_mailed")
def note_mailed(fact: MessageSent) -> None:
    services.note_message(fact.message_id)


@task("oversight.note_erased")
def note_erased(fact: ApplicationErased) -> None:
    services.refresh_application(fact.application_id)


@task("oversight.refresh_application")
def refresh_application(application_id: UUID) -> None:
    services.refresh_application(application_id)


@task("oversight.make_bundle")
def make_bundle(bundle_id: UUID) -> None:
    services.make_bundle(bundle_id)


@task("oversight.take_pictures", attempts=10, priority=LATER)
def take_pictures(application_id: UUID) -> None:
    services.take_pictures_later(application_id)


@task("oversight.drop_bundles", every="20 19 * * *", attempts=1)
def drop_bundles() -> None:
    services.drop_old_bundles()


@task("oversight.draw_sample", every="10 19 * * *", attempts=1)
def draw_sample() -> None:
    """Looked at each day, drawn once a month: a day without a worker puts it off by a day."""
    services.draw_monthly()


@task("oversight.check_sampled", attempts=10, priority=LATER)
def check_sampled(sample_id: UUID, application_id: UUID) -> None:
    services.check_sampled(sample_id, application_id)


@task("oversight.catch_up", every="27 * * * *")
def catch_up() -> None:
    """Once an hour: what ends by the clock alone publishes no fact, so unfinished sales are looked at again."""
    services.catch_up()


@task("oversight.check_books", every="48 * * * *", attempts=1)
def check_books() -> None:
    """Once an hour, after Stripe's own account was taken over."""
    services.check_books()
