"""Pages as a web archive: the same values give the same bytes, and programs that we did not write read them."""

import gzip
import io
import json
import zipfile
from base64 import b32encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from marketplace.kernel.canonical import sha256_hex
from marketplace.oversight.rules.web_archive import Capture, web_archive

AT = datetime(2026, 11, 28, 4, 5, 6, 789_000, tzinfo=UTC)
SITE = "https://insurance.example"
CSS = Capture(f"{SITE}/static/css/a.css", AT, "text/css", b"p { color: red }")
FIRST = Capture(
    f"{SITE}/recorded/3/Offer", AT, "text/html; charset=utf-8",
    "<title>Offer \n &amp; 条款</title><link rel=stylesheet href=/static/css/a.css>".encode(), is_page=True,
)  # fmt: skip
LAST = Capture(f"{SITE}/recorded/9/pay", AT + timedelta(seconds=90), "text/html", b"<p>Pay", is_page=True)
CAPTURES = [FIRST, CSS, LAST]


def files_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {each.compress_type for each in archive.infolist()} == {zipfile.ZIP_STORED}
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_same_pages_give_the_same_bytes() -> None:
    assert web_archive(CAPTURES, "EF-1") == web_archive(list(CAPTURES), "EF-1")
    assert web_archive(CAPTURES, "EF-1") != web_archive(CAPTURES[:1], "EF-1")


def test_the_package_names_and_hashes_all_of_it() -> None:
    archive = web_archive(CAPTURES, "EF-1")
    files = files_of(archive.data)
    package = json.loads(files["datapackage.json"])
    assert sha256_hex(files["datapackage.json"]) == archive.package_sha256
    assert json.loads(files["datapackage-digest.json"]) == {
        "path": "datapackage.json",
        "hash": f"sha256:{archive.package_sha256}",
    }
    assert (package["wacz_version"], package["title"], package["mainPageUrl"]) == ("1.1.1", "EF-1", FIRST.url)
    assert (package["created"], package["mainPageDate"]) == ("2026-11-28T04:06:36Z", "2026-11-28T04:05:06Z")
    named = {each["path"]: (each["hash"], each["bytes"]) for each in package["resources"]}
    rest = files.keys() - {"datapackage.json", "datapackage-digest.json"}
    assert named == {name: (f"sha256:{sha256_hex(files[name])}", len(files[name])) for name in rest}


def test_pages_have_their_titles_and_times() -> None:
    lines = files_of(web_archive(CAPTURES, "EF-1").data)["pages/pages.jsonl"].decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"format": "json-pages-1.0", "id": "pages", "title": "Pages"},
        {"id": "1", "url": FIRST.url, "ts": "2026-11-28T04:05:06Z", "title": "Offer & 条款"},
        {"id": "2", "url": LAST.url, "ts": "2026-11-28T04:06:36Z", "title": LAST.url},
    ]


def test_the_index_leads_to_each_record() -> None:
    files = files_of(web_archive(CAPTURES, "EF-1").data)
    lines = files["indexes/index.cdx"].decode().splitlines()
    assert lines == sorted(lines)
    assert [line.split(" ")[:2] for line in lines] == [
        ["example,insurance)/recorded/3/offer", "20261128040506"],
        ["example,insurance)/recorded/9/pay", "20261128040636"],
        ["example,insurance)/static/css/a.css", "20261128040506"],
    ]
    by_url = {each.url: each for each in CAPTURES}
    for line in lines:
        told = json.loads(line.split(" ", 2)[2])
        record = gzip.decompress(files["archive/data.warc.gz"][int(told["offset"]) :][: int(told["length"])])
        assert record.startswith(b"WARC/1.1\r\nWARC-Type: response\r\n")
        assert record.endswith(by_url[told["url"]].data + b"\r\n\r\n")
        assert told["digest"] == f"sha256:{b32encode(sha256(by_url[told['url']].data).digest()).decode()}"


def test_a_port_and_a_query_stand_in_the_index() -> None:
    assert Capture("http://localhost:8000/A?b=1", AT, "text/html", b"").key == "localhost:8000)/a?b=1 20261128040506"


def test_warcio_reads_every_record_and_finds_its_digests_right() -> None:
    """A program that nobody here wrote; said where it is absent."""
    reader: Any = pytest.importorskip("warcio.archiveiterator", reason="no warcio")
    warc = files_of(web_archive(CAPTURES, "EF-1").data)["archive/data.warc.gz"]
    records = reader.ArchiveIterator(io.BytesIO(warc), check_digests="raise")
    found = [
        (each.rec_type, each.rec_headers.get_header("WARC-Target-URI"), each.content_stream().read())
        for each in records
    ]
    assert [each[0] for each in found] == ["warcinfo", "response", "response", "response"]
    assert [each[1:] for each in found[1:]] == [(each.url, each.data) for each in CAPTURES]
