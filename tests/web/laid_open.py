"""What stands in stored bytes once everything that presses or encodes them is undone, whatever they are nested in.

A search for words that looks at the bytes alone is blind to a page that was pressed and to a mail whose body is base64.
"""

import base64
import binascii
import io
import quopri
import re
import zipfile
import zlib
from collections.abc import Iterator

import zstandard

DEEPEST = 4
ZSTD, ZIP = b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
ZLIB = (b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"\x1f\x8b\x08")
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4}[\r\n]{0,2}){6,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_QUOTED = re.compile(rb"=[0-9A-F]{2}|=\r?\n")
_ESCAPED = re.compile(rb"\\u([0-9a-fA-F]{4})")
ALIGNMENTS = 3


def faces(data: bytes, depth: int = DEEPEST) -> Iterator[bytes]:
    """The bytes as they are, and all that they are a form of."""
    yield data
    if depth:
        for inner in (*_unpressed(data), *_decoded(data)):
            if inner != data:
                yield from faces(inner, depth - 1)


def holds(data: bytes, word: str) -> bool:
    """Whether the word stands in any face of the bytes, in capitals or not."""
    wanted = word.lower().encode()
    return any(wanted in face.lower() for face in faces(data))


def spellings(word: str) -> tuple[bytes, ...]:
    """How the word looks where nothing can be taken apart: as it is, and within base64, wherever it begins there."""
    plain = word.encode()
    return (plain, *(_middle(plain, shift) for shift in range(ALIGNMENTS)))


def _middle(plain: bytes, shift: int) -> bytes:
    """The part of the base64 of something that ends with `plain` which no neighbour of it changes."""
    whole = base64.b64encode(bytes(shift) + plain)
    return whole[-(-shift * 8 // 6) : (shift + len(plain)) * 8 // 6]


def _unpressed(data: bytes) -> Iterator[bytes]:
    for at in _places(data, ZSTD):
        try:
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
        except zstandard.ZstdError:
            continue
    for mark in ZLIB:
        for at in _places(data, mark):
            try:
                yield zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data[at:])
            except zlib.error:
                continue
    if data.startswith(ZIP):
        yield from _unzipped(data)


def _unzipped(data: bytes) -> Iterator[bytes]:
    """The files of an archive; of one that was forged, those that can be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield archive.read(name)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, zlib.error):
        return


def _decoded(data: bytes) -> Iterator[bytes]:
    for found in _BASE64.finditer(data):
        try:
            yield base64.b64decode(found[0])
        except binascii.Error:
            continue
    if _QUOTED.search(data):
        yield quopri.decodestring(data)
    if _ESCAPED.search(data):
        yield _ESCAPED.sub(lambda found: chr(int(found[1], 16)).encode("utf-8", "surrogatepass"), data)


def _places(data: bytes, mark: bytes) -> Iterator[int]:
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)
