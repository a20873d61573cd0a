"""Write evidence. Everything here fails with `TrailUnavailable`, and what cannot be recorded must not go on (T26-33).

`record_act` writes in the business transaction: the act and its entry are kept together or not at all. All else is
written apart, in a short transaction of its own: a page that was sent stays recorded whatever becomes of the request,
and a journey must be there before the first entry that names it. A view is one statement, alone.

In a journey whose personal data was erased nothing is done or shown any more (`DataDestroyed`), except what happens
without the customer (`OUTLIVES_ERASURE`): its entry says that it happened, when and by whom, and nothing else.
"""

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection, func, insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.keeper import KeyClass
from marketplace.infra.pools import alone, compiled
from marketplace.infra.pressing import Reference, press
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import canonical_bytes, sha256_hex
from marketplace.kernel.errors import Invalid
from marketplace.kernel.remembering import Remembered
from marketplace.traceability import queries
from marketplace.traceability.models import IntakeRow, JourneyRow, subjects
from marketplace.traceability.rules import leaves
from marketplace.traceability.rules.notes import NoteRefused
from marketplace.traceability.rules.rotation import check_statement, journey_of_log
from marketplace.traceability.services.apart import or_nothing, written_apart
from marketplace.traceability.values import (
    OUTLIVES_ERASURE,
    READINGS_OF_CONTRACT,
    READINGS_OF_VISIT,
    SYSTEM,
    WAITED_FOR,
    Act,
    Actor,
    ActorRole,
    Channel,
    EntryType,
    JourneyNotFound,
    View,
    journey_of_readings,
    journey_of_visit,
)

LITTLE = 480
"""Bytes of a pressed page that need not become fewer: sealed it takes half a kilobyte at most."""

_earlier: Remembered[tuple[UUID, UUID | None, str], tuple[UUID, Reference]] = Remembered(size=64)
"""Entry and bytes of the page that a journey was shown last by this process, about an application, of a version. They
are of persons, and forgotten wherever one is erased: what is shown next is compared with what the log holds.
"""
vault.also_forget(_earlier.clear)

_ENTER = insert(IntakeRow)  # made once: for a statement this wide, making it costs as much as sending it
_ENTER_AND_TELL = _ENTER.returning(func.pg_notify(leaves.CHANNEL, ""))  # told with the commit, like everything in it
_ENTER_ALONE = compiled(_ENTER, [each.name for each in IntakeRow.__table__.columns if each.server_default is None])


def start_journey(channel: Channel, attribution: Mapping[str, Any]) -> UUID:
    """Begin a journey, at once and whatever becomes of the request. `attribution` is opaque JSON, never changed."""
    journey_id = ids.new_id()
    with written_apart() as connection:
        connection.execute(insert(JourneyRow).values(**_journey(journey_id, channel, attribution)))
    return journey_id


def begin_visit(application_id: UUID, session_id: UUID, attribution: Mapping[str, Any]) -> UUID:
    """The journey of a later visit to a contract, begun at once if this is its first look: one for each contract and
    session, however many looks come at the same time. What is entered in it names the application.
    """
    journey_id = journey_of_visit(application_id, session_id)
    if not _is_visit(journey_id):
        with written_apart() as connection:
            _begin_once(connection, _journey(journey_id, Channel.SELF, attribution, visit_to=application_id))
    return journey_id


def record_act(act: Act) -> UUID:
    """Write the entry of an act in the transaction that makes it true; rolled back with it. Returns the entry's id.

    Raises DataDestroyed in an erased journey, unless the act outlives the erasure.
    """
    entry = _entry(act)
    with or_nothing():
        db.session.connection().execute(_ENTER_AND_TELL if act.type in WAITED_FOR else _ENTER, entry)
    reach(At.ACT_ENTERED)
    return cast("UUID", entry["id"])


def record_rotation(origin: str, statement: Mapping[str, Any]) -> UUID:
    """Enter that the log's key changes. Flushes.

    Raises Invalid where the statement is not signed by both keys.
    """
    try:
        check_statement(statement, origin)
    except NoteRefused as error:
        raise Invalid({"statement": str(error)}) from error
    return record_of_log(origin, EntryType.LOG_KEY_ROTATED, statement)


