"""Ask for wordings: the newest for a page, any version for what was shown before."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.disclosure.models import WordingRow
from marketplace.disclosure.values import Wording, WordingKey, WordingNotFound
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex


def wording(key: WordingKey, locale: str) -> Wording:
    """The newest version of one wording, or WordingNotFound."""
    return wordings((key,), locale)[key]


def wordings(keys: Collection[WordingKey], locale: str) -> dict[WordingKey, Wording]:
    """The newest versions of several wordings in one question, in the order asked; or WordingNotFound."""
    found = latest(keys, (locale,))
    if missing := [key for key in keys if (key, locale) not in found]:
        raise WordingNotFound(f"never published in {locale}: {', '.join(missing)}")
    return {key: found[key, locale] for key in keys}


def wording_by_id(wording_id: UUID) -> Wording:
    """One version, whenever it was published, or WordingNotFound."""
    row = db.session.get(WordingRow, wording_id)
    if row is None:
        raise WordingNotFound
    return wording_of(row)


def wordings_by_sha256(named: Collection[str]) -> tuple[Wording, ...]:
    """The wordings whose text has one of these hashes, one for each, in the order of their keys."""
    wanted = select(WordingRow).where(WordingRow.sha256.in_(named)).order_by(WordingRow.key, WordingRow.locale)
    rows = db.session.scalars(wanted.order_by(WordingRow.version))
    return tuple({row.sha256: wording_of(row) for row in rows}.values())


def altered_wordings() -> tuple[UUID, ...]:
    """Those whose text is not of its hash. Reads them all: for checks."""
    rows = db.session.execute(select(WordingRow.id, WordingRow.text, WordingRow.sha256).order_by(WordingRow.id))
    return tuple(row.id for row in rows if sha256_hex(row.text.encode()) != row.sha256)


def versions(key: WordingKey, locale: str) -> tuple[Wording, ...]:
    """Every version of one wording in one language, oldest first."""
    rows = db.session.scalars(
        select(WordingRow).where(WordingRow.key == key.value, WordingRow.locale == locale).order_by(WordingRow.version)
    )
    return tuple(wording_of(row) for row in rows)


def latest(keys: Collection[WordingKey], locales: Collection[str]) -> dict[tuple[WordingKey, str], Wording]:
    """The newest version of each key and locale that has one."""
    rows = db.session.scalars(
        select(WordingRow)
        .where(WordingRow.key.in_([key.value for key in keys]), WordingRow.locale.in_(locales))
        .ext(distinct_on(WordingRow.key, WordingRow.locale))
        .order_by(WordingRow.key, WordingRow.locale, WordingRow.version.desc())
    )
    return {(WordingKey(row.key), row.locale): wording_of(row) for row in rows}


def wording_of(row: WordingRow) -> Wording:
    """The wording that a row of this feature holds."""
    return Wording(
        id=row.id,
        key=WordingKey(row.key),
        locale=row.locale,
        version=row.version,
        text=row.text,
        sha256=row.sha256,
        published_at=row.published_at,
    )
