"""Identifiers: random UUIDs for rows, short references for people."""

import secrets
from uuid import UUID, uuid4

# No letter or digit that can be read as another one (0/O, 1/I/L, 5/S, 8/B, 2/Z, U/V).
ALPHABET = "34679ACDEFGHJKMNPQRTVWXY"


def new_id() -> UUID:
    return uuid4()


def random_code(length: int) -> str:
    """`length` characters that cannot be confused when read aloud or copied by hand."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def reference(prefix: str) -> str:
    """A reference a person can read, such as `C-7KMF-94QC` (24**8 possibilities; unique by constraint)."""
    return f"{prefix}-{random_code(4)}-{random_code(4)}"
