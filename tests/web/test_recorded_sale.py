"""What browsers recorded of a sale: held against its forms at the desk, part of its evidence, and played after a reason
was given, under an origin where nothing else is.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask

from marketplace.accounts.values import Account, Role
from marketplace.infra import storage
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.ids import new_id
from marketplace.oversight import queries as oversight
from marketplace.oversight.models import PictureRow
from marketplace.oversight.values import Sale
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Visitor, words
from tests.factories.evidence import File, asked, faults
from tests.factories.recordings import record, view_of
from tests.web.desk_visits import at_the_desk

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
PICTURE = b"\x89PNG\r\n\x1a\n of a page"
THERE = "http://replay.localhost:8000"


@pytest.mark.requirement("T26-37")
@pytest.mark.parametrize(
    ("ticked", "told"),
    [
        (True, "The browser recorded 1 page. It agrees with what the forms carried."),
        (False, "Not covered: the form carried a tick that the browser did not report (confirmation)"),
    ],
)
def test_the_desk_is_told_whether_both_agree(shop: Flask, sale: Sale, *, ticked: bool, told: str) -> None:
    with shop.app_context(), use_scope(Scope.all()):
        view = view_of(sale.application_id, "application.exclusions")
        record(view, ticked=ticked)
    page = words(at_the_desk(shop, Role.ADMIN_SALES).get(f"/admin/sales/{sale.id}"))
    assert told in page
    assert ("what the forms carried disagree" in page) is not ticked
    assert "Kept what the browser recorded on a page" in page


@pytest.mark.usefixtures("no_browser")
@pytest.mark.requirement("T26-39", "T26-41")
def test_the_evidence_holds_the_recording_and_the_verifier_its_hash(
    shop: Flask, sale: Sale, compliance: Account, into_the_log: Callable[[], int]
) -> None:
    with shop.app_context():
        with use_scope(Scope.all()):
            sha256 = record(view_of(sale.application_id, "application.exclusions"), ticked=True)
        into_the_log()
        file = File.of(asked(sale.application_id, compliance), compliance)
        (entry,) = (each for each in file.core["entries"] if each["leaf"]["t"] == EntryType.RECORDING_KEPT)
        assert {name: sha256_hex(data) for name, data in file.exhibits("recording").items()} == {
            f"recording-{entry['index']}.json": sha256
        }
        assert faults(file.data) == set()


@pytest.fixture
def address(shop: Flask, sale: Sale) -> str:
    """Of the page at the desk."""
    with shop.app_context(), use_scope(Scope.all()):
        view = view_of(sale.application_id, "application.exclusions")
        record(view, ticked=True)
    return f"/admin/sales/{sale.id}/recordings/{view.id}"


def readings(shop: Flask, sale: Sale) -> list[tuple[str, str]]:
    with shop.app_context(), use_scope(Scope.all()):
        return [(each.what, each.reason) for each in oversight.readings_of(sale.application_id)]


def player_of(desk: Visitor) -> str:
    return unescape(re.findall(rf'src="({THERE}/replay/[^"]+)"', desk.text)[0])


@pytest.mark.requirement("T26-48")
def test_it_is_played_after_a_reason_which_is_entered(shop: Flask, sale: Sale, address: str) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    assert address in desk.get(f"/admin/sales/{sale.id}")
    before = readings(shop, sale)
    desk.get(address)
    assert "<iframe" not in desk.text
    desk.post({"reason": ""})
    assert (desk.status, "<iframe" in desk.text) == (422, False)
    assert readings(shop, sale) == before
    desk.post({"reason": "A complaint of the customer"})
    assert readings(shop, sale) == [*before, ("replayed", "A complaint of the customer")]
    assert f"/admin/sales/{sale.id}/pages/" in desk.text, "the page as it was sent stands beside"
    player = shop.test_client().get(player_of(desk).removeprefix(THERE), base_url=THERE)
    policy = player.headers["Content-Security-Policy"]
    assert player.status_code == 200
    assert "frame-ancestors http://localhost:8000;" in policy
    assert "script-src 'nonce-" in policy
    assert policy.endswith("sandbox allow-scripts allow-same-origin")
    assert "Set-Cookie" not in player.headers
    assert "Confirmed what is not covered" in words(player.text)


def test_the_stored_picture_of_the_page_stands_beside_where_one_was_made(
    shop: Flask, sale: Sale, address: str, into_the_log: Callable[[], int]
) -> None:
    into_the_log()
    with shop.app_context(), use_scope(Scope.all()):
        view = view_of(sale.application_id, "application.exclusions")
        sha256 = storage.put_sealed(PICTURE, sale.application_id)
        what = {"id": new_id(), "application_id": sale.application_id, "log_index": view.log_index, "sha256": sha256}
        db.session.add(PictureRow(**what, kind="png", browser="a browser", made_at=clock.now()))
        db.session.commit()
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get(address)
    assert b64encode(PICTURE).decode() not in desk.text
    desk.post({"reason": "A complaint of the customer"})
    assert f'src="data:image/png;base64,{b64encode(PICTURE).decode()}"' in desk.text


def test_under_its_origin_there_is_nothing_else_and_it_is_nowhere_else(
    shop: Flask,
    sale: Sale,
    address: str,
) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get(address)
    desk.post({"reason": "A complaint of the customer"})
    path, client = player_of(desk).removeprefix(THERE), shop.test_client()
    assert client.get(path).status_code == 404
    assert client.get(f"{path}x", base_url=THERE).status_code == 404
    for elsewhere in ("/", "/sign-in", "/admin", "/left", "/no-such-page"):
        assert client.get(elsewhere, base_url=THERE).status_code == 404
    with client.get("/static/js/player.js", base_url=THERE) as script:
        assert script.status_code == 200


def test_only_a_recording_of_that_sale_is_played(shop: Flask, sale: Sale, address: str) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get(f"/admin/sales/{sale.id}/recordings/00000000-0000-4000-8000-000000000000")
    assert desk.status == 404


def test_without_an_origin_of_its_own_nothing_is_played(
    shop: Flask,
    sale: Sale,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(shop.config, "REPLAY_ORIGIN", "")
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    assert address not in desk.get(f"/admin/sales/{sale.id}")
    desk.get(address)
    assert desk.status == 404
