"""Only permissive licences, LGPL and MPL unmodified; and the page that says so is true."""

from pathlib import Path

import pytest

from tests.architecture.third_party import PERMISSIVE, ROOT, STRONG_COPYLEFT, installed, licence_of, page, pinned


@pytest.mark.parametrize("name", [name for name in pinned() if installed(name)])
def test_every_licence_is_allowed(name: str) -> None:
    licence = licence_of(name)
    assert PERMISSIVE.search(licence), licence
    assert not STRONG_COPYLEFT.search(licence.replace("LGPL", "")), licence


@pytest.mark.asvs("15.1.2")
def test_the_page_is_the_one_the_packages_give() -> None:
    assert (Path(ROOT) / "THIRD_PARTY.md").read_text() == page()
