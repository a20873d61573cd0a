"""A zip in which nothing depends on when or where it is made but the files themselves."""

import io
import stat
import zipfile
from collections.abc import Mapping

_BEFORE_ANY_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_FILE = (stat.S_IFREG | 0o644) << 16


def zipped(files: Mapping[str, bytes], *, packed: bool = True) -> bytes:
    """The files by their names; `packed` says whether they are made smaller."""
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, _BEFORE_ANY_TIME)
            member.external_attr, member.create_system = _FILE, 3
            archive.writestr(member, content, method)
    return data.getvalue()
