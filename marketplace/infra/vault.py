"""Personal data at rest: sealed with AES-256-GCM under a data key of the person or journey it belongs to.

A subject is an account (what it says of itself), an application (what was told in it, its contract, messages and
payments) or a journey (its trail). Its data key is made with the first thing sealed for it, lies in
`infra_subject_key` wrapped by the keeper (`infra.keeper`), and is known to this process for some minutes at most.
Destroying it makes everything of the subject unreadable at once, in backups too once they hold the destroyed row.
Other processes that know the key are told by a revision that each request and job asks for anyway (`heed`).

Each sealed value is bound to its place (`context`: table, column and row), so that nothing sealed can be moved:

    format 1 = 0x01 | nonce, 96 random bits | ciphertext and tag        NIST SP 800-38D

Columns hold sealed bytes, which `infra.sealed` reads and writes as plain values. A list unlocks all its subjects first
(`unlock`): one question to the database and one to the keeper, however many rows.

Keys of journeys are of a class of their own (`KeyClass`), remembered and counted apart: every visitor has one, and
looking at many pages must neither use up what the keeper gives for persons nor push their keys out of memory.
"""

import base64
import json
import logging
import secrets
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import CheckConstraint, LargeBinary, String, event, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.infra.db import Base, apart, db
from marketplace.infra.keeper import KEY_BYTES, NONCE_BYTES, KeeperRefused, KeyClass, Wrapped, spell, understand
from marketplace.infra.pools import Statement, alone
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid, NotFound, Unavailable

log = logging.getLogger(__name__)

ERASED = "erased"  # the event of the line by which an erasure is known outside the database
_IDS_IN_A_LINE = 100  # journald cuts a line at 48 kB
_TOLD_BY = f'"{__name__}"'
FORMAT = b"\x01"
REMEMBERED = 2048  # data keys of each class
REMEMBERED_FOR = 300.0  # seconds
PATIENCE = 2.0  # seconds for the keeper to answer
REWRAP_BATCH = 500
T = TypeVar("T")


class VaultUnavailable(Unavailable):
    """The keeper of keys does not answer, so personal data can neither be read nor kept."""

    code = "vault:unavailable"


class Unreadable(Unavailable):
    """Something sealed does not open: it was altered, moved, or sealed with another key."""

    code = "vault:unreadable"


class DataDestroyed(NotFound):
    """This personal data was erased; nobody can read it any more."""

    code = "vault:destroyed"


