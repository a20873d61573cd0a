"""Tables of contracts. A version is written once (the role of the application may not update it)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, aliased, mapped_column

from marketplace.infra import vault
from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedJson
from marketplace.policy.values import DocumentState, PaperNotFound, PolicyNotFound


class NumberRange(Base):
    """The next number of an insurer and year. Its row lock makes the numbers follow each other without gaps."""

    __tablename__ = "policy_number_range"

    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    next: Mapped[int] = mapped_column(default=1, server_default=text("1"))

    __table_args__ = (CheckConstraint("next > 0", name="next_positive"),)


class AllottedRange(Base):
    """Numbers that an insurer has set aside for contracts concluded here: `prefix` and so many `digits`."""

    __tablename__ = "policy_allotted_range"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"), index=True)
    prefix: Mapped[str] = mapped_column(String(24))
    digits: Mapped[int]
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    next: Mapped[int] = mapped_column(BigInteger)
    allotted_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("0 <= first AND first <= last", name="first_to_last"),
        CheckConstraint("next BETWEEN first AND last + 1", name="next_of_it"),
        CheckConstraint("digits BETWEEN 3 AND 12 AND length(last::text) <= digits", name="last_has_room"),
    )


class PolicyRow(Base):
    """A contract. `compact_number` is how it is looked for, however somebody spaces it: a column, because with the
    policies of rows an expression would use no index. How it ended is written once, with the day from which its time of
    keeping is counted; so is that what it said was erased.
    """

    __tablename__ = "policy_policy"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(64), unique=True)
    compact_number: Mapped[str] = mapped_column(
        String(64), Computed("upper(regexp_replace(number, '[^0-9A-Za-z]', '', 'g'))", persisted=True), unique=True
    )
    state: Mapped[str] = mapped_column(String(32))
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    product_version_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product_version.id"))
    application_id: Mapped[UUID] = mapped_column(unique=True)
    order_id: Mapped[UUID] = mapped_column(index=True)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    check_code: Mapped[str] = mapped_column(String(16))
    start_on: Mapped[date]
    end_on: Mapped[date]
    zone: Mapped[str] = mapped_column(String(64))
    premium_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    concluded_at: Mapped[datetime]
    locale: Mapped[str] = mapped_column(String(16))
    ended_on: Mapped[date | None]
    ending: Mapped[str | None] = mapped_column(String(16))
    ended_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("premium_minor >= 0", name="premium_not_negative"),
        CheckConstraint("end_on >= start_on", name="period_forward"),
        CheckConstraint(
            "ending IN ('expired', 'withdrawn', 'surrendered', 'void', 'claim_paid', 'cancelled')", name="ending"
        ),
        CheckConstraint(
            "(state = 'ended') = (ended_on IS NOT NULL) AND (ended_on IS NULL) = (ending IS NULL) "
            "AND (ended_on IS NULL) = (ended_at IS NULL)",
            name="ended_whole",
        ),
        CheckConstraint("ended_on <= end_on", name="ended_within"),
        CheckConstraint("erased_at IS NULL OR ended_on IS NOT NULL", name="erased_after_its_end"),
        Index("ix_policy_policy_running", "end_on", postgresql_where=text("ended_on IS NULL")),
        Index("ix_policy_policy_ended", "ended_on", postgresql_where=text("erased_at IS NULL")),
        Index("ix_policy_policy_account", "account_id", "concluded_at"),
        Index("ix_policy_policy_insurer", "insurer_id", "concluded_at"),
        Index("ix_policy_policy_journey", "journey_id"),
    )


class VersionRow(Base):
    """What a contract says, in canonical form; `body_sha256` is the digest of its canonical bytes.

    `sealed_for` is the application it was made of, whose key seals the body and the papers.
    """

    __tablename__ = "policy_version"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy_policy.id"))
    number: Mapped[int]
    sealed_for: Mapped[UUID]
    body_sealed: Mapped[bytes] = mapped_column("body")
    body_sha256: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]

    body = SealedJson[dict[str, Any]]("body_sealed", subject="sealed_for", missing=dict)

    __table_args__ = (UniqueConstraint("policy_id", "number"),)


class InstalmentRow(Base):
    """A premium after the first one, as it was shown before the sale: written with the contract, and never changed."""

    __tablename__ = "policy_instalment"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy_policy.id"))
    number: Mapped[int]
    due_on: Mapped[date]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))

    __table_args__ = (
        UniqueConstraint("policy_id", "number"),
        CheckConstraint("number > 1", name="after_the_first"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_policy_instalment_due", "due_on"),
    )


class PaperRange(Base):
    """The next number of a kind of paper and year, as `NumberRange` is that of contracts."""

    __tablename__ = "policy_paper_range"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    next: Mapped[int] = mapped_column(default=1, server_default=text("1"))

    __table_args__ = (CheckConstraint("next > 0", name="next_positive"),)


class DocumentRow(Base):
    """A paper: due → rendered (unsigned bytes known, seal intended) → sealed, or failed; once for its kind and subject.

    Policy and certificate say what a version says. Receipts and refund letters belong to an order, have a `number`, and
    keep what they say in `content`. `sealed_for` names whose key seals the content and the bytes.
    `receipt_sha256` is that of the log's receipt which a policy carries; None where it was made without one.
    """

    __tablename__ = "policy_document"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[UUID]
    version_id: Mapped[UUID | None] = mapped_column(ForeignKey("policy_version.id"))
    order_id: Mapped[UUID | None]
    number: Mapped[str | None] = mapped_column(String(32))
    sealed_for: Mapped[UUID]
    locale: Mapped[str] = mapped_column(String(16))
    issued_at: Mapped[datetime]
    content_sealed: Mapped[bytes | None] = mapped_column("content")
    state: Mapped[str] = mapped_column(String(32))
    unsigned_sha256: Mapped[str | None] = mapped_column(String(64))
    rendered_at: Mapped[datetime | None]
    receipt_sha256: Mapped[str | None] = mapped_column(CHAR(64))
    document_sha256: Mapped[str | None] = mapped_column(String(64))
    sealed_at: Mapped[datetime | None]
    failure: Mapped[str | None]

    content = SealedJson[dict[str, Any] | None]("content_sealed", subject="sealed_for", missing=lambda: None)

    __table_args__ = (
        CheckConstraint("kind IN ('policy', 'certificate', 'receipt', 'refund_letter')", name="kind"),
        CheckConstraint("(kind IN ('policy', 'certificate')) = (version_id IS NOT NULL)", name="of_a_version"),
        CheckConstraint(
            "(version_id IS NULL) = (order_id IS NOT NULL) AND (order_id IS NULL) = (number IS NULL) "
            "AND (order_id IS NULL) = (content IS NULL)",
            name="of_an_order",
        ),
        CheckConstraint(
            "(state = 'sealed') = (document_sha256 IS NOT NULL AND sealed_at IS NOT NULL)", name="sealed_has_bytes"
        ),
        UniqueConstraint("kind", "subject_id", name="uq_policy_document_subject"),
        UniqueConstraint("number"),
        Index("ix_policy_document_unfinished", "state", postgresql_where=text("state <> 'sealed'")),
        Index("ix_policy_document_sealed", "document_sha256"),
        Index("ix_policy_document_unsealed", "unsigned_sha256"),
        Index("ix_policy_document_version", "version_id"),
        Index("ix_policy_document_order", "order_id"),
    )


class SealRootRow(Base):
    """Certificates (PEM) that seals have led to: whoever seals says so, for the site has no seals and judges them."""

    __tablename__ = "policy_seal_root"

    sha256: Mapped[str] = mapped_column(CHAR(64), primary_key=True)
    pem: Mapped[str]
    since: Mapped[datetime]


def note_root(sha256: str, pem: str, since: datetime) -> None:
    """Once, whoever says it again."""
    row = insert(SealRootRow).values(sha256=sha256, pem=pem, since=since)
    db.session.execute(row.on_conflict_do_nothing())


_newer = aliased(VersionRow)
LATEST = select(func.max(_newer.number)).where(_newer.policy_id == PolicyRow.id).correlate(PolicyRow).scalar_subquery()
"""The number of a contract's latest version, inside a question that names the contract."""


