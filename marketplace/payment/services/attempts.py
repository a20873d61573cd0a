"""Start an attempt to pay, open its hosted page, close it."""

from contextlib import suppress
from uuid import UUID

from marketplace.infra import jobs, payment_gateway
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.payment_gateway import NewSession, PaymentCallRefused, PaymentsUnavailable, Session
from marketplace.kernel import clock, ids
from marketplace.kernel.money import Money
from marketplace.payment.models import AttemptRow
from marketplace.payment.queries import attempt_value
from marketplace.payment.rules.settling import (
    ATTEMPTS,
    CLOCK_MARGIN,
    PAGE_LIFETIME,
    AttemptEvent,
    is_stuck,
    is_usable,
)
from marketplace.payment.services.charging import defer_charge, require_committed
from marketplace.payment.services.failed_calls import note_failed_call
from marketplace.payment.services.rows import attempt_row, locked_attempt, locked_subject, record
from marketplace.payment.services.settlement import settle
from marketplace.payment.values import (
    AlreadyPaid,
    Attempt,
    AttemptState,
    PageClosed,
    PaymentExpired,
    PaymentInProgress,
    Purpose,
    StartPayment,
)
from marketplace.traceability.values import EntryType

IN_USE = (AttemptState.CREATED, AttemptState.OPEN, AttemptState.PROCESSING)


def start_attempt(command: StartPayment) -> Attempt:
    """The row of an attempt, to be committed before `open_session` is called; a kept card is charged by a job.

    A repeated wish for the same amount returns the attempt in use; another amount, or a page that ran out, closes it
    and takes the next number. Raises AlreadyPaid, PaymentInProgress.
    """
    rows = locked_subject(command.purpose.value, command.subject_id)
    if any(row.succeeded_at for row in rows):
        raise AlreadyPaid
    in_use = _in_use(rows)
    if in_use is not None:
        if _fits(in_use, command):
            return attempt_value(in_use)
        _close(in_use)
    row = _new_row(command, number=len(rows) + 1)
    db.session.add(row)
    db.session.flush()
    record(row, EntryType.PAYMENT_STARTED, command.actor, amount=command.amount.minor, currency=command.amount.currency)
    if row.mandate_id is not None:
        defer_charge(row.id)
    return attempt_value(row)


def open_session(attempt_id: UUID) -> str:
    """The address of the attempt's hosted page: opened at the provider by the first call, the same ever after.

    Raises AttemptNotCommitted, PageClosed when the attempt cannot be paid any more, Unavailable or Refused when the
    provider does not open a page.
    """
    require_committed(attempt_id)
    row = attempt_row(attempt_id)
    state = AttemptState(row.state)
    if not is_usable(state, row.created_at, row.expires_at, clock.now(), row.failed_calls):
        raise PageClosed
    if row.url is not None:
        return row.url
    reach(At.ATTEMPT_STANDS)
    session = _opened(row)
    reach(At.PAGE_OPENED)
    row, _ = locked_attempt(attempt_id)
    after = ATTEMPTS.next(AttemptState(row.state), AttemptEvent.OPENED)
    if after is not AttemptState.OPEN or session.url is None:
        raise PageClosed
    row.state, row.session_id, row.url = after.value, session.id, session.url
    row.payment_intent_id = session.payment_intent_id
    db.session.flush()
    reach(At.PAGE_NOTED)
    return session.url


def hold_subject(purpose: Purpose, subject_id: UUID) -> None:
    """Whoever else moves money for the subject waits until this transaction ends. Whoever locks the subject itself too
    takes this first, as settling a payment does.
    """
    locked_subject(purpose.value, subject_id)


def close_subject(purpose: Purpose, subject_id: UUID) -> None:
    """Let nobody pay for the subject any more; what comes in nevertheless goes back.

    Raises AlreadyPaid or PaymentInProgress when it is too late for that.
    """
    rows = locked_subject(purpose.value, subject_id)
    if any(row.succeeded_at for row in rows):
        raise AlreadyPaid
    in_use = _in_use(rows)
    if in_use is not None:
        _close(in_use)


