"""The gate of every step: lock, ownership, state, live offer, order of the road; and the trail entry of the act."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marketplace.application import rules
from marketplace.application.models import ApplicationRow, ConfirmationRow, locked
from marketplace.application.queries import require_own, view_of
from marketplace.application.values import (
    CONFIRMED_AS,
    Acting,
    AlreadySubmitted,
    ApplicationLapsed,
    ApplicationView,
    ConfirmationKind,
    State,
    Step,
    StepNotReached,
)
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.canonical import canonical_bytes, sha256_hex
from marketplace.quoting import queries as quoting
from marketplace.traceability.services import record_act
from marketplace.traceability.values import INSURED, VISITOR, Act, Actor, ActorRole, EntryType

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who passed the gate: who acts, the locked row, and what the application looked like on entering."""

    by: Acting
    row: ApplicationRow
    view: ApplicationView


def enter(by: Acting, application_id: UUID, step: Step) -> Visit:
    """The application, locked, when `by` may do `step` now (T26-09).

    Raises ApplicationNotFound for strangers (OwnerSignedOut: `require_own`), AlreadySubmitted or ApplicationLapsed,
    the refusals of `live_offer`, and StepNotReached naming the step to go on with.
    """
    row = own_locked(by, application_id)
    require_open(row)
    view = view_of(row)
    quoting.require_live(view.offer)
    if not rules.is_reached(step, view.next_step):
        raise StepNotReached(view.next_step)
    return Visit(by, row, view)


def own_locked(by: Acting, application_id: UUID) -> ApplicationRow:
    row = locked(application_id)
    require_own(row, by.journey_id, by.account_id)
    return row


def require_open(row: ApplicationRow) -> None:
    if row.state == State.LAPSED:
        raise ApplicationLapsed
    if row.state != State.STARTED:
        raise AlreadySubmitted


def confirm(visit: Visit, kind: ConfirmationKind, subject_sha256: str, body: Mapping[str, Any]) -> None:
    """One confirmation of exactly these bytes with its trail entry (T26-14, T26-23); a repeated one changes nothing."""
    if any(each.kind is kind and each.subject_sha256 == subject_sha256 for each in visit.view.confirmations):
        return
    db.session.add(
        ConfirmationRow(
            application_id=visit.row.id,
            kind=kind.value,
            subject_sha256=subject_sha256,
            page_version_id=visit.by.page_version_id,
            confirmed_at=clock.now(),
        )
    )
    record(visit.by, visit.row, CONFIRMED_AS[kind], {"subject_sha256": subject_sha256, **body})
    db.session.flush()


def record(by: Acting, row: ApplicationRow, entry: EntryType, body: Mapping[str, Any]) -> None:
    """The act's entry, tied to journey, application, insurer and the page version it was done on."""
    record_act(
        Act(
            journey_id=row.journey_id,
            type=entry,
            body=body,
            actor=actor_of(by),
            application_id=row.id,
            insurer_id=row.insurer_id,
            page_version_id=by.page_version_id,
        )
    )


def actor_of(by: Acting) -> Actor:
    """Whoever has the link of the insured is the insured, whether they are a customer or not."""
    if by.as_insured:
        return INSURED
    return VISITOR if by.account_id is None else Actor(ActorRole.CUSTOMER, by.account_id, "customer")


def sealed(value: Any) -> dict[str, str] | None:
    """Personal data in the trail (T26-31): the SHA-256 of a random salt followed by the canonical bytes of the value.

    Whoever knows the value can show that it was the one given; the entry alone does not tell it.
    """
    if value is None:
        return None
    salt = secrets.token_bytes(SALT_BYTES)
    return {"salt": salt.hex(), "sha256": sha256_hex(salt + canonical_bytes(value))}
