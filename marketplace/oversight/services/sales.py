"""Bring the sales log to what the features say now. Every function may run twice, late, or beside itself."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, select

from marketplace.application import queries as applications
from marketplace.application.values import Application
from marketplace.catalog.values import Line
from marketplace.checkout import queries as orders
from marketplace.checkout.values import Order
from marketplace.correspondence import queries as messages
from marketplace.correspondence.values import MessageKind
from marketplace.infra.db import db
from marketplace.infra.jobs import defer
from marketplace.kernel import clock, ids
from marketplace.kernel.addresses import masked
from marketplace.oversight import rules
from marketplace.oversight.models import SaleRow, lock_journey, lock_log
from marketplace.oversight.services import pictures
from marketplace.oversight.values import Completeness, SaleState
from marketplace.payment import queries as payments
from marketplace.payment.values import Attempt, AttemptState, Purpose
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import Need
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Entry, Journey

log = structlog.get_logger()

PICTURES_AFTER = 600  # seconds: a browser is heavy, and nobody waits for it; one contract at a time

# What only an application has.
_NONE_YET = dict.fromkeys(
    (
        "application_reference",
        "order_id",
        "order_reference",
        "policy_id",
        "policy_number",
        "insurer_id",
        "product_version_id",
        "product_name",
        "premium_minor",
        "currency",
        "customer_sealed",
        "concluded_at",
        "trail_wanted",
    )
) | {"trail_gaps": []}


def refresh_comparison(need_id: UUID) -> None:
    """Note a journey that compared; once it has an application, that one tells more."""
    need = quoting.need_by_id(need_id)
    lock_journey(need.journey_id)
    _write_comparison(need)


def refresh_application(application_id: UUID) -> None:
    """Write the row of one application as everything stands now."""
    lock_journey(applications.application(application_id).journey_id)
    _write_application(application_id)


def refresh_order(order_id: UUID) -> None:
    """Refresh every application of an order."""
    for line in sorted(orders.order(order_id).lines, key=lambda each: each.application_id):
        refresh_application(line.application_id)


def refresh_policy(policy_id: UUID) -> None:
    refresh_application(policies.policy(policy_id).application_id)


def note_message(message_id: UUID) -> None:
    """A message left; only that of a policy changes a sale."""
    message = messages.message(message_id)
    if message.kind is MessageKind.POLICY_ISSUED:
        policy = policies.policy(UUID(message.about))
        refresh_application(policy.application_id)
        defer(pictures.TASK, in_seconds=PICTURES_AFTER, lock=pictures.TASK, application_id=policy.application_id)


def catch_up() -> None:
    """Look again at every sale that is not finished, each in a job of its own."""
    unfinished = (SaleState.ENTERED, SaleState.APPLIED, SaleState.PAID, SaleState.ISSUED, SaleState.REFUND_DUE)
    wanted = select(SaleRow.application_id).where(SaleRow.state.in_(unfinished)).order_by(SaleRow.started_at)
    for application_id in db.session.scalars(wanted):
        defer("oversight.refresh_application", application_id=application_id)


def rebuild() -> int:
    """Build the whole log again from the features; how many rows it has. Others wait to write until this commits."""
    lock_log()
    written = [_write_application(application_id) for application_id in applications.application_ids()]
    compared = [_write_comparison(quoting.need_by_id(need_id)) for need_id in quoting.need_ids()]
    kept = {row_id for row_id in (*written, *compared) if row_id is not None}
    db.session.execute(delete(SaleRow).where(SaleRow.id.not_in(kept)))
    return len(kept)


def _write_comparison(need: Need) -> UUID | None:
    """The row of the journey's comparisons, or None where applications stand for the journey."""
    rows = db.session.scalars(select(SaleRow).where(SaleRow.journey_id == need.journey_id)).all()
    if any(row.application_id is not None for row in rows):
        return None
    row = rows[0] if rows else SaleRow(id=ids.new_id())
    latest = row.last_at is None or row.last_at <= need.business_at
    columns = {"line": need.line.value, "last_at": need.business_at} if latest else {}
    _fill(row, trail.journey(need.journey_id), _NONE_YET | {"state": SaleState.COMPARED.value} | columns)
    return row.id


