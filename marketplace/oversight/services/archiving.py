"""The pages of a contract's evidence as a web archive, with the files that lay beside them when they were sent."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from mimetypes import guess_type

from marketplace.infra.letterhead import letterhead
from marketplace.oversight.rules.web_archive import Capture, WebArchive, web_archive
from marketplace.oversight.services.pictures import kept_asset
from marketplace.traceability.values import Extract, Logged

_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_HTML = "text/html; charset=utf-8"


def archive_pages(found: Extract, title: str) -> WebArchive | None:
    """The same bytes each time; None where no page may be read."""
    shown = sorted((each for each in found.entries if each.page is not None), key=lambda each: each.index)
    return web_archive(list(_captures(found, shown)), title) if shown else None


def _captures(found: Extract, shown: list[Logged]) -> Iterator[Capture]:
    site, sent = letterhead().public_url, set()
    for entry in shown:
        at = _1970 + timedelta(microseconds=entry.leaf["ts"])
        manifest = found.versions[str(entry.page_version_id)]
        yield Capture(f"{site}/recorded/{entry.index}/{manifest['page']}", at, _HTML, entry.page or b"", is_page=True)
        for path, sha256 in sorted(manifest["assets"].items()):
            data = None if (path, sha256) in sent else kept_asset(path, sha256)
            sent.add((path, sha256))
            if data is not None:
                kind = guess_type(path)[0] or "application/octet-stream"
                yield Capture(f"{site}/static/{path}", at, kind, data)
