"""Documents as PDF/A-3a and PDF/UA-1 in one file, set by Typst from `templates/document/<template>.typ`.

The data travel as JSON, never as markup, so no text of a person can become a command. The same JSON is attached
to the file, with the relationship "data", for machines. Equal data, QR picture and instant give equal bytes.

Forking after a first rendering deadlocks in Typst's thread pool. Importing this module does no work, so a
process may fork before it renders; one that has rendered must not fork. Render in the worker, not in a
preloading web master.
"""

import struct
import threading
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import segno
import typst
from fontTools.ttLib import TTCollection

from marketplace.kernel.canonical import canonical_bytes
from marketplace.kernel.errors import Refused

_TEMPLATES = Path(__file__).parents[2] / "templates" / "document"
_FONT_PACKAGE = "manimgx_fonts_cjk"
_FONT_FILE = "NotoSansCJK-VF.otf.ttc"
_FONT_FAMILY = "Noto Sans CJK SC"  # the templates ask for it by this name
_INK = "#17223b"
_SEGMENTED_COVERAGE = 12
_one_at_a_time = threading.Lock()


class Unprintable(Refused):
    """The document cannot be printed as it stands; a person has to look at it. Nothing was made.

    `missing` holds the characters the font lacks; it is empty where the template itself failed.
    """

    code = "document:unprintable"

    def __init__(self, message: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


def render(template: str, data: Mapping[str, Any], *, qr_svg: str | None, issued_at: datetime) -> bytes:
    """Set `data` with a template. `issued_at` (aware) becomes the date of the file.

    Raises Unprintable; Typst would draw an empty box for a missing glyph only outside PDF/A.
    """
    if issued_at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    attached = machine_readable(data).decode()
    if missing := missing_glyphs(attached):
        raise Unprintable("the font lacks some characters", missing)
    try:
        with _one_at_a_time:
            pdf = _compiler(template).compile(
                format="pdf",
                sys_inputs={"data": attached, "qr": qr_svg or ""},
                pdf_standards=["a-3a", "ua-1"],
                timestamp=int(issued_at.timestamp()),
            )
    except typst.TypstError as failure:
        raise Unprintable(f"the template {template} failed: {failure.message}") from failure
    if not isinstance(pdf, bytes):
        raise TypeError("Typst gave no PDF")
    return pdf


def machine_readable(data: Mapping[str, Any]) -> bytes:
    """The JSON that a document carries as its attachment, byte for byte."""
    return canonical_bytes(data)


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


@cache
def _compiler(template: str) -> typst.Compiler:
    """Made once: making one each time is slow, and each keeps tens of megabytes. Two threads cannot use it at once."""
    return typst.Compiler(_TEMPLATES / f"{template}.typ", root=_TEMPLATES, font_paths=_fonts())


def _font_folder() -> Path:
    return Path(str(files(_FONT_PACKAGE)))


@cache
def _fonts() -> typst.Fonts:
    """The one font of all documents; what the machine has installed must not change a page."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(_font_folder())])


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