def locked_number(insurer_id: UUID, year: int) -> int:
    """The number that is next for the insurer and year; others of that range wait until this transaction ends."""
    db.session.execute(insert(NumberRange).values(insurer_id=insurer_id, year=year, next=1).on_conflict_do_nothing())
    wanted = (NumberRange.insurer_id == insurer_id, NumberRange.year == year)
    return db.session.execute(select(NumberRange.next).where(*wanted).with_for_update()).scalar_one()


def take_number(insurer_id: UUID, year: int) -> None:
    """Count the locked number as used; undone with the transaction, so no number is lost."""
    db.session.execute(
        update(NumberRange)
        .where(NumberRange.insurer_id == insurer_id, NumberRange.year == year)
        .values(next=NumberRange.next + 1)
    )


def lock_ranges() -> None:
    """Whoever else wants to allot numbers waits until this transaction ends."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("allotted ranges", 0))))


def locked_allotted(insurer_id: UUID) -> AllottedRange | None:
    """The oldest range of the insurer with numbers left, held until the end of the transaction."""
    left = AllottedRange.insurer_id == insurer_id, AllottedRange.next <= AllottedRange.last
    oldest = select(AllottedRange).where(*left).order_by(AllottedRange.allotted_at, AllottedRange.id).limit(1)
    return db.session.scalars(oldest.with_for_update().execution_options(populate_existing=True)).first()


def locked_policy(policy_id: UUID) -> PolicyRow:
    """The contract, held until the end of the transaction: ending, holding and erasing it wait for one another here.

    Raises PolicyNotFound.
    """
    row = db.session.get(PolicyRow, policy_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise PolicyNotFound
    return row


def next_paper_number(kind: str, year: int) -> int:
    """Count the next number of a kind of paper as used; undone with the transaction, so no number is lost. Others of
    that range wait until it ends.
    """
    first = insert(PaperRange).values(kind=kind, year=year, next=2)
    taken = first.on_conflict_do_update(index_elements=["kind", "year"], set_={"next": PaperRange.next + 1})
    return int(db.session.execute(taken.returning(PaperRange.next)).scalar_one()) - 1


def locked_documents(policy_id: UUID) -> tuple[list[DocumentRow], VersionRow, PolicyRow] | None:
    """The papers of the policy's latest version, the policy itself first, with what it says; the papers' rows are
    locked.
    """
    rows = db.session.execute(
        select(DocumentRow, VersionRow, PolicyRow)
        .join(VersionRow, VersionRow.id == DocumentRow.version_id)
        .join(PolicyRow, PolicyRow.id == VersionRow.policy_id)
        .where(PolicyRow.id == policy_id, VersionRow.number == LATEST)
        .order_by(DocumentRow.kind.desc())
        .with_for_update(of=DocumentRow)
        .execution_options(populate_existing=True)
    ).all()
    return ([row[0] for row in rows], rows[0][1], rows[0][2]) if rows else None


def locked_paper(paper_id: UUID) -> DocumentRow:
    """A paper of an order, held until the end of the transaction. Raises PaperNotFound."""
    row = db.session.get(DocumentRow, paper_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise PaperNotFound
    return row


def failed_documents() -> list[tuple[DocumentRow, UUID | None]]:
    """The papers that could not be printed, locked, each with its contract, or none where it is an order's. Of what was
    erased since, nothing can be made any more.
    """
    found = db.session.execute(
        select(DocumentRow, VersionRow.policy_id)
        .outerjoin(VersionRow, VersionRow.id == DocumentRow.version_id)
        .where(DocumentRow.state == DocumentState.FAILED)
        .order_by(DocumentRow.id)
        .with_for_update(of=DocumentRow)
        .execution_options(populate_existing=True)
    ).all()
    gone = vault.destroyed(row[0].sealed_for for row in found)
    return [(row[0], row[1]) for row in found if row[0].sealed_for not in gone]


def waiting_papers(before: datetime) -> list[datetime]:
    """Since when the papers are due that were due before an instant and are not sealed, oldest first. Of what was
    erased nothing can be made any more.
    """
    due_at = func.coalesce(VersionRow.recorded_at, DocumentRow.issued_at).label("due_at")
    waits = DocumentRow.state.in_([DocumentState.DUE, DocumentState.RENDERED]), due_at < before
    asked = select(DocumentRow.sealed_for, due_at).outerjoin(VersionRow, VersionRow.id == DocumentRow.version_id)
    found = db.session.execute(asked.where(*waits).order_by(due_at)).all()
    gone = vault.destroyed(row.sealed_for for row in found)
    return [row.due_at for row in found if row.sealed_for not in gone]


def lock_subject(kind: str, subject_id: UUID) -> DocumentRow | None:
    """The paper of a subject, if there is one; whoever else wants to order it waits until this transaction ends."""
    key = func.hashtextextended(f"paper:{kind}:{subject_id}", 0)
    db.session.execute(select(func.pg_advisory_xact_lock(key)))
    return db.session.scalar(select(DocumentRow).where(DocumentRow.kind == kind, DocumentRow.subject_id == subject_id))
