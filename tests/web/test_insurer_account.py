"""The account of an insurer at its desk and by its machines: its own, without what is not over, and noted where it
names persons (O13-24).
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.accounts.values import Insurer, KeyScope, Role
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.oversight.values import SETTLED_AFTER, Sale
from marketplace.payment import queries as payments
from marketplace.payment.values import LedgerAccount
from sandbox.demo.visitor import Visitor
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.web.conftest import count
from tests.web.desk_visits import at_the_desk
from tests.web.test_catalog_api import described, fits, problem

PAGE, API = "/insurer/account", "/api/v1/bordereaux"


@pytest.fixture
def harbour(shop: Flask) -> Insurer:
    with shop.app_context():
        return accounts.insurer_by_code("harbour")


@pytest.fixture
def day() -> date:
    """On which everything was sold."""
    return clock.now().astimezone(ZoneInfo(ZONE)).date()


@pytest.fixture
def next_day(sale: Sale, day: date) -> Iterator[None]:
    with clock.frozen(clock.now() + timedelta(days=1) + SETTLED_AFTER):
        yield


@pytest.fixture
def finance(shop: Flask, next_day: None, harbour: Insurer) -> Visitor:
    return at_the_desk(shop, Role.INSURER_FINANCE, harbour)


def taken(desk: Visitor, name: str) -> list[list[str]]:
    answer = desk.client.get(f"{PAGE}/{name}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def owed(shop: Flask) -> int:
    with shop.app_context():
        return sum(
            each.total.minor for each in payments.account_totals() if each.account is LedgerAccount.INSURER_PAYABLE
        )


@pytest.mark.requirement("O13-24")
def test_the_page_says_what_is_owed_and_hands_out_the_day(shop: Flask, sale: Sale, finance: Visitor, day: date) -> None:
    page = finance.get(PAGE)
    assert "You are owed" in page
    assert str(sale.policy_number) in page, "what happened last"
    assert f"{PAGE}/days/{day}.csv" in page
    head, before, line, after = taken(finance, f"days/{day}.csv")
    row = dict(zip(head, line, strict=True))
    assert (row["What"], row["Policy number"], row["Currency"]) == ("Premium", sale.policy_number, "CNY")
    assert sale.premium
    assert row["Premium"] == row["Owed"] == f"{sale.premium.minor // 100}.{sale.premium.minor % 100:02}"
    assert "Applicant: Li Na, 1992-03-05" in row["Persons"]
    assert (before[1], before[-2], after[1], after[-2]) == ("Owed before", "0.00", "Owed after", row["Owed"])
    assert -owed(shop) == sale.premium.minor


def test_a_workbook_says_the_same(finance: Visitor, day: date) -> None:
    answer = finance.client.get(f"{PAGE}/days/{day}.xlsx")
    (sheet,) = load_workbook(io.BytesIO(answer.get_data())).worksheets
    read = [list(row) for row in sheet.iter_rows(values_only=True)]
    table = taken(finance, f"days/{day}.csv")
    assert [len(row) for row in read] == [len(row) for row in table]
    assert read[0] == table[0]
    assert [f"{row[-2]:.2f}" for row in read[1:]] == [row[-2] for row in table[1:]]


def test_each_bordereau_that_is_taken_is_noted(shop: Flask, finance: Visitor, day: date) -> None:
    finance.get(PAGE)
    assert count(shop, "accounts_security_event", "type = 'bordereau_taken'") == 0
    taken(finance, f"days/{day}.csv")
    with shop.app_context(), db.engines["reader"].connect() as reader:
        noted = text("SELECT detail, actor_label FROM accounts_security_event WHERE type = 'bordereau_taken'")
        ((detail, actor),) = reader.execute(noted).all()
    assert (detail, actor) == ({"day": day.isoformat()}, "insurer_finance")


def test_a_month_names_no_person(finance: Visitor, day: date) -> None:
    with clock.frozen(clock.now() + timedelta(days=31)):
        desk = at_the_desk(finance.client.application, Role.INSURER_FINANCE, an_own_insurer(finance))
        month = day.replace(day=1)
        assert f"{PAGE}/months/{month}.csv" in desk.get(PAGE)
        table = taken(desk, f"months/{month}.csv")
        assert [row[1] for row in table[1:]] == ["Owed before", "Premium", "Owed after"]
        assert "Li Na" not in str(table)
        assert desk.client.get(f"{PAGE}/months/{month.replace(day=2)}.csv").status_code == 404


def an_own_insurer(desk: Visitor) -> Insurer:
    with desk.client.application.app_context():
        return accounts.insurer_by_code("harbour")


def test_what_is_not_over_is_not_there(finance: Visitor, day: date) -> None:
    for name in (f"days/{day + timedelta(days=1)}.csv", "days/2026-02-30.csv", f"days/{day}.pdf"):
        assert finance.client.get(f"{PAGE}/{name}").status_code == 404


def test_another_insurer_sees_nothing_of_it(shop: Flask, next_day: None, day: date) -> None:
    with shop.app_context():
        other = an_insurer("meadow")
        db.session.commit()
    desk = at_the_desk(shop, Role.INSURER_FINANCE, other)
    assert "Nothing has been sold yet." in desk.get(PAGE)
    assert len(taken(desk, f"days/{day}.csv")) == 1, "its head"


@pytest.mark.usefixtures("next_day")
class TestMachines:
    @pytest.fixture
    def machine(self, shop: Flask) -> FlaskClient:
        return shop.test_client()

    def key(self, shop: Flask, *scopes: KeyScope, code: str = "harbour") -> dict[str, str]:
        with shop.app_context():
            admin = a_member_of_staff(Role.INSURER_ADMIN, accounts.insurer_by_code(code))
            made = services.make_api_key(admin, "accounting", 30, frozenset(scopes))
            db.session.commit()
        return {"Authorization": f"Bearer {made.token}"}

    def test_a_day_is_told_as_it_is_described(self, shop: Flask, sale: Sale, machine: FlaskClient, day: date) -> None:
        answer = machine.get(f"{API}/{day}", headers=self.key(shop, KeyScope.BORDEREAUX_READ))
        told = json.loads(answer.get_data())
        assert fits(told, described(f"{API}/{{day}}", "get", 200))
        (line,) = told["lines"]
        assert (line["event"], line["policy_number"]) == ("premium", sale.policy_number)
        assert {person["name"] for person in line["persons"]} == {"Li Na"}
        assert sum(each["minor"] for each in line["premium_lines"]) == line["premium_minor"]
        assert told["sums"][0]["after_minor"] == -owed(shop)
        assert count(shop, "accounts_security_event", "type = 'bordereau_taken' AND actor_label = 'api_key'") == 1

    @pytest.mark.parametrize("scopes", [(), (KeyScope.CATALOGS_WRITE,)])
    def test_a_key_for_something_else_opens_nothing(
        self, shop: Flask, machine: FlaskClient, day: date, scopes: tuple[KeyScope, ...]
    ) -> None:
        answer = machine.get(f"{API}/{day}", headers=self.key(shop, *scopes))
        assert problem(answer)["status"] == 403
        assert count(shop, "accounts_security_event", "type = 'bordereau_taken'") == 0

    def test_without_a_key_nobody(self, machine: FlaskClient, day: date) -> None:
        assert problem(machine.get(f"{API}/{day}"))["status"] == 401

    def test_a_day_that_is_not_over_is_not_there(self, shop: Flask, machine: FlaskClient, day: date) -> None:
        key = self.key(shop, KeyScope.BORDEREAUX_READ)
        assert problem(machine.get(f"{API}/{day + timedelta(days=1)}", headers=key))["status"] == 404
        assert count(shop, "accounts_security_event", "type = 'bordereau_taken'") == 0

    def test_a_key_of_another_insurer_tells_of_its_own_day(self, shop: Flask, machine: FlaskClient, day: date) -> None:
        with shop.app_context():
            an_insurer("meadow")
            db.session.commit()
        answer = machine.get(f"{API}/{day}", headers=self.key(shop, KeyScope.BORDEREAUX_READ, code="meadow"))
        assert json.loads(answer.get_data()) == {"day": day.isoformat(), "lines": [], "sums": []}


def test_the_desk_makes_a_key_for_one_of_both(shop: Flask, harbour: Insurer) -> None:
    admin = at_the_desk(shop, Role.INSURER_ADMIN, harbour)
    admin.get("/insurer/keys")
    admin.post({"name": "accounting", "days": "30", "opens": "bordereaux:read"}, "/insurer/keys/make")
    with shop.app_context():
        (key,) = accounts.api_keys(harbour.id)
    assert key.scopes == {KeyScope.BORDEREAUX_READ}
