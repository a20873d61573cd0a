"""Memory that is free and still held: glibc keeps what lies between things in use, unless it is asked to look."""

import ctypes


def give_back() -> None:
    """Hand free memory back to the system (`malloc_trim`, some milliseconds); where the C library cannot, nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
