"""Pages that are other than those of the files, for as long as a test needs them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flask import Flask

from marketplace.infra import formatting, storage
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability.values import NewRelease, Release
from marketplace.web import kept_pages, released
from marketplace.web.released import Pages

CHINESE = "zh_Hans_CN"
AGAIN = NewRelease("Tom Weber", "Anna Li", "One word is clearer.", "build 2")


@contextmanager
def changed_pages(shop: Flask, template: str, old: str, new: str, *, style: str = "") -> Iterator[None]:
    """Another process: one with other words in `template`, or another style, which nobody released yet."""
    pages: Pages = shop.extensions["pages"]
    before, content = pages.sources[template], pages.content
    assert old in before
    pages.sources[template] = before.replace(old, new)
    pages.content = pages._content()
    if style:
        assets = {**pages.content.assets, "css/evenfold.css": sha256_hex(style.encode())}
        pages.content = replace(pages.content, assets=assets)
        storage.put(style.encode())
    _begin_anew(shop, pages)
    try:
        yield
    finally:
        pages.sources[template], pages.content = before, content
        _begin_anew(shop, pages)


@contextmanager
def changed_words(shop: Flask, folder: Path, old: str, new: str) -> Iterator[None]:
    """Another process: one whose catalog of translations says something else, which nobody released yet."""
    pages: Pages = shop.extensions["pages"]
    content, place = pages.content, formatting.TRANSLATIONS
    catalog = (place / CHINESE / "LC_MESSAGES" / "messages.po").read_text()
    assert old in catalog
    changed = folder / CHINESE / "LC_MESSAGES" / "messages.po"
    changed.parent.mkdir(parents=True)
    changed.write_text(catalog.replace(old, new))
    formatting.TRANSLATIONS = folder
    try:
        pages.content = pages._content()
        _begin_anew(shop, pages)
        yield
    finally:
        formatting.TRANSLATIONS, pages.content = place, content
        _begin_anew(shop, pages)


def _begin_anew(shop: Flask, pages: Pages) -> None:
    if shop.jinja_env.cache is not None:
        shop.jinja_env.cache.clear()
    kept_pages._kept._values.clear()
    formatting.translations.cache_clear()
    pages.forget()


def released_again(shop: Flask) -> Release:
    """What the pages are made of now is released. Commits."""
    with shop.app_context():
        release = released.release(AGAIN)
        db.session.commit()
    return release


@contextmanager
def taken_away(shop: Flask, sha256: str, instead: bytes | None = None) -> Iterator[None]:
    """A file of the store is gone, or holds something else."""
    path: Path = storage._configured()._objects._path / storage._name(sha256)
    data = path.read_bytes()
    path.unlink()
    if instead is not None:
        path.write_bytes(instead)
    shop.extensions["pages"].forget()
    try:
        yield
    finally:
        path.write_bytes(data)
        shop.extensions["pages"].forget()
