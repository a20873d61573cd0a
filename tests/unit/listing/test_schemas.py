"""The published JSON Schemas are those of the types that read an upload."""

import json

import pytest

from marketplace.listing.intake.schemas import FOLDER, schemas


@pytest.mark.asvs("2.1.1")
def test_the_files_are_what_the_command_writes() -> None:
    written = {path.name: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
    assert written == schemas()


def test_a_file_of_the_format_says_nothing_that_intake_works_out() -> None:
    product = schemas()["product.json"]
    assert "questions" not in product["properties"]
    assert set(product["$defs"]["DocumentRef"]["properties"]) == {"kind", "locale", "title", "file"}
    of_tables = {"name", "file", "value", "exact", "banded", "interpolated", "scale"}
    assert set(schemas()["tariff.json"]["$defs"]["Table"]["properties"]) == of_tables