class SubjectKeyRow(Base):
    """The wrapped data key of a subject. Once destroyed it stays so: nothing is sealed for that subject again."""

    __tablename__ = "infra_subject_key"
    __table_args__ = (
        CheckConstraint("(wrapped IS NULL) = (destroyed_at IS NOT NULL)", name="wrapped_or_destroyed"),
        CheckConstraint("key_class IN ('person', 'journey')", name="key_class"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    keeper_key_id: Mapped[str] = mapped_column(String(40))
    key_class: Mapped[str] = mapped_column(String(8), server_default=text("'person'"))
    created_at: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]


class Keepers(Protocol):
    """What the vault asks of the keeper, in this process or over its socket."""

    def current(self) -> str: ...
    def wrap(self, items: Sequence[tuple[UUID, bytes]], key_class: KeyClass) -> list[Wrapped]: ...
    def unwrap(self, items: Sequence[Wrapped]) -> list[bytes]: ...
    def rewrap(self, items: Sequence[Wrapped]) -> list[Wrapped]: ...
    def index(self, purpose: str, values: Sequence[str]) -> list[str]: ...


class RemoteKeeper:
    """The keeper behind its socket. A connection for each question: there are few, since data keys are remembered."""

    def __init__(self, socket_path: Path) -> None:
        self._path = str(socket_path)

    def current(self) -> str:
        return cast("str", self._ask("current", [])[0])

    def wrap(self, items: Sequence[tuple[UUID, bytes]], key_class: KeyClass) -> list[Wrapped]:
        asked = [[str(subject_id), base64.b64encode(key).decode()] for subject_id, key in items]
        return [understand(each) for each in self._ask("wrap", asked, **{"class": key_class.value})]

    def unwrap(self, items: Sequence[Wrapped]) -> list[bytes]:
        return [base64.b64decode(each) for each in self._ask("unwrap", [spell(item) for item in items])]

    def rewrap(self, items: Sequence[Wrapped]) -> list[Wrapped]:
        return [understand(each) for each in self._ask("rewrap", [spell(item) for item in items])]

    def index(self, purpose: str, values: Sequence[str]) -> list[str]:
        return self._ask("index", list(values), purpose=purpose)

    def _ask(self, do: str, items: list[Any], **more: str) -> list[Any]:
        try:
            with closing(socket.socket(socket.AF_UNIX)) as line:
                line.settimeout(PATIENCE)
                line.connect(self._path)
                line.sendall(json.dumps({"do": do, "items": items, **more}).encode() + b"\n")
                with line.makefile("rb") as answers:
                    said = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise VaultUnavailable from error
        if "refused" in said:
            raise KeeperRefused(said["refused"])
        return cast("list[Any]", said["items"])


class _Remembered:
    """Data keys ready for use, for some minutes; of each class the one that was not asked for longest goes first.

    `revision` is that of the keys (migration 0025) up to which they were compared. `turn` counts the comparisons: a key
    that was read before one is not remembered after it.
    """

    revision: UUID | None = None
    turn = 0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[KeyClass, OrderedDict[UUID, tuple[AESGCM, float]]] = {each: OrderedDict() for each in KeyClass}

    def get(self, subject_id: UUID) -> AESGCM | None:
        with self._lock:
            for kept in self._kept.values():
                if found := kept.get(subject_id):
                    if found[1] < time.monotonic():
                        del kept[subject_id]
                        return None
                    kept.move_to_end(subject_id)
                    return found[0]
        return None

    def put(self, subject_id: UUID, key_class: KeyClass, cipher: AESGCM, turn: int) -> None:
        with self._lock:
            if turn != self.turn:
                return
            kept = self._kept[key_class]
            kept[subject_id] = cipher, time.monotonic() + REMEMBERED_FOR
            while len(kept) > REMEMBERED:
                kept.popitem(last=False)

    def next_turn(self) -> list[UUID]:
        """Whose keys are to be compared now."""
        with self._lock:
            self.turn += 1
            return [subject_id for kept in self._kept.values() for subject_id in kept]

    def drop(self, subject_id: UUID) -> None:
        with self._lock:
            for kept in self._kept.values():
                kept.pop(subject_id, None)

    def clear(self) -> None:
        with self._lock:
            for kept in self._kept.values():
                kept.clear()


_DESTROYED = Statement("SELECT array_agg(id) FROM infra_subject_key WHERE id = ANY(%(known)s) AND wrapped IS NULL")
_keeper: Keepers | None = None
_remembered = _Remembered()
_also_forgotten: list[Callable[[], None]] = []


def configure(keeper: Keepers) -> None:
    """For the wiring: who keeps the keys."""
    global _keeper  # noqa: PLW0603  one for each process, set at start
    _keeper = keeper
    forget()


def forget() -> None:
    """Forget every data key that this process knows."""
    _remembered.clear()


def seal(subject_id: UUID, context: str, data: bytes, key_class: KeyClass = KeyClass.PERSON) -> bytes:
    """`data` sealed for its subject and place; a first key of the subject is made as one of `key_class`.

    Raises DataDestroyed, VaultUnavailable.
    """
    cipher = _remembered.get(subject_id) or _found((subject_id,)).get(subject_id) or _made(subject_id, key_class)
    nonce = secrets.token_bytes(NONCE_BYTES)
    return FORMAT + nonce + cipher.encrypt(nonce, data, context.encode())


def open(subject_id: UUID, context: str, sealed: bytes) -> bytes:  # noqa: A001  said as vault.open
    """What was sealed. Raises DataDestroyed, Unreadable, VaultUnavailable."""
    cipher = _remembered.get(subject_id) or _found((subject_id,)).get(subject_id)
    if cipher is None or not sealed.startswith(FORMAT):
        raise Unreadable
    nonce, data = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, data, context.encode())
    except (InvalidTag, ValueError) as error:
        raise Unreadable from error


