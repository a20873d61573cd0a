"""Bytes of a zip -> files, with every trick refused before a byte is unpacked."""

import io
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from marketplace.listing.values import Files, Finding

MAX_CONTAINER = 32 * 2**20
MAX_ENTRIES = 2_000
MAX_FILE = 16 * 2**20
MAX_TOTAL = 128 * 2**20
MAX_RATIO = 100
"""A text table shrinks ten to thirtyfold; what shrinks more than a hundredfold is made to burst."""
RATIO_FROM = 2**20
SUFFIXES = (".toml", ".csv", ".md", ".pdf", ".xlsx")
_ENCRYPTED = 0x1


def unpack(data: bytes) -> tuple[Files, tuple[Finding, ...]]:
    """The files of a zip, or what is wrong with the container."""
    if len(data) > MAX_CONTAINER:
        return {}, (Finding("", "container_too_large", value=str(len(data)), right=str(MAX_CONTAINER)),)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            findings = tuple(_faults(entries))
            if findings:
                return {}, findings
            return _without_top_folder({entry.filename: archive.read(entry) for entry in entries}), ()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        return {}, (Finding("", "not_a_zip", value=str(error)),)


def check_files(files: Files) -> tuple[Finding, ...]:
    """What is wrong with the paths and sizes of files that did not come in a zip."""
    findings = [finding for path, data in files.items() for finding in _path_and_size(path, len(data))]
    if len(files) > MAX_ENTRIES:
        findings.append(Finding("", "too_many_files", value=str(len(files)), right=str(MAX_ENTRIES)))
    if sum(map(len, files.values())) > MAX_TOTAL:
        findings.append(Finding("", "too_large", right=str(MAX_TOTAL)))
    return tuple(findings)


def _faults(entries: list[zipfile.ZipInfo]) -> Iterator[Finding]:
    if len(entries) > MAX_ENTRIES:
        yield Finding("", "too_many_files", value=str(len(entries)), right=str(MAX_ENTRIES))
        return
    if sum(entry.file_size for entry in entries) > MAX_TOTAL:
        yield Finding("", "too_large", right=str(MAX_TOTAL))
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        yield from _path_and_size(name, entry.file_size)
        if name.casefold() in seen:
            yield Finding(name, "file_twice")
        seen.add(name.casefold())
        if stat.S_ISLNK(entry.external_attr >> 16):
            yield Finding(name, "symbolic_link")
        if entry.flag_bits & _ENCRYPTED:
            yield Finding(name, "encrypted")
        if entry.file_size > RATIO_FROM and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            yield Finding(name, "bursting", value=f"{entry.compress_size} -> {entry.file_size}", right=str(MAX_RATIO))


def _path_and_size(name: str, size: int) -> Iterator[Finding]:
    path = PurePosixPath(name)
    plain = unicodedata.normalize("NFC", name) == name and name.isprintable()
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not plain or not path.parts:
        yield Finding(name, "path")
    if path.suffix.lower() not in SUFFIXES:
        yield Finding(name, "unknown_file", right=", ".join(SUFFIXES))
    if size > MAX_FILE:
        yield Finding(name, "file_too_large", value=str(size), right=str(MAX_FILE))


def _without_top_folder(files: Files) -> Files:
    """Zipping a folder puts its name before every path; it is dropped where it is the same for all."""
    tops = {name.partition("/")[0] for name in files}
    if "catalog.toml" in files or len(tops) != 1:
        return files
    prefix = f"{tops.pop()}/"
    return {name.removeprefix(prefix): data for name, data in files.items()}


def pack(files: Files) -> bytes:
    """The files as a zip whose bytes depend on nothing but the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
