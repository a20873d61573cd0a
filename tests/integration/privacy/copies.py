"""What stands in a copy of somebody's data."""

import io
import zipfile


def text_of(data: bytes) -> str:
    """The words of all its files."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())