def _write_application(application_id: UUID) -> UUID:
    """The row of an application; the first of a journey takes over the row of its comparisons."""
    application = applications.application(application_id)
    found = select(SaleRow).where(SaleRow.application_id == application_id)
    compared = select(SaleRow).where(SaleRow.journey_id == application.journey_id, SaleRow.application_id.is_(None))
    row = db.session.scalars(found).one_or_none() or db.session.scalars(compared).one_or_none()
    journey = trail.journey(application.journey_id)
    row = row or SaleRow(id=ids.new_id())
    _fill(row, journey, _columns(application, journey))
    return row.id


def _fill(row: SaleRow, journey: Journey, columns: dict[str, Any]) -> None:
    row.journey_id, row.journey_reference = journey.id, journey.reference
    row.channel, row.started_at = journey.channel.value, journey.business_started_at
    for name, value in columns.items():
        setattr(row, name, value)
    db.session.add(row)
    db.session.flush()


def _columns(application: Application, journey: Journey) -> dict[str, Any]:
    offer = quoting.offer(application.offer_id)
    order = orders.order_of_application(application.id)
    policy = policies.policy_of_application(application.id)
    content = offer.version.content
    attempts = () if order is None else payments.attempts_of(Purpose.NEW_BUSINESS, order.id)
    entries = _entries(application, attempts)
    state = _state(application, order, attempts, policy)
    due = rules.is_to_be_whole(state, None if policy is None else policy.concluded_at, clock.business_now())
    told = _completeness(application.id, entries) if due and not application.erased else None
    return {
        "state": state.value,
        "line": Line(content.line).value,
        "application_id": application.id,
        "application_reference": application.reference,
        "order_id": order and order.id,
        "order_reference": order and order.reference,
        "policy_id": policy and policy.id,
        "policy_number": policy and policy.number,
        "insurer_id": application.insurer_id,
        "product_version_id": application.product_version_id,
        "product_name": content.marketing_name.to_json(),
        "premium_minor": offer.premium.minor,
        "currency": offer.premium.currency,
        "customer": application.email and masked(application.email),
        "concluded_at": policy and policy.concluded_at,
        "last_at": max((entry.business_at for entry in entries), default=journey.business_started_at),
        "trail_wanted": told and told.wanted,
        "trail_gaps": [gap.to_json() for gap in told.gaps] if told else [],
    }


def _entries(application: Application, attempts: Sequence[Attempt]) -> list[Entry]:
    """Of its journey what is of this application or of none; of payments, those of its order: later premiums are paid
    long after the sale.
    """
    paid = {str(each.id) for each in attempts}
    return [
        entry
        for entry in trail.journey_entries(application.journey_id)
        if entry.application_id in {application.id, None} and entry.body.get("attempt_id") in {None, *paid}
    ]


def _completeness(application_id: UUID, entries: Sequence[Entry]) -> Completeness:
    """Gaps are said aloud: what is missing today cannot be added tomorrow."""
    view = applications.application_view(application_id)
    told = rules.completeness(view, entries)
    for gap in told.gaps:
        log.error(
            "ALARM the trail of a sale has a gap",
            application=view.application.reference,
            lack=gap.lack.value,
            entry=gap.type.value,
            subject=gap.subject,
        )
    return told


def _state(
    application: Application, order: Order | None, attempts: Sequence[Attempt], policy: Policy | None
) -> SaleState:
    mail = None if policy is None else messages.message_about(MessageKind.POLICY_ISSUED, str(policy.id))
    return rules.state_of(
        rules.Standing(
            application=application.state,
            order=None if order is None else order.state,
            paid=order is not None and _paid(order, attempts),
            issued=policy is not None,
            mailed=mail is not None and mail.sent_at is not None,
        )
    )


def _paid(order: Order, attempts: Sequence[Attempt]) -> bool:
    """Asked of payment itself, because checkout may hear of it later than we do."""
    return order.paid_at is not None or any(attempt.state is AttemptState.SUCCEEDED for attempt in attempts)
