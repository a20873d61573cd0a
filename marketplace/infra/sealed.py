"""Fields of a row that are kept sealed: the column holds bytes, the attribute beside it the plain value.

    email_sealed: Mapped[bytes | None] = mapped_column("email")
    email = SealedJson[str | None]("email_sealed")

Reading opens, writing seals; each time anew, so nothing plain stays in the row. The row's id and, where it is another,
the id of its subject must be set before: in a constructor they are named first. A statement that inserts without a row
seals with `sealed(...)`, one that selects columns opens with `opened(...)`.
"""

import json
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, cast, overload
from uuid import UUID

from marketplace.infra import vault
from marketplace.infra.db import Base
from marketplace.infra.keeper import KeyClass

V = TypeVar("V")


class _Sealed(Generic[V]):
    """`column` is the attribute that holds the sealed bytes; `subject` the one that names whose key seals them, and
    `key_class` what that subject is.

    `missing` makes the value of an empty column, and what is read where a list must go on after an erasure; without it
    an empty column is None, and reading what was erased raises DataDestroyed.
    """

    def __init__(
        self,
        column: str,
        *,
        subject: str = "id",
        key_class: KeyClass = KeyClass.PERSON,
        missing: Callable[[], V] | None = None,
    ) -> None:
        self._column, self._subject, self._key_class, self._missing = column, subject, key_class, missing

    @overload
    def __get__(self, row: None, owner: type[Base]) -> Self: ...
    @overload
    def __get__(self, row: Base, owner: type[Base]) -> V: ...
    def __get__(self, row: Base | None, owner: type[Base]) -> Self | V:
        if row is None:
            return self
        return self.opened(getattr(row, "id"), getattr(row, self._subject), getattr(row, self._column))  # noqa: B009

    def __set__(self, row: Base, value: V) -> None:
        setattr(row, self._column, self.sealed(getattr(row, "id"), getattr(row, self._subject), value))  # noqa: B009

    def __set_name__(self, owner: type[Base], name: str) -> None:
        self._context = f"{owner.__tablename__}.{name}"

    def sealed(self, row_id: object, subject_id: UUID, value: V, key_class: KeyClass | None = None) -> bytes | None:
        """What the column of row `row_id` holds for this value; `key_class` where the subject is another than usual."""
        if row_id is None or subject_id is None:
            raise TypeError(f"{self._context} is sealed after its row knows its ids")
        if value is None:
            return None
        return vault.seal(subject_id, self._place(row_id), self._encoded(value), key_class or self._key_class)

    def opened(self, row_id: object, subject_id: UUID, kept: bytes | None) -> V:
        """The value behind what the column of row `row_id` holds. Raises DataDestroyed, Unreadable."""
        if kept is None:
            return cast("V", None) if self._missing is None else self._missing()
        try:
            return self._decoded(vault.open(subject_id, self._place(row_id), kept))
        except vault.DataDestroyed:
            if self._missing is None:
                raise
            return self._missing()

    def _place(self, row_id: object) -> str:
        return f"{self._context}/{row_id}"

    def _encoded(self, value: V) -> bytes:
        raise NotImplementedError

    def _decoded(self, data: bytes) -> V:
        raise NotImplementedError


class SealedJson(_Sealed[V]):
    """A text, a number or a record."""

    def _encoded(self, value: V) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def _decoded(self, data: bytes) -> V:
        value: Any = json.loads(data)
        return cast("V", value)


class SealedBytes(_Sealed[V]):
    """Bytes as they are; `V` is `bytes` or `bytes | None`."""

    def _encoded(self, value: V) -> bytes:
        return cast("bytes", value)

    def _decoded(self, data: bytes) -> V:
        return cast("V", data)
