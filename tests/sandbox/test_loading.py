"""The demonstration's catalogs meet a database that has been used already."""

import shutil
from pathlib import Path

import pytest
from flask import Flask

from marketplace.catalog import queries as catalog
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
    app: Flask, instance: Instance, catalogs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with app.app_context():
        (harbour,) = (desk for desk in loading.load(instance) if desk.insurer.code == HARBOUR)
        before = catalog.products_of_insurer(harbour.insurer.id)
        product = next(catalogs.rglob("product.toml"))
        product.write_text(product.read_text() + "\n# another catalog\n")
        loading.load(instance)
        assert catalog.products_of_insurer(harbour.insurer.id) == before
    assert "harbour: another catalog is on sale already, and stays" in capsys.readouterr().out
