"""The published plans and premiums of real insurers, loaded as uploads and quoted to the cent."""

import csv
import os
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Line, Profile
from marketplace.infra import letterhead
from marketplace.infra.db import db
from marketplace.rating import queries as rating
from sandbox import real_data

FOLDER = real_data.data_folder()
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.exists(), reason="the published plans are not there (REAL_DATA)"),
]


@pytest.fixture
def imported(database: None, capsys: pytest.CaptureFixture[str]) -> int:
    return real_data.import_real(FOLDER)


@pytest.mark.requirement("SCM-09")
def test_every_published_premium_is_quoted_to_the_cent(imported: int) -> None:
    assert imported == 75_484
    versions: dict[tuple[str, str], UUID] = {}
    for insurer in accounts.list_insurers():
        for version in catalog.products_of_insurer(insurer.id):
            versions[version.content.code, str(version.effective_from.year)] = version.id
    raters = rating.raters_of(versions.values())
    compared = defaultdict(int)
    # The file itself, row by row: nothing of the importer's own reading of it is used.
    with (FOLDER / "premiums.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rater = raters[versions[row["hios_id"].lower(), row["effective_from"][:4]]]
            risk = {"start_on": row["effective_from"], "rating_area": row["rating_area"], "age": int(row["age"])}
            breakdown = rater.premium(risk)
            assert Decimal(breakdown.total.minor) / 100 == Decimal(row["monthly_cost"]), row
            compared[breakdown.total.currency] += 1
    assert compared == {"USD": 75_484}
    assert len(versions) == 94
    assert len({code for code, _ in versions}) == 64


@pytest.mark.requirement("O13-16")
def test_plans_of_a_quarter_are_compared_and_none_can_be_bought(imported: int) -> None:
    found = catalog.on_sale(Line.US_HEALTH, date(2018, 4, 1))
    assert len(found) == 45
    assert {version.content.profile for version in found} == {Profile.RATES_ONLY}
    assert not any(version.content.profile.can_be_bought for version in found)
    assert not any(insurer.fictional for insurer in accounts.list_insurers())
    assert catalog.products_per_line(date(2026, 11, 22)) == {Line.US_HEALTH: 64}
    assert catalog.on_sale(Line.US_HEALTH, date(2026, 11, 22)) == ()


def test_loading_again_changes_nothing(imported: int, capsys: pytest.CaptureFixture[str]) -> None:
    before = {version.id for insurer in accounts.list_insurers() for version in catalog.products_of_insurer(insurer.id)}
    assert real_data.import_real(FOLDER) == 75_484
    after = {version.id for insurer in accounts.list_insurers() for version in catalog.products_of_insurer(insurer.id)}
    assert after == before
    assert capsys.readouterr().out.count("(there already)") == 8


def test_production_refuses_them(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from marketplace.catalog.values import RatesOnlyRefused

    monkeypatch.setattr(letterhead, "_letterhead", replace(letterhead.letterhead(), demonstration=False))
    with pytest.raises(RatesOnlyRefused):
        real_data.import_real(FOLDER)
    db.session.rollback()
    assert accounts.list_insurers() == ()


def test_a_missing_folder_is_said_in_one_line(database: None, tmp_path: Path) -> None:
    with pytest.raises(real_data.CannotImportError, match="say where they are with REAL_DATA="):
        real_data.import_real(tmp_path)


def test_without_a_demonstration_there_is_nothing_to_load_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(os.environ, "DATABASE_URL", raising=False)
    monkeypatch.setenv("INSTANCE_FOLDER", str(tmp_path))
    with pytest.raises(real_data.CannotImportError, match="make run"):
        real_data.settings()