def open_many(items: Sequence[tuple[UUID, str, bytes]]) -> list[bytes]:
    """Several things opened, in order, with one question for all their keys. Raises as `open`."""
    unlock(subject_id for subject_id, _, _ in items)
    return [open(*item) for item in items]


def unlock(subject_ids: Iterable[UUID]) -> None:
    """Have the data keys of these subjects ready, for a list whose rows are opened one by one.

    Destroyed and unknown subjects are passed over: opening something of theirs says so.
    """
    wanted = {each for each in subject_ids if _remembered.get(each) is None}
    if wanted:
        _found(sorted(wanted), strict=False)


def destroy(subject_id: UUID) -> None:
    """Erase everything sealed for the subject by destroying its key (GDPR art. 17, PIPL art. 47). Flushes.

    What another process does at that moment with a key it knows ends as if it had been done just before: erased too.
    With the next thing it does it knows (`heed`). Once committed, a line of the log names the subject: a database that
    was brought back from before the erasure learns of it from there.
    """
    now = clock.now()
    gone = {"wrapped": None, "destroyed_at": now}
    statement = insert(SubjectKeyRow).values(id=subject_id, keeper_key_id="", created_at=now, **gone)
    keep_first = SubjectKeyRow.destroyed_at.is_(None)
    db.session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=gone, where=keep_first))
    db.session.info.setdefault(ERASED, []).append(subject_id)
    _remembered.drop(subject_id)


def is_destroyed(subject_id: UUID) -> bool:
    """Whether the subject was erased, so that nothing can be sealed for it any more. A key that it has is ready
    afterwards. Raises VaultUnavailable.
    """
    try:
        _ = _remembered.get(subject_id) or _found((subject_id,))
    except DataDestroyed:
        return True
    return False


def heed(revision: UUID | None) -> None:
    """For `infra.present`, which asked for the present revision of the keys: where it is new, forget those of the known
    keys that were destroyed since, in whichever process.
    """
    if revision == _remembered.revision:
        return
    known = _remembered.next_turn()
    destroyed = alone(_DESTROYED, {"known": known}) if known else None
    for subject_id in (destroyed and destroyed[0]) or ():
        _remembered.drop(subject_id)
    for forget_it in _also_forgotten:
        forget_it()
    _remembered.revision = revision


def also_forget(forget_it: Callable[[], None]) -> None:
    """For whoever remembers what was opened: it is to forget it wherever something was erased."""
    _also_forgotten.append(forget_it)


@event.listens_for(db.session, "after_commit")
def _tell_erased(session: Session) -> None:
    """Random ids, which tell nobody anything without the rows they stand in."""
    gone = [str(each) for each in session.info.pop(ERASED, ())]
    for begin in range(0, len(gone), _IDS_IN_A_LINE):
        log.info("erased", extra={"subjects": gone[begin : begin + _IDS_IN_A_LINE]})


@event.listens_for(db.session, "after_rollback")
def _forget_undone(session: Session) -> None:
    session.info.pop(ERASED, None)


def subjects_told(lines: Iterable[str]) -> Iterator[UUID]:
    """The subjects that lines of the log name as erased; every other line is passed over. Raises Invalid for one that
    was cut off, lest an erasure be lost without a word.
    """
    for number, line in enumerate(lines, start=1):
        if _TOLD_BY not in line:
            continue
        try:
            said = json.loads(line[line.index("{") :])  # the journal may have put its own words before
            yield from map(UUID, said["subjects"] if said["event"] == ERASED and said["logger"] == __name__ else ())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Invalid({f"line {number}": "it tells of an erasure and is not whole"}) from error