def record_of_log(origin: str, type_: EntryType, said: Mapping[str, Any], by: Actor = SYSTEM) -> UUID:
    """Enter what happens to the log itself, or is said to everybody, in the log's own journey, which begins with the
    first of it. Flushes.
    """
    journey_id = journey_of_log(origin)
    with or_nothing():
        _begin_once(db.session.connection(), _journey(journey_id, Channel.SELF, {"log": origin}))
    return record_act(Act(journey_id, type_, said, by))


def record_reading(reading: Act, *, of_visit: UUID | None = None) -> UUID:
    """Enter that somebody reads about a contract, in the journey of all its readings (T26-48). Flushes.

    The journey is not the contract's own, whose evidence would change by being read; `reading` names the contract's
    application, of which it is found again (`journey_of_readings`). Where nobody applied, it is of the journey
    `of_visit`.
    """
    of = reading.application_id or of_visit
    if of is None or reading.journey_id != journey_of_readings(of):
        raise ValueError("a reading is of an application or of a visit")
    what = READINGS_OF_VISIT if reading.application_id is None else READINGS_OF_CONTRACT
    journey = _journey(reading.journey_id, Channel.SELF, {what: of})
    with or_nothing():
        _begin_once(db.session.connection(), journey)
    return record_act(reading)


def record_view(view: View) -> UUID:
    """Write the entry of a page, with its bytes, before they leave. Returns the entry's id.

    The commit does not wait for the disk: a killed process loses nothing, a power cut at most the last fractions of a
    second of views, never an act (traceability design, "Taken for this project"). A view that the database lost so is
    none to keep another against: it refuses that, and the page is kept as a first one.
    """
    with or_nothing():
        shown = _shown(view)
        try:
            alone(_ENTER_ALONE, _entry(view, shown=shown))
        except IntegrityError:
            if shown.base is None:
                raise
            _earlier.forget(_same(view))
            shown = _first(view)
            alone(_ENTER_ALONE, _entry(view, shown=shown))
    if shown.base is None and len(shown.pressed) > LITTLE:
        _earlier.put(_same(view), (view.entry_id, Reference(view.page)))
    return view.entry_id


def record_leaving(view_id: UUID, actor: Actor) -> None:
    """Enter that a page was left, by the entry with which it was shown. Raises EntryNotFound, and DataDestroyed in an
    erased journey.
    """
    view = queries.view_kept(view_id)
    what = {"application_id": view.application_id, "insurer_id": view.insurer_id}
    body = {"view": view_id}
    record_act(Act(view.journey_id, EntryType.PAGE_LEFT, body, actor, page_version_id=view.page_version_id, **what))


def _begin_once(connection: Connection, journey: Mapping[str, Any]) -> None:
    """A journey that many begin: the first one does."""
    connection.execute(upsert(JourneyRow).values(**journey).on_conflict_do_nothing(index_elements=[JourneyRow.id]))


def _is_reading(what: Act | View) -> bool:
    """Whether this is entered among the readings of a contract."""
    return what.application_id is not None and what.journey_id == journey_of_readings(what.application_id)


def _is_visit(journey_id: UUID) -> bool:
    """A visit is begun apart, before anything is entered in it: a journey that is only just being begun is none."""
    try:
        return queries.journey(journey_id).visit_to is not None
    except JourneyNotFound:
        return False


@dataclass(frozen=True, slots=True)
class _Shown:
    """The bytes of a page pressed: by themselves, against the file `reference`, or against the page of entry `base`."""

    page: bytes
    pressed: bytes
    reference: str | None = None
    base: UUID | None = None


def _shown(view: View) -> _Shown:
    """A page kept as small as it goes. Where it is not little against what everybody was shown, and the journey saw the
    same page before: then only what is new in each answer is left (decision 22).
    """
    earlier = _earlier.get(_same(view))
    again = earlier and _again(view, *earlier)
    if again and len(again.pressed) <= LITTLE:
        return again
    first = _first(view)
    if earlier is None and len(first.pressed) > LITTLE:
        again = _again_by_another_process(view)
    return again if again and 2 * len(again.pressed) <= len(first.pressed) else first


