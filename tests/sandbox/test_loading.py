"""The demonstration's catalogs meet a database that has been used already."""

import shutil
from pathlib import Path

import pytest
from flask import Flask

from marketplace.catalog import queries as catalog
from marketplace.listing import queries as listing
from marketplace.listing.values import UploadState
from sandbox.demo import loading
from sandbox.instance import Instance

HARBOUR = "harbour"


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    instance = Instance(tmp_path / "instance")
    instance.make()
    return instance


@pytest.fixture
def catalogs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with Harbour's catalog only."""
    shutil.copytree(loading.CATALOGS / HARBOUR, tmp_path / "catalogs" / HARBOUR)
    monkeypatch.setattr(loading, "CATALOGS", tmp_path / "catalogs")
    return tmp_path / "catalogs"


def test_a_catalog_that_changed_leaves_on_sale_what_was_loaded_first(
    app: Flask, instance: Instance, catalogs: Path
) -> None:
    with app.app_context():
        (harbour,) = (desk for desk in loading.load(instance) if desk.insurer.code == HARBOUR)
        before = catalog.products_of_insurer(harbour.insurer.id)
        product = next(catalogs.rglob("product.toml"))
        product.write_text(product.read_text() + "\n# another catalog\n")
        loading.load(instance)
        assert catalog.products_of_insurer(harbour.insurer.id) == before
        (upload,) = listing.uploads_of_insurer(harbour.insurer.id)
    assert (upload.state, upload.approved_by) == (UploadState.PUBLISHED, harbour.second.id)
    assert (upload.received_by, upload.submitted_by) == (harbour.staff.id, harbour.staff.id)
