"""The published plans and premiums of real insurers, loaded as uploads and quoted to the cent."""

import csv
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Line, Profile, RatesOnlyRefused
from marketplace.infra import letterhead
from marketplace.infra.db import db
from marketplace.rating import queries as rating
from sandbox import real_data

FOLDER = real_data.data_folder()
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.exists(), reason="the published plans are not there (REAL_DATA)"),
]


@pytest.mark.requirement("SCM-09")
def test_every_published_premium_is_quoted_to_the_cent_and_none_can_be_bought(
    database: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert real_data.import_real(FOLDER) == 75_484
    assert not any(insurer.fictional for insurer in accounts.list_insurers())
    _quote_row_by_row(_versions())
    _compare_a_quarter()
    _load_again(capsys)


def _versions() -> dict[tuple[str, str], UUID]:
    versions = {
        (version.content.code, str(version.effective_from.year)): version.id
        for insurer in accounts.list_insurers()
        for version in catalog.products_of_insurer(insurer.id)
    }
    assert len(versions) == 94
    assert len({code for code, _ in versions}) == 64
    return versions


def _quote_row_by_row(versions: dict[tuple[str, str], UUID]) -> None:
    """Against the file itself: nothing of the importer's own reading of it is used."""
    raters = rating.raters_of(versions.values())
    agreeing = 0
    with (FOLDER / "premiums.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rater = raters[versions[row["hios_id"].lower(), row["effective_from"][:4]]]
            risk = {"start_on": row["effective_from"], "rating_area": row["rating_area"], "age": int(row["age"])}
            total = rater.premium(risk).total
            assert (Decimal(total.minor) / 100, total.currency) == (Decimal(row["monthly_cost"]), "USD"), row
            agreeing += 1
    assert agreeing == 75_484


def _compare_a_quarter() -> None:
    found = catalog.on_sale(Line.US_HEALTH, date(2018, 4, 1))
    assert len(found) == 45
    assert {version.content.profile for version in found} == {Profile.RATES_ONLY}
    assert not any(version.content.profile.can_be_bought for version in found)
    assert catalog.products_per_line(date(2026, 11, 22)) == {Line.US_HEALTH: 64}
    assert catalog.on_sale(Line.US_HEALTH, date(2026, 11, 22)) == ()


def _load_again(capsys: pytest.CaptureFixture[str]) -> None:
    before = _versions()
    assert real_data.import_real(FOLDER) == 75_484
    assert _versions() == before
    assert capsys.readouterr().out.count("(there already)") == 8


def test_production_refuses_them(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letterhead, "_letterhead", replace(letterhead.letterhead(), demonstration=False))
    with pytest.raises(RatesOnlyRefused):
        real_data.import_real(FOLDER)
    db.session.rollback()
    assert accounts.list_insurers() == ()


def test_a_missing_folder_is_said_in_one_line(database: None, tmp_path: Path) -> None:
    with pytest.raises(real_data.CannotImportError, match="say where they are with REAL_DATA="):
        real_data.import_real(tmp_path)


def test_without_a_demonstration_there_is_nothing_to_load_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("INSTANCE_FOLDER", str(tmp_path))
    with pytest.raises(real_data.CannotImportError, match="make run"):
        real_data.settings()
