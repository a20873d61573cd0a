"""Tables of evidence. They are immutable for the site: it may insert, never update or delete (T26-34, T26-41).

What was done and what was shown is sealed (`subjects`); the hashes are of the plain bytes, so that evidence can be
checked before and after. Personal data in a body are salted hashes themselves (T26-31). What money did after the key
was destroyed has no body, only its hash.

An entry is written into the intake and moved into the log by the sequencer, which alone may take it out again; what is
in the log nobody changes, not even the owner of the tables. Neither can be read by the site; `queries` reads both as
`marketplace_reader`. The intake has one index, of transactions, and holds what is not in the log yet. It carries a
foreign key to its journey but none to its page version: that row is shared by every visitor, and locking it for each
view would make customers wait for one another. `services.put_online` writes it before the first view instead.

What was released, and when each version of a page was online, is only ever added to (decision 17).
"""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, UserDefinedType

from marketplace.infra.db import Base, db
from marketplace.infra.keeper import KeyClass
from marketplace.infra.pressing import Reference, press, unpress
from marketplace.infra.sealed import SealedBytes
from marketplace.traceability.rules.leaves import SALT_BYTES

SHA256_HEX = 64
EDITION = 1
"""Of the specimens that bodies are pressed against. One that was used is never changed: a better is another file."""


