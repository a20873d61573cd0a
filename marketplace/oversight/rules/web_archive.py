"""Recorded pages as a web archive that others' programs open: WACZ 1.1.1 around WARC 1.1 (ISO 28500), the same values
giving the same bytes. What was sent is in it as it was sent; the addresses are ours, since none were recorded.

Sources: specs.webrecorder.net/wacz/1.1.1, specs.webrecorder.net/cdxj/0.1.0, iipc.github.io/warc-specifications.
"""

import gzip
import json
import re
from base64 import b32encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.zips import zipped

WARC, INDEX, PAGES, PACKAGE = "archive/data.warc.gz", "indexes/index.cdx", "pages/pages.jsonl", "datapackage.json"
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Capture:
    """A file that was sent at an instant. One that is a page of its own is named in the list of pages."""

    url: str
    at: datetime
    media_type: str
    data: bytes
    is_page: bool = False

    @property
    def title(self) -> str:
        found = _TITLE.search(self.data.decode(errors="replace"))
        return unescape(" ".join(found[1].split())) if found else self.url

    @property
    def key(self) -> str:
        """How an index names and orders it (SURT): hosts backwards, and then when."""
        parts = urlsplit(self.url.lower())
        host = ",".join(reversed((parts.hostname or "").split("."))) + (f":{parts.port}" if parts.port else "")
        return f"{host}){parts.path}{'?' + parts.query if parts.query else ''} {self.at:%Y%m%d%H%M%S}"


@dataclass(frozen=True, slots=True)
class WebArchive:
    """A file `….wacz`, and the SHA-256 (hex) of its `datapackage.json`, which has the hashes of all of it."""

    data: bytes
    package_sha256: str


def web_archive(captures: Sequence[Capture], title: str) -> WebArchive:
    """`captures` in the order in which they were sent; at least one is a page."""
    pages = [each for each in captures if each.is_page]
    warc, index = _warc(captures, title)
    files = {WARC: warc, INDEX: index, PAGES: _pages(pages)}
    package = _json(
        {
            "profile": "data-package",
            "wacz_version": "1.1.1",
            "title": title,
            "created": _instant(captures[-1].at),
            "mainPageUrl": pages[0].url,
            "mainPageDate": _instant(pages[0].at),
            "resources": [_resource(name, data) for name, data in files.items()],
        }
    )
    digest = _json({"path": PACKAGE, "hash": f"sha256:{sha256_hex(package)}"})
    # Not packed: a reader fetches single records out of it by their place.
    data = zipped(files | {PACKAGE: package, "datapackage-digest.json": digest}, packed=False)
    return WebArchive(data, sha256_hex(package))


def _warc(captures: Sequence[Capture], title: str) -> tuple[bytes, bytes]:
    """The records one after the other, each packed for itself, and the index of their places."""
    about = f"format: WARC File Format 1.1\r\ndescription: {title}\r\n".encode()
    first = captures[0]
    records = [_record("warcinfo", first.at, "application/warc-fields", about, {"WARC-Filename": "data.warc.gz"})]
    lines, offset = [], len(records[0])
    for each in captures:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {each.media_type}\r\nContent-Length: {len(each.data)}\r\n\r\n"
        named = {"WARC-Target-URI": each.url, "WARC-Payload-Digest": _digest(each.data)}
        record = _record("response", each.at, "application/http;msgtype=response", head.encode() + each.data, named)
        place = {"filename": "data.warc.gz", "offset": str(offset), "length": str(len(record))}
        kind = {"mime": each.media_type.partition(";")[0], "status": "200", "digest": _digest(each.data)}
        lines.append(f"{each.key} {json.dumps({'url': each.url, **kind, **place})}\n")
        records.append(record)
        offset += len(record)
    return b"".join(records), "".join(sorted(lines)).encode()


def _record(kind: str, at: datetime, media_type: str, block: bytes, named: Mapping[str, str]) -> bytes:
    digest = _digest(block)
    fields = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{uuid5(NAMESPACE_URL, f'{kind} {at.isoformat()} {named} {digest}')}>",
        "WARC-Date": _instant(at),
        **named,
        "WARC-Block-Digest": digest,
        "Content-Type": media_type,
        "Content-Length": str(len(block)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return gzip.compress(f"WARC/1.1\r\n{head}\r\n".encode() + block + b"\r\n\r\n", mtime=0)


def _pages(pages: Iterable[Capture]) -> bytes:
    lines: list[Mapping[str, Any]] = [{"format": "json-pages-1.0", "id": "pages", "title": "Pages"}]
    lines += [
        {"id": str(number), "url": each.url, "ts": _instant(each.at), "title": each.title}
        for number, each in enumerate(pages, 1)
    ]
    return b"".join(_json(each) + b"\n" for each in lines)


def _resource(name: str, data: bytes) -> Mapping[str, Any]:
    return {"name": name.rpartition("/")[2], "path": name, "hash": f"sha256:{sha256_hex(data)}", "bytes": len(data)}


def _digest(data: bytes) -> str:
    return f"sha256:{b32encode(bytes.fromhex(sha256_hex(data))).decode()}"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
