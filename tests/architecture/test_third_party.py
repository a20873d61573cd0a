"""Only permissive licences, LGPL and MPL unmodified; and the page that says so is true."""

from hashlib import sha256
from pathlib import Path

import pytest

from tests.architecture.third_party import (
    PERMISSIVE,
    ROOT,
    STRONG_COPYLEFT,
    VENDOR,
    installed,
    licence_of,
    page,
    pinned,
    vendored,
)


@pytest.mark.parametrize("name", [name for name in pinned() if installed(name)])
def test_every_licence_is_allowed(name: str) -> None:
    licence = licence_of(name)
    assert PERMISSIVE.search(licence), licence
    assert not STRONG_COPYLEFT.search(licence.replace("LGPL", "")), licence


@pytest.mark.asvs("15.1.2")
def test_the_page_is_the_one_the_packages_give() -> None:
    assert (Path(ROOT) / "THIRD_PARTY.md").read_text() == page()


@pytest.mark.parametrize("name", vendored())
def test_a_file_of_others_is_the_one_that_was_published_and_has_its_licence_beside_it(name: str) -> None:
    of = vendored()[name]
    assert sha256((VENDOR / name).read_bytes()).hexdigest() == of["sha256"]
    assert PERMISSIVE.fullmatch(of["licence"])
    assert of["licence"] in (VENDOR / of["text"]).read_text(encoding="utf-8")


def test_every_file_of_others_is_told_of() -> None:
    told = {*vendored(), *(of["text"] for of in vendored().values()), "vendored.toml"}
    assert {path.name for path in VENDOR.iterdir()} == told