def expire_session(attempt_id: UUID) -> None:
    """Close the hosted page of an attempt at the provider, and take its word when that comes too late."""
    row = attempt_row(attempt_id)
    if row.mandate_id is not None:
        settle(attempt_id)
        return
    if row.session_id is None or row.settled_at is not None:
        return
    # Refused when paid or expired in the meantime: settling finds out which.
    with suppress(PaymentCallRefused):
        payment_gateway.gateway().expire_session(row.session_id)
    reach(At.PAGE_CLOSED)
    settle(attempt_id)


def _opened(row: AttemptRow) -> Session:
    """The page at the provider. After three failures alike it is looked for there: it may be open all the same, and
    where it is not, the next click takes the next number, as the key of this one only replays its failure.
    """
    gateway = payment_gateway.gateway()
    try:
        return gateway.create_session(_session_of(row))
    except PaymentsUnavailable as error:
        note_failed_call(row, error)
        if not is_stuck(attempt_row(row.id).failed_calls):
            raise
        since, own = row.created_at - CLOCK_MARGIN, str(row.id)
        found = next((each for each in gateway.list_sessions(since, "open") if each.our_id == own), None)
        if found is None:
            raise
        return found


def _in_use(rows: list[AttemptRow]) -> AttemptRow | None:
    return next((row for row in rows if AttemptState(row.state) in IN_USE), None)


def _fits(row: AttemptRow, command: StartPayment) -> bool:
    """A charge under way is waited for by whoever would pay otherwise, and a page somebody may pay on by the charge."""
    state = AttemptState(row.state)
    usable = row.mandate_id is not None or is_usable(
        state, row.created_at, row.expires_at, clock.now(), row.failed_calls
    )
    if state is AttemptState.PROCESSING or (usable and row.mandate_id != command.mandate_id):
        raise PaymentInProgress
    return usable and Money(row.amount_minor, row.currency) == command.amount


def _close(row: AttemptRow) -> None:
    if AttemptState(row.state) is AttemptState.PROCESSING:
        raise PaymentInProgress
    row.state = ATTEMPTS.next(AttemptState(row.state), AttemptEvent.CLOSED).value
    db.session.flush()
    jobs.publish(PaymentExpired(row.id, Purpose(row.purpose), row.subject_id))
    jobs.defer("payment.expire_session", attempt_id=row.id)


def _new_row(command: StartPayment, number: int) -> AttemptRow:
    now = clock.now()
    amount = command.amount
    attempt_id = ids.new_id()
    return AttemptRow(
        id=attempt_id,
        sealed_for=command.application_id or attempt_id,
        purpose=command.purpose.value,
        subject_id=command.subject_id,
        reference=command.reference,
        number=number,
        amount_minor=amount.minor,
        currency=amount.currency,
        state=AttemptState.CREATED.value,
        description=command.description,
        email=command.email,
        locale=command.locale,
        methods=list(command.methods),
        success_url=command.success_url,
        cancel_url=command.cancel_url,
        idempotency_key=f"pay-{command.purpose.value}-{command.subject_id}-{amount.minor}-{amount.currency}-{number}",
        journey_id=command.journey_id,
        application_id=command.application_id,
        insurer_id=command.insurer_id,
        mandate_id=command.mandate_id,
        created_at=now,
        expires_at=(now + PAGE_LIFETIME).replace(microsecond=0),
    )


def _session_of(row: AttemptRow) -> NewSession:
    return NewSession(
        amount=Money(row.amount_minor, row.currency),
        description=row.description,
        email=row.email,
        locale=row.locale,
        methods=tuple(row.methods),
        success_url=row.success_url,
        cancel_url=row.cancel_url,
        expires_at=row.expires_at,
        our_id=str(row.id),
        metadata={
            "attempt_id": str(row.id),
            "purpose": row.purpose,
            "subject_id": str(row.subject_id),
            "reference": row.reference,
            "journey_id": str(row.journey_id),
        },
        idempotency_key=row.idempotency_key,
    )
