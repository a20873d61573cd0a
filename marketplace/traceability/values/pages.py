"""Versions of pages, the releases they came with, and when each was online (checklist T26-34, T26-35, T26-37)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.kernel.canonical import digest


@dataclass(frozen=True, slots=True)
class PageManifest:
    """Everything a page is made of before a customer's own data comes in (T26-35).

    `page` is the endpoint; `templates` the closure of extended and included templates (path -> sha256), `assets` the
    static files it uses (path -> sha256), `wordings` the disclosure texts (key -> sha256), `documents` the insurer's
    papers it shows or links (sha256), `sentences` what the site may say in this locale besides (locale -> sha256). The
    build is not part of it: a redeploy without change is the same version.
    """

    page: str
    locale: str
    templates: Mapping[str, str]
    assets: Mapping[str, str] = field(default_factory=dict)
    wordings: Mapping[str, str] = field(default_factory=dict)
    documents: tuple[str, ...] = ()
    product_version_id: UUID | None = None
    sentences: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The manifest as it is hashed and stored; the order in which parts were named does not matter."""
        plain = {
            "page": self.page,
            "locale": self.locale,
            "templates": dict(self.templates),
            "assets": dict(self.assets),
            "wordings": dict(self.wordings),
            "documents": sorted(set(self.documents)),
            "product_version_id": str(self.product_version_id) if self.product_version_id else None,
        }
        return plain | _sentences(self.sentences)

    @property
    def id(self) -> str:
        """SHA-256 (hex) of the canonical manifest: the identity of the page version."""
        return digest(self.to_json())

    @property
    def series(self) -> str:
        """SHA-256 (hex) of what the page stays while its versions follow one another: which page, in which language,
        about which version of a product, with which papers and which of our texts, whatever these say.
        """
        plain = self.to_json()
        same = {name: plain[name] for name in ("page", "locale", "product_version_id", "documents")}
        return digest({**same, "wordings": sorted(self.wordings)})


@dataclass(frozen=True, slots=True)
class ReleaseContent:
    """What pages are made of before insurers' content and a customer's own data come in: name -> SHA-256 (hex) of every
    template, static file and text of ours, and locale -> that of all the sentences that pages may say in it.
    """

    templates: Mapping[str, str]
    assets: Mapping[str, str]
    wordings: Mapping[str, str]
    sentences: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, dict[str, str]]:
        """As it is hashed and kept."""
        named = {name: dict(getattr(self, name)) for name in ("templates", "assets", "wordings")}
        return named | _sentences(self.sentences)

    @property
    def id(self) -> str:
        """SHA-256 (hex) of the canonical content: the identity of what is released."""
        return digest(self.to_json())

    @property
    def files(self) -> frozenset[str]:
        """The hashes of all of it."""
        return frozenset().union(*(named.values() for named in self.to_json().values()))


def _sentences(by_locale: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Not named where there are none: what was released before they were counted in keeps its identity."""
    return {"sentences": dict(by_locale)} if by_locale else {}


@dataclass(frozen=True, slots=True)
class NewRelease:
    """Who made the pages, who looked at them, why, and from which build they come."""

    author: str
    reviewer: str
    reason: str
    build: str


@dataclass(frozen=True, slots=True)
class Release:
    """Pages that two persons said good. The build is told beside the content and is no part of its identity.

    `entry_id` is the entry of the log that says so; None for what was released before releases were entered.
    """

    number: int
    content: ReleaseContent
    author: str
    reviewer: str
    reason: str
    build: str
    released_at: datetime
    entry_id: UUID | None


@dataclass(frozen=True, slots=True)
class Online:
    """A version of a page that may be shown, and the file its views are kept against, if there is one already."""

    version_id: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class PageVersion:
    """A version of a page as first served. `number` counts the versions of its `series` (`PageManifest.series`)."""

    id: str
    page: str
    locale: str
    product_version_id: UUID | None
    manifest: Mapping[str, Any]
    first_served_at: datetime
    series: str
    number: int


@dataclass(frozen=True, slots=True)
class PageOnline:
    """That a version was the one online, from an instant until before another (None while it is), by which release.

    Instants are those of contracts; `online_at` is the real one of the beginning. `log_index` is the entry of the log
    that says so of the release, once it is there.
    """

    version: PageVersion
    release: Release
    since: datetime
    until: datetime | None
    online_at: datetime
    log_index: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a form says it stood on: the manifest of that version, and which version of its series is online by which
    release (None for what is from before releases).
    """

    manifest: Mapping[str, Any]
    online_id: str | None
    online_release: int | None
