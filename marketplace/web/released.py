"""What the traced pages of this process are made of, and whether that was released (decision 17).

Templates are read when the process begins, and the pages are made of these: files that a deployment replaces under a
running process change nothing of what it shows. What was not released, or is not kept whole, is not shown (T26-33,
T26-34): sales stop, everything else goes on.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from time import monotonic

from flask import Flask, current_app
from jinja2 import FunctionLoader, TemplateNotFound

from marketplace.catalog.values import LINES, Frequency, PaymentMethod
from marketplace.disclosure import services as disclosure
from marketplace.infra import formatting
from marketplace.kernel.canonical import canonical_bytes, sha256_hex
from marketplace.kernel.errors import Unavailable
from marketplace.kernel.text import LocalizedText
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import NewRelease, PagesNotReleased, Release, ReleaseContent

log = logging.getLogger(__name__)

ASSETS = (
    "css/evenfold.css", "js/evenfold.js", "js/recording.js", "js/vendor/rrweb-record.min.js", "img/seal.svg",
)  # fmt: skip
"""The static files that pages use."""

TRACED = (
    "storefront/comparison.html", "storefront/beside.html", "storefront/product.html", "storefront/document.html",
    "customer/consultation/ask.html",
    *(
        f"customer/application/{name}.html"
        for name in ("enter", "form", "needs", "warned", "people", "identity", "identity_beside", "identity_elsewhere",
                     "questions", "consent", "document", "exclusions", "insured_ask", "insured_answer",
                     "insured_prove", "review", "pay", "done", "ended", "ask", "inquiry", "counter_offer")
    ),
    "customer/basket/pay.html", "customer/account/policy.html", "customer/account/card.html",
    "customer/account/surrender.html",
    "customer/account/withdraw.html",
)  # fmt: skip
"""Every template of a recorded page; another one is not shown as one."""

NOT_ON_THEM = (
    "marketplace/listing/", "marketplace/oversight/", "marketplace/web/backoffice/", "marketplace/web/insurer/",
)  # fmt: skip
"""Code whose sentences are for the desks of staff."""

# Parsing them as Jinja does would take a good part of a process's start; a test holds both against each other.
_NAMED = re.compile(r"{%-?\s*(?:extends|include|import|from)\s+['\"]([^'\"]+)['\"]")

_PAYING = [each.words for each in (*Frequency, *PaymentMethod)]

LOOKED_AT_SECONDS = 60.0
"""So long a process relies on what it found in the store before it looks again."""


class Pages:
    """The pages of one process."""

    def __init__(self, app: Flask) -> None:
        folder = Path(app.root_path) / str(app.template_folder)
        self.sources = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.html")}
        self._folder, self._static = folder, str(app.static_folder)
        self.content = self._content()
        app.jinja_env.loader = FunctionLoader(self._load)
        self.forget()

    def forget(self) -> None:
        """Look again at the next page."""
        self._own = self.content.files
        self._release: Release | None = None
        self._looked_at: dict[str, float] = {}
        self._said = ""

    def _content(self) -> ReleaseContent:
        return ReleaseContent(
            templates={name: sha256_hex(self.sources[name].encode()) for name in self._closure(TRACED)},
            assets=assets(self._static),
            wordings={name: sha256_hex(text.encode()) for name, text in _texts()},
            sentences={locale: sha256_hex(self._spoken(locale)) for locale in formatting.LOCALES},
        )

    def files(self) -> Iterator[bytes]:
        """The bytes of all of it."""
        yield from (self.sources[name].encode() for name in self.content.templates)
        yield from ((Path(self._static) / name).read_bytes() for name in self.content.assets)
        yield from (text.encode() for _name, text in _texts())
        yield from map(self._spoken, formatting.LOCALES)

    def _spoken(self, locale: str) -> bytes:
        """All that traced pages may say in `locale` and no text of its own holds: the sentences of code and templates,
        and the words for what lines of business ask and compare.
        """
        templates = {f"templates/{name}" for name in self._closure(TRACED)}

        def is_on_them(source: str) -> bool:
            return source in templates or (source.startswith("marketplace/") and not source.startswith(NOT_ON_THEM))

        said = {
            "sentences": formatting.sentences(locale, is_on_them),
            "words": [text.in_(locale) for text in _texts_in([LINES, _PAYING])],
        }
        return canonical_bytes(said)

    def closure(self, template: str) -> dict[str, str]:
        """Every template that `template` extends, includes or imports, itself included: name -> SHA-256. Raises
        PagesNotReleased for what is not among the traced ones.
        """
        if template not in TRACED:
            raise PagesNotReleased(f"{template} is not among the templates of traced pages")
        return {name: self.content.templates[name] for name in self._closure([template])}

    def require(self, named: Iterable[str] = ()) -> Release:
        """The release of these pages. Raises PagesNotReleased where there is none, or where a file of it, or one of
        those `named` (SHA-256), is not in the store as it was put there.
        """
        now = monotonic()
        known = self._release
        files = (*self._own, *named)
        due = [each for each in files if now - self._looked_at.get(each, -LOOKED_AT_SECONDS) >= LOOKED_AT_SECONDS]
        if known is not None and not due:
            return known
        try:
            known = self._released(due)
        except PagesNotReleased as error:
            self._stop(str(error))
            raise
        self._release, self._said = known, ""
        self._looked_at.update(dict.fromkeys(due, now))
        return known

    @property
    def are_released(self) -> bool:
        """Whether sales pages are shown: these pages were released, and all of them can be read."""
        try:
            self.require()
        except (PagesNotReleased, Unavailable):
            return False
        return True

    def _released(self, files: Iterable[str]) -> Release:
        release = trail.release_of(self.content)
        if release is None:
            raise PagesNotReleased("the pages of this code were not released (release-pages)")
        if missing := trail.not_kept(files):
            raise PagesNotReleased(f"not in the store as they were put there: {', '.join(missing)}")
        return release

    def _stop(self, why: str) -> None:
        """Said once, and again when it is another reason."""
        self._release = None
        if why != self._said:
            log.error("ALARM no sales page is shown: %s", why)
            self._said = why

    def _closure(self, templates: Iterable[str]) -> list[str]:
        closure: list[str] = []
        waiting = list(templates)
        while waiting:
            name = waiting.pop()
            if name not in closure:
                closure.append(name)
                waiting.extend(_NAMED.findall(self.sources[name]))
        return sorted(closure)

    def _load(self, name: str) -> tuple[str, str, None]:
        if name not in self.sources:
            raise TemplateNotFound(name)
        return self.sources[name], str(self._folder / name), None


def keep_pages(app: Flask) -> None:
    """For `create_app`: from here on pages are made of what the files say now."""
    app.extensions["pages"] = Pages(app)


def here() -> Pages:
    """Those of this application."""
    pages: Pages = current_app.extensions["pages"]
    return pages


def release(asked: NewRelease) -> Release:
    """Release the pages of this application."""
    return traceability.release_pages(current_app.config["LOG_ORIGIN"], here().content, here().files(), asked)


@cache
def assets(static_folder: str) -> dict[str, str]:
    """The static files that pages use: path -> SHA-256."""
    return {name: sha256_hex((Path(static_folder) / name).read_bytes()) for name in ASSETS}


def _texts() -> Iterator[tuple[str, str]]:
    for (key, locale), text in disclosure.wording_texts().items():
        yield f"{key}.{locale}", text


def _texts_in(words: object) -> Iterator[LocalizedText]:
    """Every text in a table of words, in its order."""
    if isinstance(words, LocalizedText):
        yield words
    elif isinstance(words, Mapping):
        yield from _texts_in(tuple(words.values()))
    elif isinstance(words, list | tuple):
        for each in words:
            yield from _texts_in(each)
    elif is_dataclass(words):
        yield from _texts_in([getattr(words, each.name) for each in fields(words)])
