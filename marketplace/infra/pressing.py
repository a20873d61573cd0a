"""Pages pressed for keeping: Zstandard at its quickest level (RFC 8878), one frame or several, one after the other.

What is the same in many pages is pressed once: the frames of its pieces are put together with those of what differs.
Any reader of the format reads them as one.
"""

import threading

import zstandard

LONGEST_PAGE = 4 * 2**20
_LEVEL = 1


class TooLongError(ValueError):
    """What was pressed is longer than any page of ours."""


class _OfThread(threading.local):
    """A compressor is not to be shared by threads, and making one takes longer than pressing a few words."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)


_own = _OfThread()


def press(data: bytes) -> bytes:
    """One frame."""
    return _own.compressor.compress(data)


def unpress(pressed: bytes) -> bytes:
    """What all frames hold. Raises TooLongError beyond `LONGEST_PAGE`, zstandard.ZstdError for anything else."""
    with zstandard.ZstdDecompressor().stream_reader(pressed, read_across_frames=True) as reader:
        data = reader.read(LONGEST_PAGE + 1)
    if len(data) > LONGEST_PAGE:
        raise TooLongError
    return data
