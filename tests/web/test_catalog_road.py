"""A catalog's whole road through the pages: uploaded, looked at, approved twice, on sale at its instant, ended."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Insurer, Role
from marketplace.catalog import queries as catalog
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.listing import queries as listing
from marketplace.listing.values import UploadState
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.accounts import an_insurer
from tests.factories.catalog import HARBOUR_TERM, changed, zipped
from tests.factories.listing import dearer
from tests.web.conftest import ANSWERS, count, days_later
from tests.web.desk_visits import at_the_desk, links

Work = Callable[[], list[str]]
WHY = "The table of smokers was last year’s."


@dataclass
class Desks:
    """Browsers of two people of Harbour and of a reviewer."""

    shop: Flask
    first: Visitor
    second: Visitor
    reviewer: Visitor
    work: Work

    def upload(self, files: dict[str, bytes], name: str = "harbour.zip") -> str:
        """The address of the upload, read by the worker."""
        self.first.get("/insurer/uploads")
        data = hidden_fields(self.first.text) | {"file": (io.BytesIO(zipped(files)), name)}
        answer = self.first.client.post("/insurer/uploads", data=data)
        assert answer.status_code == 303
        self.work()
        return str(answer.headers["Location"])

    def step(self, who: Visitor, address: str, step: str, **fields: str) -> str:
        who.get(address)
        return who.post(fields, f"{address}/{step}")

    def before_the_marketplace(self, address: str) -> str:
        return address.replace("/insurer/uploads/", "/admin/catalogs/")


@pytest.fixture
def harbour(shop: Flask) -> Insurer:
    with shop.app_context():
        return accounts.insurer_by_code("harbour")


@pytest.fixture
def desks(shop: Flask, client: FlaskClient, harbour: Insurer, work: Work) -> Desks:
    return Desks(
        shop,
        at_the_desk(shop, Role.INSURER_ADMIN, harbour),
        at_the_desk(shop, Role.INSURER_CATALOG, harbour),
        at_the_desk(shop, Role.ADMIN_REVIEWER),
        work,
    )


def state(shop: Flask, harbour: Insurer) -> UploadState:
    with shop.app_context():
        return listing.uploads_of_insurer(harbour.id)[0].state


def in_days(days: int) -> str:
    return (clock.today(ZONE) + timedelta(days=days)).isoformat()


def test_a_file_is_received_at_once_and_every_fault_is_shown_with_its_place(desks: Desks, harbour: Insurer) -> None:
    desks.first.get("/insurer/uploads")
    assert "Please choose a file." in words(desks.first.post({}))
    assert (desks.first.status, count(desks.shop, "listing_upload")) == (422, 0)
    data = hidden_fields(desks.first.text)
    examples = f"{HARBOUR_TERM}examples.csv"
    broken = changed(examples, "34,female,no", "x,female,no")
    broken = changed(examples, "34,male", "35,male", files=broken)
    sent = desks.first.client.post(
        "/insurer/uploads", data=data | {"file": (io.BytesIO(zipped(broken)), "spring\x07 rates.zip")}
    )
    address = str(sent.headers["Location"])
    shown = desks.first.get(address)
    assert 'data-refresh="2"' in shown
    assert "being read" in words(shown)
    desks.work()
    shown = words(desks.first.get(address))
    assert 'data-refresh="2"' not in desks.first.text
    assert "has findings" in shown
    assert "spring rates.zip" in shown
    assert examples in shown
    with desks.shop.app_context():
        found = listing.uploads_of_insurer(harbour.id)[0].findings
        explained = [listing.explain(each) for each in found]
    assert len(found) >= 1
    for finding, said in zip(found, explained, strict=True):
        assert f"{finding.row} {finding.column} {finding.value} {said.wrong}" in shown
    assert "Submit for approval" not in shown


def test_the_whole_road_and_the_new_premium_at_its_instant(
    desks: Desks, harbour: Insurer, visitor: Visitor, shop: Flask
) -> None:
    address = desks.upload(dearer(in_days(3)))
    shown = words(desks.first.get(address))
    assert "The premium rises 0.9 % on average, at most 7.5 %." in shown
    for view, said in (
        ("", "What is not covered"),
        ("/premiums", "Twenty risks at once"),
        ("/difference", "Of 13,320 risks, 13,298 become dearer, 0 become cheaper, 22 stay the same."),
    ):
        assert said in words(desks.first.get(f"{address}/products/1{view}"))
    assert "30–39 years rises 0.8 % on average, at most 6.7 % 3,600" in words(desks.first.text)
    desks.step(desks.first, address, "submit")
    assert "another person of your company has to approve it" in words(desks.first.text)
    assert "/approve" not in desks.first.text
    assert "/approve" in desks.second.get(address)
    desks.step(desks.second, address, "approve")
    ours = desks.before_the_marketplace(address)
    assert links(desks.reviewer.get("/admin/catalogs"), "/admin/catalogs/[0-9a-f-]{36}") == [ours]
    assert "13,298 become dearer" in words(desks.reviewer.get(f"{ours}/products/1/difference"))
    desks.step(desks.reviewer, ours, "accept")
    assert "On sale from" in words(desks.reviewer.text)
    assert state(shop, harbour) is UploadState.PUBLISHED
    for days, premium in ((0, "¥1,320.75"), (2, "¥1,320.75"), (3, "¥1,335.75")):
        days_later(shop, days)
        visitor.compare("term_life", ANSWERS)
        assert premium in words(visitor.text)


def test_premiums_of_a_typed_risk_stand_beside_those_of_today(desks: Desks) -> None:
    address = desks.upload(dearer(in_days(3)))
    desks.first.get(f"{address}/products/1/premiums")
    shown = words(desks.first.post(ANSWERS))
    assert "By this draft ¥1,335.75" in shown
    assert "By version 1 ¥1,320.75" in shown
    assert desks.first.post(dict(ANSWERS) | {"age": "17"}) != ""
    assert desks.first.status == 422
    assert count(desks.shop, "quoting_need") == 0, "nothing is offered to anybody"


@pytest.mark.requirement("O13-45")
def test_nobody_takes_the_step_of_another(desks: Desks, harbour: Insurer, shop: Flask) -> None:
    address = desks.upload(dearer(in_days(3)))
    ours = desks.before_the_marketplace(address)
    assert desks.reviewer.client.get(ours).status_code == 404, "a draft is the insurer's own"
    desks.step(desks.first, address, "submit")
    desks.step(desks.first, address, "approve")
    assert desks.first.status == 422
    assert "Another person has to." in words(desks.first.text)
    desks.step(desks.second, address, "submit")
    assert desks.second.status == 409
    assert state(shop, harbour) is UploadState.SUBMITTED
    with shop.app_context():
        rival = an_insurer("rival")
        db.session.commit()
    stranger = at_the_desk(shop, Role.INSURER_ADMIN, rival)
    for path in (address, f"{address}/products/1", f"{address}/products/1/difference"):
        assert stranger.client.get(path).status_code == 404
    stranger.get("/insurer/uploads")
    stranger.post({}, f"{address}/approve")
    assert (stranger.status, state(shop, harbour)) == (404, UploadState.SUBMITTED)


def test_a_refusal_needs_its_reason_and_the_insurer_reads_it(desks: Desks, harbour: Insurer, shop: Flask) -> None:
    address = desks.upload(dearer(in_days(3)))
    desks.step(desks.first, address, "submit")
    desks.step(desks.second, address, "approve")
    ours = desks.before_the_marketplace(address)
    desks.step(desks.reviewer, ours, "refuse")
    assert (desks.reviewer.status, state(shop, harbour)) == (422, UploadState.APPROVED)
    desks.step(desks.reviewer, ours, "refuse", reason=WHY)
    assert state(shop, harbour) is UploadState.REJECTED
    shown = words(desks.first.get(address))
    assert f"This catalog was not accepted: {WHY}" in shown
    assert "a reviewer of the marketplace" in shown
    desks.step(desks.first, address, "again")
    assert desks.first.at != address
    assert state(shop, harbour) is UploadState.RECEIVED


def test_a_recall_is_told_to_whoever_holds_an_offer(
    desks: Desks, harbour: Insurer, visitor: Visitor, shop: Flask
) -> None:
    offer = visitor.compare("term_life", ANSWERS)[0]
    with shop.app_context():
        (version,) = catalog.products_of_insurer(harbour.id)
    page = f"/insurer/versions/{version.id}"
    desks.first.get(page)
    assert "Please look at this again" in words(desks.first.post({}))
    desks.first.post({"kind": "stop_sale", "at": "2020-01-01T00:00", "reason_en": WHY})
    assert "Choose an instant that has not passed." in words(desks.first.text)
    assert count(shop, "catalog_sale_end") == 0
    desks.first.post({"kind": "stop_sale", "reason_en": WHY})
    assert "The sale stops on" in words(desks.first.text)
    shown = words(visitor.get(offer))
    assert "This product is no longer offered." in shown
    assert WHY in shown
    assert "Apply for this" not in shown
    assert visitor.compare("term_life", ANSWERS) == []
    desks.first.get(page)
    desks.first.post({"kind": "recall", "reason_en": WHY, "reason_zh": "吸烟者费率表有误。"})
    assert "off sale for good" in words(desks.first.text)
    visitor.locale = "zh_Hans_CN"
    assert "吸烟者费率表有误。" in words(visitor.get(offer))
    assert count(shop, "quoting_offer", "voided_at IS NULL") == 0


@pytest.mark.asvs("5.3.1")
def test_of_a_draft_only_its_own_documents_are_handed_out(desks: Desks) -> None:
    address = desks.upload(dearer(in_days(3)))
    (first, *_rest) = links(desks.first.get(f"{address}/products/1"), f"{address}/documents/[0-9a-f]+")
    answer = desks.first.client.get(first)
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    with desks.shop.app_context():
        container = listing.upload(UUID(address.rsplit("/", 1)[1])).sha256
    assert desks.first.client.get(f"{address}/documents/{container}").status_code == 404
