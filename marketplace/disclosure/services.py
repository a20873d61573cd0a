"""Publish wordings: from the files beside this one into immutable versions."""

from pathlib import Path

from sqlalchemy import func, select

from marketplace.disclosure.models import WordingRow
from marketplace.disclosure.queries import latest, wording_of
from marketplace.disclosure.values import Wording, WordingKey
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.infra.formatting import LOCALES
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex

WORDINGS = Path(__file__).with_name("wordings")
_ONE_PUBLISHER = "disclosure.publish_wordings"


def publish_wordings(folder: Path = WORDINGS) -> tuple[Wording, ...]:
    """Publish each wording of `folder` (`<key>.<locale>.md`, UTF-8) whose text differs from its newest version.

    Its text is in the store before. Returns what was new: nothing when it is called again. Publishers wait for one
    another. Every key must be there in every locale, otherwise FileNotFoundError and nothing is published.
    """
    texts = wording_texts(folder)
    for text in texts.values():
        storage.put(text.encode())
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(_ONE_PUBLISHER))))
    newest = latest(tuple(WordingKey), LOCALES)
    published = [
        _new_version(key, locale, text, newest.get((key, locale)))
        for (key, locale), text in texts.items()
        if (key, locale) not in newest or newest[key, locale].text != text
    ]
    db.session.flush()
    return tuple(wording_of(row) for row in published)


def wording_texts(folder: Path = WORDINGS) -> dict[tuple[WordingKey, str], str]:
    """Key and locale -> the text of its file."""
    return {
        (key, locale): (folder / f"{key}.{locale}.md").read_text(encoding="utf-8").strip()
        for key in WordingKey
        for locale in LOCALES
    }


def _new_version(key: WordingKey, locale: str, text: str, before: Wording | None) -> WordingRow:
    row = WordingRow(
        id=ids.new_id(),
        key=key.value,
        locale=locale,
        version=before.version + 1 if before else 1,
        text=text,
        sha256=sha256_hex(text.encode()),
        published_at=clock.now(),
    )
    db.session.add(row)
    return row
