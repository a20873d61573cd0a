"""An entry is in the intake or, moments later, in the log: both asked as one, and what they hold opened."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Row, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from marketplace.infra import storage, vault
from marketplace.infra.db import reader
from marketplace.infra.pressing import unpress
from marketplace.infra.sealed import SealedBytes
from marketplace.traceability.models import EntryRow, IntakeRow, subjects
from marketplace.traceability.rules import leaves
from marketplace.traceability.values import ActorRole, LogAltered

# Whose acts and looks are a visit; staff, the system and the payment provider are not the person.
VISITORS = (ActorRole.VISITOR.value, ActorRole.CUSTOMER.value)

Held = type[IntakeRow] | type[EntryRow]
Sealed = SealedBytes[bytes | None]
Columns = Sequence[InstrumentedAttribute[Any] | ColumnElement[Any]]


def page_of(row: Held) -> Columns:
    """What it takes to open a page."""
    return row.id, row.journey_id, row.application_id, row.page_sealed, row.page_reference, row.page_base


def held(
    columns: Callable[[Held], Columns],
    where: Callable[[Held], ColumnElement[bool]],
    order: Callable[[Held], Columns] = lambda _row: (),
) -> CompoundSelect[Any]:
    """A question to the log and to the intake, answered at one moment."""
    rows: tuple[Held, ...] = (EntryRow, IntakeRow)
    return union_all(*(select(*columns(row), *order(row)).where(where(row)) for row in rows))


def body_of(salted: bytes | None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(leaves.parted(salted)[1]) if salted else {}
    return body


class Opening:
    """Opens what rows hold: all keys by one question before, and what was erased found out once for each subject.

    Nothing that concerns an erased application opens, whichever key sealed it.
    """

    def __init__(self, rows: Sequence[Row[*tuple[Any, ...]]]) -> None:
        vault.unlock({each for row in rows for each in subjects(row.journey_id, row.application_id)})
        self._erased: set[UUID] = set()
        self._references: dict[str, bytes] = {}
        self._bases = {row.id: row for row in rows}
        self._wanted = {row.page_base for row in rows if getattr(row, "page_base", None)} - self._bases.keys()

    def page(self, row: Row[*tuple[Any, ...]]) -> bytes | None:
        """The page as it was sent. Raises DataDestroyed, Unreadable, NotFound or Unavailable where the file it was kept
        against is not in the store as it was, and LogAltered where the view it was kept against is not in the log.
        """
        pressed = self.opened(IntakeRow.page_bytes, row, row.page_bytes)
        if pressed is None:
            return None
        return unpress(pressed, self._reference(row.page_reference) if row.page_base is None else self._base(row))

    def need(self, row: Row[*tuple[Any, ...]]) -> str | None:
        """The comparison that a view's body names; None too where it was erased."""
        need = body_of(self.opened_or_none(IntakeRow.body, row, row.body)).get("need_id")
        return None if need is None else str(need)

    def page_or_none(self, row: Row[*tuple[Any, ...]]) -> bytes | None:
        """The same; None where it was erased."""
        try:
            return self.page(row)
        except vault.DataDestroyed:
            return None

    def _base(self, row: Row[*tuple[Any, ...]]) -> bytes:
        """The page that this one was pressed against: a view that is against no other."""
        if self._wanted:
            asked = held(page_of, lambda row: row.id.in_(self._wanted))
            with reader() as connection:
                self._bases |= {each.id: each for each in connection.execute(asked)}
            self._wanted = set()
        base = self._bases.get(row.page_base)
        same = base is not None and (base.journey_id, base.application_id) == (row.journey_id, row.application_id)
        page = self.page(base) if base is not None and same and base.page_base is None else None
        if page is None:
            raise LogAltered(f"the view that {row.id} is kept against is not there")
        return page

    def _reference(self, sha256: str | None) -> bytes:
        if sha256 is None:
            return b""
        if sha256 not in self._references:
            self._references[sha256] = storage.get(sha256)
        return self._references[sha256]

    def opened(self, field: Sealed, row: Row[*tuple[Any, ...]], kept: bytes | None) -> bytes | None:
        """The value of `field` in this row. Raises DataDestroyed, Unreadable."""
        *first, last = subjects(row.journey_id, row.application_id)
        for subject_id in first:
            try:
                return self._by(subject_id, field, row, kept)
            except vault.Unreadable:
                continue  # sealed for the journey
        return self._by(last, field, row, kept)

    def opened_or_none(self, field: Sealed, row: Row[*tuple[Any, ...]], kept: bytes | None) -> bytes | None:
        """The same; None where it was erased."""
        try:
            return self.opened(field, row, kept)
        except vault.DataDestroyed:
            return None

    def _by(self, subject_id: UUID, field: Sealed, row: Row[*tuple[Any, ...]], kept: bytes | None) -> bytes | None:
        if subject_id in self._erased:
            raise vault.DataDestroyed
        try:
            return field.opened(row.id, subject_id, kept)
        except vault.DataDestroyed:
            self._erased.add(subject_id)
            raise
