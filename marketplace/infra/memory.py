"""Memory that is free and still held: glibc keeps what lies between things in use, unless it is asked to look."""

import ctypes
import gc

_M_ARENA_MAX = -8  # malloc.h


def share_one_arena() -> None:
    """For a process whose threads hold much for a short while, before they begin. Each has an arena of its own
    otherwise (`mallopt(3)`), and keeps in it what the next one could use. Where the C library cannot, nothing changes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Hand free memory back to the system (`malloc_trim`), what stands in circles first; some 100 ms. Where the C
    library cannot, nothing is handed back.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