def subjects(journey_id: UUID, application_id: UUID | None) -> tuple[UUID, ...]:
    """Whose keys may seal an entry, the one that should first.

    What concerns an application is sealed for it, so that erasing the application erases its pages in a journey that is
    kept for another's sake; everything else is sealed for the journey. For the journey, too, is what was written before
    there was this distinction, and what is noted of an application that is erased already, in no later visit.
    """
    return (journey_id,) if application_id is None else (application_id, journey_id)


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id, by which a sequencer knows which rows cannot be overtaken any more."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Sha256(TypeDecorator[str]):
    """A hash: in hex for whoever reads it, and in half of that in the table."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002  SQLAlchemy's
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's
        return None if value is None else value.hex()


ischema_names["xid8"] = Xid8  # so that reflection (models against migrations) knows the type


class JourneyRow(Base):
    """`visit_to`: this is a later visit to the contract of that application, and has no key of its own."""

    __tablename__ = "traceability_journey"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    channel: Mapped[str] = mapped_column(String(16))
    attribution: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    business_started_at: Mapped[datetime]
    visit_to: Mapped[UUID | None]


class PageVersionRow(Base):
    """A version of a page; `number` counts those of its series (`PageManifest.series`)."""

    __tablename__ = "traceability_page_version"
    __table_args__ = (UniqueConstraint("series", "number"),)

    id: Mapped[str] = mapped_column(Sha256(), primary_key=True)
    page: Mapped[str] = mapped_column(String(120))
    locale: Mapped[str] = mapped_column(String(16))
    product_version_id: Mapped[UUID | None] = mapped_column(index=True)
    manifest: Mapped[dict[str, Any]]
    first_served_at: Mapped[datetime]
    series: Mapped[str] = mapped_column(CHAR(SHA256_HEX))
    number: Mapped[int]


class ReleaseRow(Base):
    """What pages are made of (`content`), said good by two persons. The build is only told beside it. The entry says so
    in the log; there is none for what was released before releases were entered.
    """

    __tablename__ = "traceability_release"
    __table_args__ = (CheckConstraint("lower(btrim(author)) <> lower(btrim(reviewer))", name="two_persons"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content_sha256: Mapped[str] = mapped_column(CHAR(SHA256_HEX), index=True)
    content: Mapped[dict[str, Any]]
    author: Mapped[str] = mapped_column(String(120))
    reviewer: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(Text)
    build: Mapped[str] = mapped_column(String(80))
    released_at: Mapped[datetime]
    entry_id: Mapped[UUID | None] = mapped_column(unique=True)


class PageOnlineRow(Base):
    """That from an instant on this version was the one online in its series, until the next row of the series."""

    __tablename__ = "traceability_page_online"

    series: Mapped[str] = mapped_column(CHAR(SHA256_HEX), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    page_version_id: Mapped[str] = mapped_column(ForeignKey("traceability_page_version.id"), index=True)
    release_number: Mapped[int] = mapped_column(ForeignKey("traceability_release.number"))
    online_at: Mapped[datetime]
    business_at: Mapped[datetime]


class PageReferenceRow(Base):
    """What views of a version are kept against: a stored file without anything about anybody."""

    __tablename__ = "traceability_page_reference"

    page_version_id: Mapped[str] = mapped_column(ForeignKey("traceability_page_version.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(CHAR(SHA256_HEX), index=True)
    made_at: Mapped[datetime]


class RecordingReferenceRow(Base):
    """The same for recordings of what was done on pages of a version."""

    __tablename__ = "traceability_recording_reference"

    page_version_id: Mapped[str] = mapped_column(ForeignKey("traceability_page_version.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(CHAR(SHA256_HEX), index=True)
    made_at: Mapped[datetime]


class RecordingChunkRow(Base):
    """What a browser sent at once of what was done on a page (`view_id`, the entry that showed it), pressed. Dropped
    when the recording is put together. `closes`: the page was left, or (`cut`) it was too much.
    """

    __tablename__ = "traceability_recording_chunk"
    __table_args__ = (UniqueConstraint("view_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    view_id: Mapped[UUID]
    number: Mapped[int]
    application_id: Mapped[UUID] = mapped_column(index=True)
    received_at: Mapped[datetime]
    size: Mapped[int]
    closes: Mapped[bool]
    cut: Mapped[bool]
    content_sealed: Mapped[bytes | None] = mapped_column("content")

    content = SealedBytes[bytes]("content_sealed", subject="application_id")


class RecordingRow(Base):
    """What was done on a page as it was shown to one person, put together: pressed, against the file `reference` where
    there is one. `sha256` is of the bytes before and stands in the trail.
    """

    __tablename__ = "traceability_recording"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # of the entry that showed the page
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"))
    application_id: Mapped[UUID] = mapped_column(index=True)
    page_version_id: Mapped[str] = mapped_column(ForeignKey("traceability_page_version.id"), index=True)
    kept_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(CHAR(SHA256_HEX))
    reference: Mapped[str | None] = mapped_column(CHAR(SHA256_HEX))
    content_sealed: Mapped[bytes | None] = mapped_column("content")

    content = SealedBytes[bytes]("content_sealed", subject="application_id")


class SealedBody(SealedBytes[bytes | None]):
    """Salt and canonical JSON of what an entry says, one after the other; the JSON pressed against specimens of what
    entries say: half of it, for some microseconds. Nothing that is hashed, shown or handed out is pressed so.
    """

    def _encoded(self, value: bytes | None) -> bytes:
        salted = super()._encoded(value)
        return salted[:SALT_BYTES] + packed(salted[SALT_BYTES:])

    def _decoded(self, data: bytes) -> bytes:
        return data[:SALT_BYTES] + unpacked(data[SALT_BYTES:])


def packed(body: bytes) -> bytes:
    """The body by itself where that is shorter, else the number of the edition and what was pressed against it."""
    pressed = bytes([EDITION]) + press(body, _reference(EDITION))
    return pressed if len(pressed) < len(body) else body


def unpacked(kept: bytes) -> bytes:
    """The body of `packed`, of any edition: canonical JSON begins with a brace, which is the number of none."""
    return kept if kept.startswith(b"{") else unpress(kept[1:], specimens(kept[0]))


def specimens(edition: int) -> bytes:
    """They name no hash, person or contract."""
    return Path(__file__).with_name(f"specimens-{edition}.jsonl").read_bytes()


@cache
def _reference(edition: int) -> Reference:
    return Reference(specimens(edition))


class _Recorded:
    """What a row of the intake and one of the log have in common."""

    application_id: Mapped[UUID | None]
    insurer_id: Mapped[UUID | None]
    page_version_id: Mapped[str | None] = mapped_column(Sha256())
    type: Mapped[str] = mapped_column(String(40))
    actor_role: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[UUID | None]
    actor_label: Mapped[str] = mapped_column(String(80))
    recorded_at: Mapped[datetime]
    business_at: Mapped[datetime]
    body_sealed: Mapped[bytes | None] = mapped_column("body")
    body_sha256: Mapped[str] = mapped_column(Sha256())
    page_sha256: Mapped[str | None] = mapped_column(Sha256())
    page_sealed: Mapped[bytes | None] = mapped_column("page_bytes")
    page_reference: Mapped[str | None] = mapped_column(Sha256())
    page_base: Mapped[UUID | None]


class IntakeRow(_Recorded, Base):
    __tablename__ = "traceability_evidence_intake"
    __table_args__ = (
        CheckConstraint("(page_sha256 IS NULL) = (page_bytes IS NULL)", name="page_with_its_hash"),
        CheckConstraint("page_bytes IS NULL OR page_version_id IS NOT NULL", name="page_of_a_version"),
        CheckConstraint("page_reference IS NULL OR page_base IS NULL", name="against_one"),
    )

    id: Mapped[UUID] = mapped_column()
    xid: Mapped[int] = mapped_column(Xid8(), server_default=text("pg_current_xact_id()"), index=True)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"))
    # Unique by chance alone: an index would cost each insert.
    __mapper_args__ = {"primary_key": ["id"]}  # noqa: RUF012  SQLAlchemy's own name for it

    # Statements name the subject themselves (`subjects`); a row is never made or read whole. `body` is salt and body,
    # one after the other; `page_bytes` the page as it is pressed, against the file `page_reference` or the page of the
    # entry `page_base` where there is one: an entry of the log, of the same journey, and itself against no other entry.
    # Both stay sealed for their place in the intake when they are moved into the log.
    body = SealedBody("body_sealed", subject="journey_id", key_class=KeyClass.JOURNEY)
    page_bytes = SealedBytes[bytes | None]("page_sealed", subject="journey_id", key_class=KeyClass.JOURNEY)


class EntryRow(_Recorded, Base):
    """A leaf of the log. `number` and `previous_hash` (a leaf hash) tie it to the entry before in its journey."""

    __tablename__ = "traceability_entry"
    __table_args__ = (UniqueConstraint("journey_id", "number"),)

    log_index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    journey_id: Mapped[UUID]
    number: Mapped[int]
    previous_hash: Mapped[bytes | None]
    leaf_hash: Mapped[bytes]


Index("ix_traceability_journey_visit_to", JourneyRow.visit_to, postgresql_where=JourneyRow.visit_to.is_not(None))
# The intake has the same columns without an index.
Index("ix_traceability_entry_application_id", EntryRow.application_id)
# Few at any time: with a reference every further view of a version is kept against that or an earlier view.
Index(
    "ix_traceability_entry_without_reference",
    EntryRow.page_version_id,
    postgresql_where=text("page_bytes IS NOT NULL AND page_reference IS NULL AND page_base IS NULL"),
)


class TileRow(Base):
    """A full tile of the tree and the hash above it. What is not full yet is read from the level below."""

    __tablename__ = "traceability_log_tile"

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes]
    root: Mapped[bytes]


class CheckpointRow(Base):
    __tablename__ = "traceability_log_checkpoint"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    note: Mapped[str]
    made_at: Mapped[datetime]


class TimeAuthorityRow(Base):
    """A certificate (PEM) that tokens of the authority `name` led to, from the first one on."""

    __tablename__ = "traceability_time_authority"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    root_sha256: Mapped[str] = mapped_column(CHAR(SHA256_HEX), primary_key=True)
    root: Mapped[str] = mapped_column(Text)
    first_at: Mapped[datetime]


class TimestampRow(Base):
    """A token (RFC 3161) over the SHA-256 of the checkpoint of `size`, and the entry that names it in the log."""

    __tablename__ = "traceability_timestamp"

    authority: Mapped[str] = mapped_column(String(120), primary_key=True)
    size: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("traceability_log_checkpoint.size"), primary_key=True, autoincrement=False
    )
    token: Mapped[bytes]
    stamped_at: Mapped[datetime]
    entry_id: Mapped[UUID] = mapped_column(unique=True)


class LogKeyRow(Base):
    """A key that signed checkpoints of this tree, from the size `first_size` on."""

    __tablename__ = "traceability_log_key"

    vkey: Mapped[str] = mapped_column(primary_key=True)
    first_size: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]


def is_alone_in_stamping(authority: str) -> bool:
    """Whether nobody else has the log stamped by this authority; if so, nobody does until this transaction ends."""
    key = func.hashtextextended(f"traceability.stamp:{authority}", 0)
    return bool(db.session.scalar(select(func.pg_try_advisory_xact_lock(key))))
