"""Pictures of the pages of a contract: of the kept bytes alone, made once, the same after everything has changed
(T26-39, T26-42).
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.accounts.values import Account
from marketplace.catalog import queries as catalog
from marketplace.infra import pictures, storage, vault
from marketplace.infra.db import db
from marketplace.infra.pictures import Picture, Taken
from marketplace.kernel.ids import new_id
from marketplace.kernel.remembering import Remembered
from marketplace.oversight import services
from marketplace.oversight.services import pictures as taking
from marketplace.oversight.values import Sale
from marketplace.traceability.queries import trail
from tests.deferred_jobs import hasten, waiting
from tests.factories.evidence import File, asked, faults
from tests.web.conftest import the_sale
from tests.web.desk_visits import buy

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
CHROMIUM = next(filter(None, map(shutil.which, pictures._NAMES)), None)


class Photographer:
    """In place of Chromium: a picture says of which page it is and what lay beside it."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.files: Mapping[str, pictures.File] = {}
        self.held: list[str | None] = []

    def take(self, pages: Sequence[bytes], files: Mapping[str, pictures.File]) -> Taken:
        self.asked += pages
        self.held.append(db.session.scalar(text("SELECT pg_current_xact_id_if_assigned()::text")))
        self.files = files
        made = (Picture(b"\x89PNG" + page[-40:] + bytes([number]), b"%PDF" + page) for number, page in enumerate(pages))
        return Taken(tuple(made), "Chromium 1")


@pytest.fixture
def photographer(monkeypatch: pytest.MonkeyPatch) -> Photographer:
    found = Photographer()
    monkeypatch.setattr(pictures, "take", found.take)
    return found


@pytest.fixture
def static(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The static files of this test, which may change."""
    folder = tmp_path / "static"
    shutil.copytree(taking.STATIC, folder)
    monkeypatch.setattr(taking, "STATIC", folder)
    return folder


def test_the_log_does_not_wait_while_pictures_are_made(
    shop: Flask, sale: Sale, compliance: Account, photographer: Photographer, work: Work
) -> None:
    """It takes in nothing behind a transaction that may still write."""
    assert sale.application_id
    with shop.app_context():
        File.of(asked(sale.application_id, compliance), compliance)
        shop.extensions["superuser"].execute("DELETE FROM oversight_picture")
        services.draw_sample()
        db.session.commit()
    work()
    assert photographer.held == [None, None]


@pytest.mark.requirement("T26-42", "T26-39")
def test_templates_assets_and_product_change_and_the_pictures_stay(
    shop: Flask, sale: Sale, compliance: Account, photographer: Photographer, static: Path
) -> None:
    assert sale.application_id
    with shop.app_context():
        first = File.of(asked(sale.application_id, compliance), compliance)
        taken = len(photographer.asked)
        shutil.rmtree(static)
        shop.extensions["superuser"].execute("SET session_replication_role = replica")
        for table in ("catalog_product", "catalog_product_version", "rating_tariff", "listing_upload"):
            shop.extensions["superuser"].execute(f"DELETE FROM {table}")
        shop.extensions["superuser"].execute("SET session_replication_role = origin")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shop.jinja_env, "loader", None)
            shop.extensions["pages"].forget()
            vault.forget()
            patch.setattr(catalog, "_contents", Remembered(size=1))
            patch.setattr(trail, "_journeys", Remembered(size=1))
            second = File.of(asked(sale.application_id, compliance), compliance)
        assert faults(second.data) == set()
    pages = [each for each in first.core["entries"] if each["page"]]
    assert len(first.exhibits("picture")) == 2 * len(pages) > 20
    assert [first.files[each["page"]] for each in pages] == photographer.asked[:taken]
    assert len(photographer.asked) == taken, "each was made once"
    assert first.exhibits("picture") == second.exhibits("picture")
    assert first.core_files == second.core_files
    assert first.wrapper["pictures"] == {}


def test_a_file_of_today_is_not_put_in_the_place_of_the_one_of_then(
    shop: Flask, sale: Sale, compliance: Account, photographer: Photographer, static: Path
) -> None:
    style = static / "css/evenfold.css"
    style.write_bytes(style.read_bytes() + b"/* of today */")
    assert sale.application_id
    with shop.app_context():
        asked(sale.application_id, compliance)
    kept = photographer.files["/static/css/evenfold.css"].data
    assert kept == style.read_bytes().removesuffix(b"/* of today */"), "from the store, where the release put it"
    assert photographer.files["/static/js/evenfold.js"].media_type == "text/javascript"


def test_a_picture_that_looks_like_anothers_stays_when_the_other_is_erased(
    shop: Flask, sale: Sale, compliance: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = Picture(b"\x89PNG of nobody in particular", b"%PDF of nobody in particular")
    monkeypatch.setattr(pictures, "take", lambda pages, _files: Taken((alike,) * len(pages), "Chromium 1"))
    assert sale.application_id
    with shop.app_context():
        other = new_id()
        for data in (alike.png, alike.pdf):
            storage.put_sealed(data, other)
        vault.destroy(other)
        db.session.commit()
        vault.forget()
        file = File.of(asked(sale.application_id, compliance), compliance)
    assert set(file.exhibits("picture").values()) == {alike.png, alike.pdf}


@pytest.mark.requirement("T26-39")
def test_a_job_after_the_sale_makes_them_once_it_is_in_the_log(
    shop: Flask,
    work: Work,
    code_for: CodeFor,
    photographer: Photographer,
    into_the_log: Callable[[], int],
    *,
    compliance: Account,
) -> None:
    buy(shop, work, code_for)
    for _ in range(2):  # nothing is in a log: put off, quietly
        with shop.app_context():
            hasten("oversight.take_pictures")
        work()
    assert photographer.asked == []
    into_the_log()
    for _ in range(2):
        with shop.app_context():
            hasten("oversight.take_pictures")
        work()
    made = tuple(photographer.asked)
    application_id = the_sale(shop).application_id
    assert application_id
    with shop.app_context():
        assert "oversight.take_pictures" not in waiting()
        file = File.of(asked(application_id, compliance), compliance)
    assert made == tuple(file.files[each["page"]] for each in file.core["entries"] if each["page"])
    assert len(photographer.asked) == len(made), "the file found all of them made"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: no picture of a page is made")
@pytest.mark.timeout(300)
def test_chromium_makes_them(shop: Flask, sale: Sale, compliance: Account) -> None:
    assert sale.application_id
    with shop.app_context():
        bundle = asked(sale.application_id, compliance)
        file = File.of(bundle, compliance)
        assert (bundle.verified, faults(file.data)) == (True, set())
    images = file.exhibits("picture")
    assert {name.rsplit(".", 1)[1] for name in images} == {"png", "pdf"}
    assert all(data.startswith(b"\x89PNG" if name.endswith("png") else b"%PDF") for name, data in images.items())
    assert json.loads(file.files["wrapper/wrapper.json"])["pictures"] == {}