def destroyed(subject_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Which of these subjects were erased."""
    wanted = SubjectKeyRow.id.in_(set(subject_ids)), SubjectKeyRow.destroyed_at.is_not(None)
    return frozenset(db.session.scalars(select(SubjectKeyRow.id).where(*wanted)))


def index(purpose: str, value: str) -> str:
    """The blind index (hex) by which an equal value is found. The caller brings the value to one spelling first."""
    return _asked(lambda keeper: keeper.index(purpose, (value,)))[0]


def rewrap() -> int:
    """Wrap a batch of data keys that older keys wrapped by the current one; how many there were. Flushes."""
    current = _asked(lambda keeper: [keeper.current()])[0]
    old = select(SubjectKeyRow).where(SubjectKeyRow.wrapped.is_not(None), SubjectKeyRow.keeper_key_id != current)
    rows = db.session.scalars(old.order_by(SubjectKeyRow.id).limit(REWRAP_BATCH).with_for_update()).all()
    wrapped = [_wrapped(row) for row in rows if row.wrapped is not None]
    for each in _asked(lambda keeper: keeper.rewrap(wrapped)):
        db.session.execute(
            update(SubjectKeyRow)
            .where(SubjectKeyRow.id == each.subject_id)
            .values(wrapped=each.data, keeper_key_id=each.key_id)
        )
    return len(wrapped)


def _found(subject_ids: Sequence[UUID], *, strict: bool = True) -> dict[UUID, AESGCM]:
    """The data keys that there are, now remembered. Raises DataDestroyed where one was destroyed, if `strict`.

    Of both classes the keeper is asked apart: having used up what it gives for journeys refuses no person.
    """
    turn = _remembered.turn
    columns = (SubjectKeyRow.id, SubjectKeyRow.keeper_key_id, SubjectKeyRow.wrapped, SubjectKeyRow.key_class)
    # On the connection, not the session: nothing half made is flushed by a look at a key.
    rows = db.session.connection().execute(select(*columns).where(SubjectKeyRow.id.in_(subject_ids))).all()
    if strict and any(row.wrapped is None for row in rows):
        raise DataDestroyed
    wrapped = [_wrapped(row) for row in rows if row.wrapped is not None]
    found: dict[UUID, AESGCM] = {}
    for key_class in KeyClass:
        found |= _unwrapped([each for each in wrapped if each.key_class is key_class], turn)
    return found


def _wrapped(row: Any) -> Wrapped:
    return Wrapped(row.id, row.keeper_key_id, row.wrapped, KeyClass(row.key_class))


def _unwrapped(wrapped: Sequence[Wrapped], turn: int) -> dict[UUID, AESGCM]:
    if not wrapped:
        return {}
    keys = _asked(lambda keeper: keeper.unwrap(wrapped))
    return {each.subject_id: _remember(each, key, turn) for each, key in zip(wrapped, keys, strict=True)}


def _made(subject_id: UUID, key_class: KeyClass = KeyClass.PERSON) -> AESGCM:
    """A new data key, committed at once: were it rolled back with its request, this process would go on using it, and
    what it seals could never be opened. Of two made at the same time the first is everybody's.
    """
    key, turn = secrets.token_bytes(KEY_BYTES), _remembered.turn
    wrapped = _asked(lambda keeper: keeper.wrap([(subject_id, key)], key_class))[0]
    row = {
        "id": subject_id,
        "wrapped": wrapped.data,
        "keeper_key_id": wrapped.key_id,
        "key_class": wrapped.key_class.value,
        "created_at": clock.now(),
    }
    with apart() as connection:
        made = connection.execute(
            insert(SubjectKeyRow).values(row).on_conflict_do_nothing().returning(SubjectKeyRow.id)
        ).scalar_one_or_none()
    return _remember(wrapped, key, turn) if made else _found((subject_id,))[subject_id]


def _remember(wrapped: Wrapped, key: bytes, turn: int) -> AESGCM:
    cipher = AESGCM(key)
    _remembered.put(wrapped.subject_id, wrapped.key_class, cipher, turn)
    return cipher


def _asked(question: Callable[[Keepers], list[T]]) -> list[T]:
    if _keeper is None:
        raise VaultUnavailable("the keeper of keys is not configured")
    try:
        return question(_keeper)
    except KeeperRefused as refusal:
        raise (Unreadable if refusal.word == "unreadable" else VaultUnavailable)(refusal.word) from refusal
