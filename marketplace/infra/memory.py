"""Memory that is free and still held: glibc keeps what lies between things in use, unless it is asked to look."""

import ctypes
import gc


def give_back() -> None:
    """Hand free memory back to the system (`malloc_trim`), what stands in circles first; some 100 ms. Where the C
    library cannot, nothing is handed back.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
