"""Pages pressed for keeping: Zstandard at its quickest level (RFC 8878), one frame or several, one after the other.

What is the same in many pages is pressed once: the frames of its pieces are put together with those of what differs.
Any reader of the format reads them as one.

A page that is much like a file kept elsewhere, or another page, is pressed against that and then takes a few hundred
bytes. It comes back with that alone: `zstd -d -D FILE PRESSED`.
"""

import threading
from functools import cached_property

import zstandard

LONGEST_PAGE = 4 * 2**20
_LEVEL = 1
_LEVEL_AGAINST = 5  # still quicker than the other alone, for there is little to press


class TooLongError(ValueError):
    """What was pressed is longer than anything of ours."""


class _OfThread(threading.local):
    """A compressor is not to be shared by threads, and making one takes longer than pressing a few words."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)


_own = _OfThread()


class Reference:
    """What pages are pressed against. It is made ready once, when first it is needed, and stays so: that takes longer
    than pressing a page.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data

    @cached_property
    def content(self) -> zstandard.ZstdCompressionDict:
        """Ten times as large as the data."""
        content = zstandard.ZstdCompressionDict(self._data, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        content.precompute_compress(level=_LEVEL_AGAINST)
        return content


def press(data: bytes, reference: Reference | None = None) -> bytes:
    """One frame."""
    if reference is None:
        return _own.compressor.compress(data)
    return zstandard.ZstdCompressor(level=_LEVEL_AGAINST, dict_data=reference.content).compress(data)


def unpress(pressed: bytes, reference: bytes = b"", longest: int = LONGEST_PAGE) -> bytes:
    """What all frames hold; `reference` is the file they were pressed against.

    Raises TooLongError beyond `longest` bytes, zstandard.ZstdError for anything else.
    """
    content = zstandard.ZstdCompressionDict(reference, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if reference else None
    reading = zstandard.ZstdDecompressor(dict_data=content)
    with reading.stream_reader(pressed, read_across_frames=True) as reader:
        data = reader.read(longest + 1)
    if len(data) > longest:
        raise TooLongError
    return data
