"""Files that the reader names."""

from pathlib import Path

LONGEST = 512 * 2**20


def read(file: Path) -> bytes:
    """Raises OSError."""
    if file.stat().st_size > LONGEST:
        raise OSError(f"{file.name} is too large")
    return file.read_bytes()
