"""A copy of somebody's data as a ZIP: JSON for machines, one page of HTML for people, papers and recorded pages beside.

Each `<section>.json` says `{"schema": "evenfold.personal-data/1", "section": …, "records": […]}`; instants are ISO 8601
with their offset, days ISO 8601, amounts whole minor units with their currency.
"""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from marketplace.kernel.canonical import canonical_bytes

TEMPLATES = Path(__file__).parents[2] / "templates" / "document"
SCHEMA = "evenfold.personal-data/1"
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the copy. `name` becomes the file's name, `title` its heading for people."""

    name: str
    title: str
    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class File:
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on top of the page for people; `language` as in HTML."""

    title: str
    words: str
    language: str
    made_at: datetime


def bundle(cover: Cover, sections: Sequence[Section], files: Iterable[File]) -> bytes:
    """The ZIP. The same input gives the same bytes. Raises ValueError for two files of one name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (File("index.html", _page(cover, sections)), *map(_json, sections), *files):
            if file.name in archive.NameToInfo:
                raise ValueError(f"two files are called {file.name}")
            archive.writestr(_entry(file.name, cover.made_at), file.data)
    return buffer.getvalue()


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _json(section: Section) -> File:
    said = {"schema": SCHEMA, "section": section.name, "records": [_plain(record) for record in section.records]}
    return File(f"{section.name}.json", json.dumps(said, indent=2, ensure_ascii=False).encode())


def _plain(record: Record) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(canonical_bytes(record))
    return plain


def _page(cover: Cover, sections: Sequence[Section]) -> bytes:
    """The page for people; everything that somebody typed is escaped."""
    shown = [(section, [_plain(record) for record in section.records]) for section in sections]
    return _environment().get_template("personal_data.html").render(cover=cover, sections=shown).encode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
