"""Pictures are made of the bytes that were kept and of nothing else."""

import shutil
import struct
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
import requests

from marketplace.infra import pictures
from marketplace.infra.pictures import File, NoBrowser, PicturesFailed, take

CHROMIUM = next(filter(None, map(shutil.which, pictures._NAMES)), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: no picture is looked at")

PAGE = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Kept</title>
<link rel="stylesheet" href="/static/css/own.css"></head><body><p id="kept">Kept</p>%s</body></html>"""
STYLE = {
    "/static/css/own.css": File(
        "text/css", b"body { margin: 0; height: 2000px; overflow: hidden; background: rgb(0, 128, 0) } p { margin: 0 }"
    )
}


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height (PNG specification, 11.2.2)."""
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


class Neighbour(BaseHTTPRequestHandler):
    """A server on this machine that notes what it is asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def neighbour() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Neighbour) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@needs_browser
@pytest.mark.requirement("T26-42")
def test_a_page_looks_as_it_looked_and_runs_and_asks_nothing(neighbour: str) -> None:
    tricks = f"""<script>document.body.style.height = '10px'</script><img src="/static/img/other.png" alt="">
        <img src="{neighbour}/seen.png" alt=""><iframe src="{neighbour}/frame"></iframe>
        <meta http-equiv="refresh" content="0; url={neighbour}/away">""".encode()
    taken = take([PAGE % b"", PAGE % tricks, PAGE % b""], STYLE)
    plain, tricked, again = taken.pictures
    assert size_of(plain.png) == size_of(tricked.png) == (1024, 2000)
    assert (again.png, again.pdf[:5]) == (plain.png, b"%PDF-")
    assert taken.browser.startswith("Chromium ")
    assert requests.get(f"{neighbour}/control", timeout=5).status_code == 204
    assert Neighbour.asked == ["/control"]


@needs_browser
def test_without_its_files_a_page_is_shown_bare() -> None:
    (bare,) = take([PAGE % b""], {}).pictures
    assert size_of(bare.png) == (1024, 768)


def test_a_machine_without_a_browser_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoBrowser):
        take([PAGE % b""], STYLE)


def test_a_browser_that_ends_without_pictures_is_an_error_that_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "chromium").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PicturesFailed):
        take([PAGE % b""], STYLE)
