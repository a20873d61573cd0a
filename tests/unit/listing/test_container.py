"""A zip is read with every trick refused, before a byte of it is unpacked."""

import io
import stat
import zipfile

import pytest

from marketplace.listing.intake import pack, read_container, unpack
from marketplace.listing.intake.container import MAX_ENTRIES, MAX_FILE
from marketplace.listing.values import Finding, Reading
from tests.factories.catalog import catalog_files, zipped


def codes(data: bytes) -> list[str]:
    files, findings = unpack(data)
    assert not (files and findings)
    return [finding.code for finding in findings]


def a_zip(*entries: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for entry, data in entries:
            archive.writestr(entry, data)
    return buffer.getvalue()


def test_a_zip_and_its_folder_are_the_same_catalog() -> None:
    files = catalog_files()
    from_zip = read_container(zipped(files), "harbour")
    assert from_zip.findings == ()
    assert read_container(pack(files), "harbour") == from_zip
    inside_a_folder = {f"harbour/{name}": data for name, data in files.items()}
    assert read_container(zipped(inside_a_folder), "harbour") == from_zip


def test_packing_depends_on_the_files_only() -> None:
    files = catalog_files()
    assert pack(files) == pack(dict(reversed(list(files.items()))))


@pytest.mark.asvs("5.3.3")
@pytest.mark.parametrize(
    "name",
    ["../catalog.toml", "products/../../x.toml", "/etc/x.toml", "C:\\x.toml", "a\\b.toml", "a\nb.toml", "C:x.toml"],
)
def test_paths_that_lead_elsewhere_are_refused(name: str) -> None:
    # Written by hand: the library would make some of these names harmless.
    entry = zipfile.ZipInfo("x" * len(name.encode()))
    data = a_zip((entry, b"a"), method=zipfile.ZIP_STORED).replace(entry.filename.encode(), name.encode())
    assert codes(data) == ["path"]


@pytest.mark.asvs("5.2.5")
def test_a_symbolic_link_is_refused() -> None:
    link = zipfile.ZipInfo("catalog.toml")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert codes(a_zip((link, b"/etc/passwd"))) == ["symbolic_link"]


def test_a_bomb_is_refused_unopened() -> None:
    assert codes(a_zip(("bomb.csv", b"0" * (8 * 2**20)))) == ["bursting"]
    assert codes(a_zip(("bomb.csv", b"0" * (MAX_FILE + 1)))) == ["file_too_large", "bursting"]


def test_a_lie_about_the_size_is_found_out() -> None:
    honest = a_zip(("a.csv", b"1,2,3\n" * 1000))
    size = (6000).to_bytes(4, "little")
    assert honest.count(size) == 2
    assert codes(honest.replace(size, (10).to_bytes(4, "little"))) == ["not_a_zip"]


def test_too_many_files_are_refused() -> None:
    data = a_zip(*((f"{n}.csv", b"") for n in range(MAX_ENTRIES + 1)))
    assert codes(data) == ["too_many_files"]


def test_names_that_differ_in_case_only_are_one_file() -> None:
    assert codes(a_zip(("a.csv", b"1"), ("A.csv", b"2"))) == ["file_twice"]


def test_an_encrypted_entry_is_refused() -> None:
    data = bytearray(a_zip(("a.csv", b"1"), method=zipfile.ZIP_STORED))
    data[6] |= 1  # the local header's flag
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and the directory's
    assert codes(bytes(data)) == ["encrypted"]


@pytest.mark.asvs("1.3.4", "2.2.1", "5.2.2")
@pytest.mark.parametrize("name", ["run.exe", "macro.xlsm", "page.html", "noending"])
def test_other_kinds_of_files_are_refused(name: str) -> None:
    assert codes(a_zip((name, b"1"))) == ["unknown_file"]


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"not a zip at all", zipped({"a.csv": b"1"})[:-30]],
    ids=["nothing", "two letters", "words", "cut"],
)
def test_what_is_no_zip_is_said_to_be_none(data: bytes) -> None:
    assert codes(data) == ["not_a_zip"]


def test_a_reading_with_findings_gives_no_draft() -> None:
    assert read_container(b"", "harbour") == Reading((Finding("", "not_a_zip", value="File is not a zip file"),), None)
