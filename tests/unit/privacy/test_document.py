"""The copy of one's data: a ZIP that machines and people can read."""

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest

from marketplace.privacy.document import SCHEMA, Cover, File, Section, bundle

COVER = Cover("A copy of your data", "Everything we keep.", "en", datetime(2026, 11, 22, 4, tzinfo=UTC))


def files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def squeezed(page: bytes) -> str:
    """The page without the line breaks between its parts."""
    return page.decode().replace("\n", "")


def test_each_section_is_a_file_that_says_its_schema() -> None:
    record = {"name": "李娜", "born_on": datetime(1992, 3, 5, tzinfo=UTC).date()}
    found = files(bundle(COVER, [Section("account", "Your account", [record])], [File("a/b.pdf", b"%PDF")]))
    assert list(found) == ["index.html", "account.json", "a/b.pdf"]
    assert json.loads(found["account.json"]) == {
        "schema": SCHEMA,
        "section": "account",
        "records": [{"name": "李娜", "born_on": "1992-03-05"}],
    }
    assert found["a/b.pdf"] == b"%PDF"
    assert "<dt>name</dt><dd>李娜</dd>" in squeezed(found["index.html"])


def test_what_a_person_typed_does_not_become_markup() -> None:
    found = files(bundle(COVER, [Section("s", "S", [{"<b>": ["<script>x</script>", None]}])], []))
    page = squeezed(found["index.html"])
    assert "<script>" not in page
    assert "<dt>&lt;b&gt;</dt><dd><ul><li>&lt;script&gt;x&lt;/script&gt;</li><li></li></ul></dd>" in page


def test_the_same_data_gives_the_same_bytes() -> None:
    parts = [Section("account", "Your account", [{"a": 1}])]
    assert bundle(COVER, parts, []) == bundle(COVER, parts, [])


def test_no_file_hides_another() -> None:
    with pytest.raises(ValueError, match=r"account\.json"):
        bundle(COVER, [Section("account", "Your account", [])], [File("account.json", b"")])
