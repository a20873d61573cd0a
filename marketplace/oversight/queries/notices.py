"""Public notices, newest first, in one question whatever they are about (view `oversight_notice`, migration 0064)."""

from typing import Any

from sqlalchemy import Row, text

from marketplace.infra.db import db
from marketplace.kernel.text import LocalizedText
from marketplace.oversight.values import Notice, NoticeFilter, NoticesPage, notice_kind

PAGE_SIZE = 25

_NOTICES = text(
    """
    SELECT *, count(*) OVER () AS total FROM oversight_notice
    WHERE (CAST(:insurer_id AS uuid) IS NULL OR insurer_id = :insurer_id)
      AND (CAST(:kind AS text) IS NULL OR kind = :kind OR (:kind = 'price' AND new_price))
    ORDER BY at DESC, id, kind
    LIMIT :size OFFSET :skipped
    """
)


def notices(asked: NoticeFilter, number: int = 1, size: int = PAGE_SIZE) -> NoticesPage:
    """A page of the notices that fit; the last one where there are not so many."""
    found = _rows(asked, number, size)
    if not found and number > 1 and (first := _rows(asked, 1, size)):
        number = -(-first[0].total // size)
        found = first if number == 1 else _rows(asked, number, size)
    return NoticesPage(tuple(map(_notice, found)), number if found else 1, size, found[0].total if found else 0)


def _rows(asked: NoticeFilter, number: int, size: int) -> list[Row[Any]]:
    given = {
        "insurer_id": asked.insurer_id,
        "kind": asked.kind.value if asked.kind else None,
        "size": size,
        "skipped": (number - 1) * size,
    }
    return list(db.session.execute(_NOTICES, given))


def _notice(row: Row[Any]) -> Notice:
    return Notice(
        id=row.id,
        kind=notice_kind(row.kind),
        insurer_id=row.insurer_id,
        product_version_id=row.product_version_id,
        at=row.at,
        starts_at=row.starts_at,
        starts_on=row.starts_on,
        ends_at=row.ends_at,
        ends_on=row.ends_on,
        reason=LocalizedText.from_json(row.reason) if row.reason else None,
        new_price=row.new_price,
    )
