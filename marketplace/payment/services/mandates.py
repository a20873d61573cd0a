"""Keep a card because its owner agreed to it, and stop keeping it."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import select

from marketplace.infra import jobs, payment_gateway
from marketplace.infra.db import apart, db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.payment_gateway import KeptCard, NewSetup, PaymentCallRefused
from marketplace.kernel import clock, ids
from marketplace.payment.models import MandateRow
from marketplace.payment.models.mandates import locked_mandate, locked_mandates, mandate_row
from marketplace.payment.queries import mandate_value
from marketplace.payment.rules.keeping import MANDATES, MandateEvent
from marketplace.payment.rules.settling import PAGE_LIFETIME
from marketplace.payment.values import (
    AskMandate,
    AttemptNotCommitted,
    CardKept,
    CardKeptAlready,
    Mandate,
    MandateState,
    PageClosed,
    SessionMismatch,
)
from marketplace.traceability.services import record_act
from marketplace.traceability.values import PROVIDER, SYSTEM, Act, Actor, EntryType


def ask_mandate(command: AskMandate) -> Mandate:
    """The row of a card to be kept, to be committed before `open_setup` is called; asked again, the one that waits for
    its card. Raises CardKeptAlready.
    """
    for row in locked_mandates(command.contract_id):
        state = MandateState(row.state)
        if state is MandateState.KEPT:
            raise CardKeptAlready
        if state is MandateState.ASKED:
            if clock.now() < row.expires_at and row.wording_sha256 == command.wording_sha256:
                return mandate_value(row)
            _end(row, MandateEvent.EXPIRED)
    row = _new_row(command)
    db.session.add(row)
    db.session.flush()
    said = {"mandate_id": str(row.id), "wording": row.wording_sha256}
    visit, page = command.visit_id or row.journey_id, command.page_version_id
    record_act(Act(visit, EntryType.CARD_CONSENTED, said, command.actor, row.application_id, row.insurer_id, page))
    return mandate_value(row)


def open_setup(mandate_id: UUID) -> str:
    """The address of the page on which the card is given, the same ever after. Raises AttemptNotCommitted, PageClosed,
    Unavailable, Refused.
    """
    with apart() as connection:
        if connection.execute(select(MandateRow.id).where(MandateRow.id == mandate_id)).one_or_none() is None:
            raise AttemptNotCommitted
    row = mandate_row(mandate_id)
    if row.state != MandateState.ASKED or clock.now() >= row.expires_at:
        raise PageClosed
    if row.url is not None:
        return row.url
    gateway = payment_gateway.gateway()
    about = {"mandate_id": str(row.id), "contract_id": str(row.contract_id)}
    customer_id = row.customer_id or gateway.create_customer(row.email, about, f"customer-{row.id}")
    session = gateway.create_setup(
        NewSetup(
            customer_id=customer_id,
            locale=row.locale,
            success_url=row.success_url,
            cancel_url=row.cancel_url,
            expires_at=row.expires_at,
            our_id=str(row.id),
            metadata=about,
            idempotency_key=f"keep-{row.id}",
        )
    )
    row = locked_mandate(mandate_id)
    if row.state != MandateState.ASKED or session.url is None:
        raise PageClosed
    row.customer_id, row.session_id, row.url = customer_id, session.id, session.url
    db.session.flush()
    return session.url


def settle_mandate(mandate_id: UUID, session_id: str | None = None) -> Mandate:
    """Ask the provider whether it keeps the card. Coming back from its page proves nothing; a verified event names a
    page whose note was lost. Raises MandateNotFound, SessionMismatch, Unavailable.
    """
    row = mandate_row(mandate_id)
    wanted = session_id or row.session_id
    if wanted is None:
        if clock.now() > row.expires_at:
            _end(locked_mandate(mandate_id), MandateEvent.EXPIRED)
        return mandate_value(row)
    found = payment_gateway.gateway().retrieve_setup(wanted)
    if found.our_id != str(mandate_id):
        raise SessionMismatch
    row = locked_mandate(mandate_id)
    row.session_id = found.session_id
    if found.method_id is not None:
        _keep(row, found)
    elif found.status == "expired":
        _end(row, MandateEvent.EXPIRED)
    db.session.flush()
    return mandate_value(row)


def stop_mandates(contract_id: UUID, by: Actor = SYSTEM, visit_id: UUID | None = None) -> None:
    """Charge no card of the contract any more, from now on; what is charged at this moment is settled as it comes.
    Stopping again changes nothing. `visit_id`: the visit in which its customer did.
    """
    for row in locked_mandates(contract_id):
        if MandateState(row.state) in {MandateState.ASKED, MandateState.KEPT}:
            _end(row, MandateEvent.STOPPED)
            _record(row, EntryType.CARD_STOPPED, by, visit_id)


def detach_card(mandate_id: UUID) -> None:
    """Have the provider forget the card of a mandate that ended, and close its page. Repeating it changes nothing."""
    row = mandate_row(mandate_id)
    if row.ended_at is None or row.detached_at is not None:
        return
    gateway = payment_gateway.gateway()
    if row.session_id is not None and row.method_id is None:
        with suppress(PaymentCallRefused):  # it is not open any more
            gateway.expire_session(row.session_id)
        settle_mandate(mandate_id)
        row = mandate_row(mandate_id)
    if row.method_id is not None:
        with suppress(PaymentCallRefused):  # it is not kept any more
            gateway.detach_card(row.method_id)
    reach(At.CARD_DETACHED)
    locked_mandate(mandate_id).detached_at = clock.now()
    db.session.flush()


def _keep(row: MandateRow, found: KeptCard) -> None:
    before = MandateState(row.state)
    after = MANDATES.next(before, MandateEvent.KEPT)
    row.customer_id = row.customer_id or found.customer_id
    row.method_id = found.method_id
    if after is not MandateState.KEPT:
        row.detached_at = None
        jobs.defer("payment.detach_card", mandate_id=row.id)
    elif before is not after:
        row.state, row.kept_at = after.value, clock.now()
        row.card = {"brand": found.brand, "last4": found.last4, "month": found.month, "year": found.year}
        _record(row, EntryType.CARD_KEPT, PROVIDER)
        jobs.publish(CardKept(row.id, row.contract_id))


def _end(row: MandateRow, event: MandateEvent) -> None:
    before = MandateState(row.state)
    after = MANDATES.next(before, event)
    if after is before:
        return
    row.state, row.ended_at = after.value, clock.now()
    db.session.flush()
    jobs.defer("payment.detach_card", mandate_id=row.id)


def _new_row(command: AskMandate) -> MandateRow:
    now = clock.now()
    return MandateRow(
        id=ids.new_id(),
        contract_id=command.contract_id,
        state=MandateState.ASKED.value,
        wording_sha256=command.wording_sha256,
        sealed_for=command.application_id,
        email=command.email,
        card=None,
        locale=command.locale,
        success_url=command.success_url,
        cancel_url=command.cancel_url,
        journey_id=command.journey_id,
        application_id=command.application_id,
        insurer_id=command.insurer_id,
        asked_at=now,
        expires_at=(now + PAGE_LIFETIME).replace(microsecond=0),
    )


def _record(row: MandateRow, kind: EntryType, by: Actor, visit_id: UUID | None = None) -> None:
    body = {"mandate_id": str(row.id)}
    record_act(Act(visit_id or row.journey_id, kind, body, by, row.application_id, row.insurer_id))
