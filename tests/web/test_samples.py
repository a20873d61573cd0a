"""Contracts drawn by lot: checked by the offline verifier, read by a named person, missed when none is (T26-51)."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from marketplace.accounts.values import Account, Role
from marketplace.infra.db import db
from marketplace.oversight import queries, services
from marketplace.oversight.values import OVERDUE_AFTER, Sale
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.web.conftest import count, days_later
from tests.web.desk_visits import at_the_desk

Work = Callable[[], list[str]]
DESK = "/admin/samples"


def status_of(shop: Flask) -> tuple[int, dict[str, object]]:
    answer = shop.test_client().get("/healthz/compliance")
    return answer.status_code, answer.get_json()


@pytest.mark.requirement("T26-51")
def test_the_lot_falls_on_a_contract_it_is_checked_and_a_person_says_what_follows(
    shop: Flask, sale: Sale, work: Work, compliance: Account
) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    assert "No contract was drawn yet." in words(desk.get(DESK))
    desk.post({}, f"{DESK}/draw")
    assert "being checked" in words(desk.text)
    work()
    page = words(desk.get(DESK))
    assert "1 of 1 contracts concluded since" in page
    assert "all are sound" in page
    assert sale.policy_number
    assert sale.policy_number in page
    desk.post({"conclusions": ""}, form_at(desk))
    assert desk.status == 422
    desk.post({"conclusions": "Nothing."}, form_at(desk))
    assert "Nothing." in words(desk.text)
    with shop.app_context():
        (sample,) = queries.samples()
        assert sample.sampled[0].sound
        assert sample.read_by is not None
        (reading,) = (each for each in queries.readings_of(sample.sampled[0].application_id) if each.what == "sampled")
        assert reading.label == "marketplace"
    assert count(shop, "oversight_bundle") == 0, "nothing of the file is kept"
    second = desk.client.post(f"{DESK}/{sample.id}", data=hidden_fields(desk.text) | {"conclusions": "Something else."})
    assert second.status_code == 409
    assert count(shop, "oversight_sample", "words = 'Nothing.'") == 1


@pytest.mark.requirement("T26-51")
def test_what_was_altered_since_is_found_and_rings(
    shop: Flask, sale: Sale, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    shop.extensions["superuser"].execute("SET session_replication_role = replica")
    shop.extensions["superuser"].execute("UPDATE policy_version SET body_sha256 = repeat('0', 64)")
    shop.extensions["superuser"].execute("SET session_replication_role = origin")
    with shop.app_context():
        services.draw_sample()
        db.session.commit()
    work()
    with shop.app_context():
        (sample,) = queries.samples()
    assert len(sample.unsound) == 1
    assert sample.finished_at
    assert [each for each in caplog.messages if each.startswith("ALARM sampled application")]
    assert "1 is not sound" in words(at_the_desk(shop, Role.ADMIN_SALES).get(DESK))


def test_one_is_drawn_a_month_however_often_it_is_looked(shop: Flask, sale: Sale, work: Work) -> None:
    with shop.app_context():
        assert services.draw_monthly() is not None
        assert services.draw_monthly() is None
        db.session.commit()
    days_later(shop, 31)
    with shop.app_context():
        assert services.draw_monthly() is not None
        db.session.commit()
    assert count(shop, "oversight_sample") == 2


@pytest.mark.requirement("T26-51")
def test_thirty_five_days_without_a_report_are_told_to_whoever_watches(shop: Flask, sale: Sale, work: Work) -> None:
    assert status_of(shop) == (200, {"status": "checked"})
    days_later(shop, OVERDUE_AFTER.days + 1)
    assert status_of(shop) == (503, {"status": "overdue", "reasons": ["sample"]})
    assert shop.test_client().get("/healthz/ready").status_code == 200, "the site itself goes on"
    with shop.app_context():
        services.draw_sample()
        db.session.commit()
    work()
    assert status_of(shop)[0] == 200


def test_nobody_says_twice_what_follows_nor_of_what_is_not_there(shop: Flask, sale: Sale) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get(DESK)
    token = hidden_fields(desk.text) | {"conclusions": "Nothing."}
    with shop.app_context():
        unfinished = services.draw_sample()
        db.session.commit()
    assert desk.client.post(f"{DESK}/{unfinished}", data=token).status_code == 409
    assert desk.client.post(f"{DESK}/{sale.id}", data=token).status_code == 404
    assert count(shop, "oversight_sample", "read_at IS NOT NULL") == 0


def form_at(desk: Visitor) -> str:
    """Where the form of the report goes that is to be read."""
    found = re.search(rf'action="({DESK}/[0-9a-f-]{{36}})"', desk.text)
    assert found
    return found[1]
