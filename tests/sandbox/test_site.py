"""The demonstration shows the codes of its staff; the marketplace itself cannot."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from config import Settings
from marketplace.app import create_app
from marketplace.infra.db import db
from marketplace.web.doors import ACCESS
from sandbox import site
from sandbox.demo import loading
from sandbox.demo.visitor import Visitor, words
from sandbox.instance import Instance
from tests.web.page_checks import CheckedClient


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """A demonstration with its people and without catalogs."""
    monkeypatch.setattr(loading, "CATALOGS", tmp_path / "catalogs")
    instance = Instance(tmp_path / "instance")
    instance.make()
    return instance


@pytest.fixture
def demonstration(app: Flask, settings: Settings, instance: Instance) -> Iterator[Flask]:
    with app.app_context():
        loading.load(instance)
    shown = create_app(settings)
    shown.test_client_class = CheckedClient
    site.show_codes(shown, instance)
    yield shown
    del ACCESS["demonstration.codes"]
    with shown.app_context():
        for engine in db.engines.values():
            engine.dispose()


def test_a_newcomer_signs_in_as_the_admin_with_what_the_demonstration_shows(
    demonstration: Flask, instance: Instance
) -> None:
    admin = next(account for account in instance.accounts() if account.email == loading.ADMIN)
    visitor = Visitor(demonstration.test_client())
    visitor.get("/sign-in")
    visitor.post({"email": admin.email, "password": admin.password})
    assert visitor.at == "/second-step"
    assert 'href="/demonstration/codes"' in visitor.text
    codes = Visitor(demonstration.test_client())
    codes.get("/demonstration/codes")
    shown = re.search(rf"{re.escape(admin.email)}</td>.*?<code[^>]*>(\d{{6}})</code>", codes.text, re.DOTALL)
    assert shown, words(codes.text)
    step = "UPDATE accounts_one_time_secret SET last_step = last_step - 1"  # the seeding may have been a moment ago
    with demonstration.app_context():
        db.session.execute(text(step))
        db.session.commit()
    visitor.post({"code": shown[1]})
    assert visitor.at == "/admin"


def test_every_member_of_staff_is_there_and_no_customer(demonstration: Flask, instance: Instance) -> None:
    page = demonstration.test_client().get("/demonstration/codes").get_data(as_text=True)
    shown = {account.email for account in instance.accounts() if account.email in page}
    assert shown == {account.email for account in instance.accounts()} - {loading.CUSTOMER}
    assert [account.password for account in instance.accounts() if account.password in page] == []


def test_loading_again_leaves_the_second_steps_as_they_are(demonstration: Flask, instance: Instance) -> None:
    before = instance.accounts()
    with demonstration.app_context():
        loading.load(instance)
    assert instance.accounts() == before


def test_an_older_demonstration_gets_second_steps(demonstration: Flask, instance: Instance) -> None:
    instance.keep_one_time_secret(loading.ADMIN, "")
    with demonstration.app_context():
        loading.load(instance)
    assert all(account.one_time_secret for account in instance.accounts() if account.email != loading.CUSTOMER)


def test_only_this_machine_sees_them(demonstration: Flask) -> None:
    answer = demonstration.test_client().get("/demonstration/codes", environ_base={"REMOTE_ADDR": "198.18.0.7"})
    assert answer.status_code == 404


@pytest.mark.asvs("15.2.3")
def test_production_refuses_to_show_codes_and_the_marketplace_has_no_such_page(
    migrated_app: Flask, instance: Instance
) -> None:
    production = Flask("production")
    production.config["DEMONSTRATION"] = False
    with pytest.raises(site.NotADemonstrationError):
        site.show_codes(production, instance)
    assert "demonstration.codes" not in {rule.endpoint for rule in migrated_app.url_map.iter_rules()}
