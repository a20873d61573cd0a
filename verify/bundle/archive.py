"""The files of a zip, read without trust in it: no paths that lead elsewhere, no bombs, no name twice."""

import stat
import zipfile
import zlib
from io import BytesIO

from verify.findings import Code, Report

_MOST_FILES = 20_000
_LARGEST = 512 * 2**20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


def read_archive(report: Report, data: bytes) -> dict[str, bytes] | None:
    """Every file by its name; what is unsafe is left out and found. None where it is no zip, or too large."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > _MOST_FILES or sum(member.file_size for member in members) > _LARGEST:
                report.find(Code.UNREADABLE, "The file holds more than evidence of a contract can.")
                return None
            return _files(report, archive, members)
    except (*_UNREADABLE, UnicodeError, OverflowError) as error:
        report.find(Code.UNREADABLE, f"The file is no zip that can be read: {error}.")
        return None


def _files(report: Report, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for member in members:
        name = member.orig_filename
        if not _is_safe(member):
            report.find(Code.UNSAFE_FILE, f"The file {name[:200]!r} is left out: its name or kind is not safe.")
        elif name in found:
            report.find(Code.DUPLICATE_FILE, f"The file {name[:200]!r} is there twice.")
        else:
            try:
                with archive.open(member) as stream:
                    # By its length: a member that unpacks to more than it says is then no bomb either.
                    found[name] = stream.read(member.file_size)
            except _UNREADABLE as error:
                report.find(Code.UNREADABLE, f"The file {name[:200]!r} cannot be read: {error}.")
    return found


def _is_safe(member: zipfile.ZipInfo) -> bool:
    name = member.orig_filename
    kind = stat.S_IFMT(member.external_attr >> 16)
    return (
        0 < len(name) <= 300  # noqa: PLR2004
        and name.isprintable()
        and "\\" not in name
        and ":" not in name
        and all(part not in ("", ".", "..") for part in name.split("/"))
        and kind in (0, stat.S_IFREG)
        and not member.flag_bits & 1
        and member.compress_type in _METHODS
    )