def _first(view: View) -> _Shown:
    """The page against what everybody was shown, or by itself."""
    reference = view.reference and queries.reference(view.reference)
    if reference:
        return _Shown(view.page, press(view.page, reference), reference=view.reference)
    return _Shown(view.page, view.pressed() if view.pressed else press(view.page))


def _again(view: View, entry_id: UUID, earlier: Reference) -> _Shown:
    """The page against what the journey saw before."""
    return _Shown(view.page, press(view.page, earlier), base=entry_id)


def _again_by_another_process(view: View) -> _Shown | None:
    """The same where it was another process that showed it; this one asks once and remembers."""
    found = queries.earlier_view(view.journey_id, view.application_id, view.page_version_id)
    if found is None:
        return None
    entry_id, page = found
    _earlier.put(_same(view), earlier := (entry_id, Reference(page)))
    return _again(view, *earlier)


def _same(view: View) -> tuple[UUID, UUID | None, str]:
    """What two views have in common of which one may be kept against the other: they are sealed by the same key."""
    return view.journey_id, view.application_id, view.page_version_id


def _journey(
    journey_id: UUID, channel: Channel, attribution: Mapping[str, Any], *, visit_to: UUID | None = None
) -> dict[str, Any]:
    """The values of a row of `JourneyRow` by column."""
    return {
        "id": journey_id,
        "reference": ids.reference("J"),
        "channel": channel.value,
        "attribution": _plain(attribution),
        "started_at": clock.now(),
        "business_started_at": clock.business_now(),
        "visit_to": visit_to,
    }


def _entry(what: Act | View, *, shown: _Shown | None = None) -> dict[str, Any]:
    """The values of a row of `IntakeRow` by column."""
    frame = leaves.Frame(
        entry_id=what.entry_id if isinstance(what, View) else ids.new_id(),
        application_id=what.application_id,
        insurer_id=what.insurer_id,
        actor_role=ActorRole(what.actor.role).value,
        actor_id=what.actor.account_id,
        actor_label=what.actor.label,
        business_at=clock.business_now(),
    )
    body, salt = canonical_bytes(what.body), secrets.token_bytes(leaves.SALT_BYTES)
    return {
        "id": frame.entry_id,
        "journey_id": what.journey_id,
        "application_id": frame.application_id,
        "insurer_id": frame.insurer_id,
        "page_version_id": what.page_version_id,
        "type": what.type.value,
        "actor_role": frame.actor_role,
        "actor_id": frame.actor_id,
        "actor_label": frame.actor_label,
        "recorded_at": clock.now(),
        "business_at": frame.business_at,
        "body_sha256": leaves.body_sha256(salt, frame.envelope(body)),
        "page_sha256": shown and sha256_hex(shown.page),
        "page_reference": shown and shown.reference,
        "page_base": shown and shown.base,
        **_sealed(frame.entry_id, what, salt + body, None if shown is None else shown.pressed),
    }


def _sealed(entry_id: UUID, what: Act | View, body: bytes, pressed: bytes | None) -> dict[str, bytes | None]:
    """The two sealed columns. Where everything the entry could belong to is erased, it is entered without its content
    if it outlives that; else raises DataDestroyed. Neither a visit to a contract nor its readings have a key, so that
    nothing of them outlives the contract.
    """
    for subject_id in subjects(what.journey_id, what.application_id):
        if subject_id == what.journey_id and (_is_reading(what) or _is_visit(subject_id)):
            continue
        key_class = KeyClass.JOURNEY if subject_id == what.journey_id else KeyClass.PERSON
        with suppress(DataDestroyed):
            return {
                "body": IntakeRow.body.sealed(entry_id, subject_id, body, key_class),
                "page_bytes": IntakeRow.page_bytes.sealed(entry_id, subject_id, pressed, key_class),
            }
    if what.type not in OUTLIVES_ERASURE:
        raise DataDestroyed
    return {"body": None, "page_bytes": None}


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as JSON keeps it: ids and days as text."""
    plain: dict[str, Any] = json.loads(canonical_bytes(record))
    return plain
