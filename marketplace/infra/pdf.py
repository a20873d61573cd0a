"""Documents as PDF/A-3a and PDF/UA-1 in one file, set by Typst from `templates/document/<template>.typ`.

The data travel as JSON, never as markup, so no text of a person can become a command. The same JSON is attached
to the file, with the relationship "data", for machines. Equal data, QR picture and instant give equal bytes.

Typst itself runs in a process of its own (`infra.typesetter`), started with the first document. What forks after that
shares it and must not render: render in the worker, not in a preloading web master.
"""

import atexit
import json
import struct
import subprocess
import sys
import threading
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import segno
from fontTools.ttLib import TTCollection

from marketplace.kernel.canonical import canonical_bytes
from marketplace.kernel.errors import Refused

_ROOT = Path(__file__).parents[2]
_TEMPLATES = _ROOT / "templates" / "document"
_FONT_PACKAGE = "manimgx_fonts_cjk"
_FONT_FILE = "NotoSansCJK-VF.otf.ttc"
_FONT_FAMILY = "Noto Sans CJK SC"  # the templates ask for it by this name
_INK = "#17223b"
_SEGMENTED_COVERAGE = 12
_TYPESETTER = "marketplace.infra.typesetter"
_LONGEST_SECONDS = 60.0


class Unprintable(Refused):
    """The document cannot be printed as it stands; a person has to look at it. Nothing was made.

    `missing` holds the characters the font lacks; it is empty where the template itself failed.
    """

    code = "document:unprintable"

    def __init__(self, message: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class TypesettingFailedError(RuntimeError):
    """Typst's process ended in the middle of a document, twice. Trying again later may help."""


class _Typesetter:
    """Typst's process, started when there is none: it ends by itself when idle. One document at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def set(self, question: Mapping[str, Any]) -> bytes:
        """The PDF. Raises Unprintable, and TypesettingFailedError; a process that is gone or dies is replaced once."""
        with self._lock:
            for process in (self._process, None):
                try:
                    return _asked(process or self._start(), question)
                except (EOFError, BrokenPipeError):
                    self.end()
        raise TypesettingFailedError

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", _TYPESETTER, str(_TEMPLATES), str(_font_folder())]
        self._process = subprocess.Popen(  # noqa: S603  ours
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT, env={"LANG": "C.UTF-8"}
        )
        return self._process

    def end(self) -> None:
        """Without a process nothing happens."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(BrokenPipeError):
                process.communicate()


def _asked(process: subprocess.Popen[bytes], question: Mapping[str, Any]) -> bytes:
    """The answer to one question. Raises Unprintable, EOFError and BrokenPipeError."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("it was started with pipes")
    too_long = threading.Timer(_LONGEST_SECONDS, process.kill)
    too_long.start()
    try:
        process.stdin.write(json.dumps(question).encode() + b"\n")
        process.stdin.flush()
        head = process.stdout.readline()
        if not head:
            raise EOFError
        told = json.loads(head)
        if "failure" in told:
            raise Unprintable(f"the template {question['template']} failed: {told['failure']}")
        pdf = process.stdout.read(told["size"])
    finally:
        too_long.cancel()
    if len(pdf) < told["size"]:
        raise EOFError
    return pdf


_typesetter = _Typesetter()
atexit.register(_typesetter.end)


def render(
    template: str,
    data: Mapping[str, Any],
    *,
    qr_svg: str | None,
    issued_at: datetime,
    attached: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """Set `data` with a template. `issued_at` (aware) becomes the date of the file; `attached` are further files that
    the template knows how to attach, as they are.

    Raises Unprintable; Typst would draw an empty box for a missing glyph only outside PDF/A.
    """
    if issued_at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    printed = machine_readable(data).decode()
    if missing := missing_glyphs(printed):
        raise Unprintable("the font lacks some characters", missing)
    inputs = {"data": printed, "qr": qr_svg or "", **attached}
    question = {"template": template, "inputs": inputs, "timestamp": int(issued_at.timestamp())}
    return _typesetter.set(question)


def machine_readable(data: Mapping[str, Any]) -> bytes:
    """The JSON that a document carries as its attachment, byte for byte."""
    return canonical_bytes(data)


def pages(document: bytes) -> int:
    """How many pages a PDF has."""
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415  large; the site need not carry it for this

    return int(PdfFileReader(BytesIO(document)).root["/Pages"]["/Count"])


def qr_svg(url: str) -> str:
    """A QR code (ISO/IEC 18004, level M) as SVG, quiet zone included."""
    picture = BytesIO()
    segno.make_qr(url, error="m").save(picture, kind="svg", xmldecl=False, dark=_INK)
    return picture.getvalue().decode()


def missing_glyphs(text: str) -> tuple[str, ...]:
    """The characters of `text` that no document can print, each once, in order. Empty is good.

    Composed first (NFC): the font holds é, and need not hold every accent that makes one.
    """
    firsts, lasts = _printable()
    composed = dict.fromkeys(unicodedata.normalize("NFC", text))
    return tuple(char for char in composed if not _lies_in(ord(char), firsts, lasts))


def _lies_in(point: int, firsts: Sequence[int], lasts: Sequence[int]) -> bool:
    place = bisect_right(firsts, point) - 1
    return place >= 0 and point <= lasts[place]


def _font_folder() -> Path:
    return Path(str(files(_FONT_PACKAGE)))


@cache
def _printable() -> tuple[list[int], list[int]]:
    """First and last code points of the runs that the font maps to a glyph, ascending: some thousand runs.

    Read from the table's bytes: fontTools would name all 45,000 glyphs first, half a second and 28 MB that stay.
    """
    with TTCollection(_font_folder() / _FONT_FILE, lazy=True) as collection:
        face = next(font for font in collection.fonts if font["name"].getDebugName(1) == _FONT_FAMILY)
        runs = sorted(_segmented_coverage(face.reader["cmap"]))
    return [first for first, _ in runs], [last for _, last in runs]


def _segmented_coverage(cmap: bytes) -> Iterator[tuple[int, int]]:
    """The groups of the subtable of format 12 (OpenType specification, "cmap", segmented coverage)."""
    (subtables,) = struct.unpack_from(">2xH", cmap)
    for number in range(subtables):
        (offset,) = struct.unpack_from(">4xL", cmap, 4 + 8 * number)
        if struct.unpack_from(">H", cmap, offset) == (_SEGMENTED_COVERAGE,):
            (groups,) = struct.unpack_from(">12xL", cmap, offset)
            yield from struct.iter_unpack(">LL4x", cmap[offset + 16 : offset + 16 + 12 * groups])
            return
    raise ValueError("the font has no map of all its characters")
