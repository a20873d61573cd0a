"""What browsers recorded of a sale: held against its forms at the desk, and part of its evidence."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from marketplace.accounts.values import Role
from marketplace.infra import pictures
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel.canonical import sha256_hex
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Sale, SaleFilter
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import Entry, EntryType
from sandbox.demo.visitor import words
from sandbox.embedded_db import EmbeddedServer
from tests.factories.accounts import a_member_of_staff
from tests.factories.evidence import File, asked, faults, without_a_browser
from tests.factories.log import a_key_folder, integrate
from tests.web.desk_visits import at_the_desk, buy

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
BOX = {"id": 3, "tagName": "input", "attributes": {"type": "checkbox", "name": "confirm", "value": "yes"}}


@pytest.fixture
def sale(shop: Flask, work: Work, code_for: CodeFor) -> Sale:
    buy(shop, work, code_for)
    with shop.app_context(), use_scope(Scope.all()):
        (found,) = (each for each in oversight.sales(SaleFilter()).sales if each.policy_id)
    return found


def view_of(sale: Sale, page: str) -> Entry:
    """The first view of that page in the application, with the act that came of it."""
    entries = [each for each in trail.entries_of_application(sale.application_id) if each.page_sha256]
    versions = {each.id: each.page for each in trail.page_versions(each.page_version_id for each in entries)}
    return next(each for each in entries if versions[each.page_version_id] == page)


def record(view: Entry, *, ticked: bool) -> str:
    """What an honest browser, or one whose box was never ticked, says of a page; the hash it is kept under."""
    at = int(view.recorded_at.timestamp() * 1000)
    events: list[dict[str, Any]] = [
        {"type": 2, "data": {"node": {"childNodes": [BOX]}, "initialOffset": {}}, "timestamp": at},
        {"type": 5, "data": {"tag": "submit", "payload": {}}, "timestamp": at + 10},
    ]
    if ticked:
        tick = {"source": 5, "id": 3, "text": "yes", "isChecked": True}
        events.insert(1, {"type": 3, "data": tick, "timestamp": at + 5})
    said = {"number": 0, "sent_at": at + 10, "left": True, "cut": False, "events": events}
    traceability.keep_interactions(view.id, gzip.compress(json.dumps(said).encode()))
    traceability.keep_recording(view.id)
    db.session.commit()
    return trail.recordings_of(view.application_id)[-1].sha256


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
        view = view_of(sale, "application.exclusions")
        record(view, ticked=ticked)
    page = words(at_the_desk(shop, Role.ADMIN_SALES).get(f"/admin/sales/{sale.id}"))
    assert told in page
    assert ("disagree" in page) is not ticked
    assert "Kept what the browser recorded on a page" in page


@pytest.mark.requirement("T26-39", "T26-41")
def test_the_evidence_holds_the_recording_and_the_verifier_its_hash(
    shop: Flask, sale: Sale, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "take", without_a_browser)
    with shop.app_context():
        with use_scope(Scope.all()):
            sha256 = record(view_of(sale, "application.exclusions"), ticked=True)
        integrate(server, a_key_folder(tmp_path / "log"))
        compliance = a_member_of_staff(Role.ADMIN_COMPLIANCE)
        db.session.commit()
        file = File.of(asked(sale.application_id, compliance), compliance)
        (entry,) = (each for each in file.core["entries"] if each["leaf"]["t"] == EntryType.RECORDING_KEPT)
        assert {name: sha256_hex(data) for name, data in file.exhibits("recording").items()} == {
            f"recording-{entry['index']}.json": sha256
        }
        assert faults(file.data) == set()
