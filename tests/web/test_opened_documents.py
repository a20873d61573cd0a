"""A document that its page does not show is opened before it is confirmed, and only who opened it did."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.application import queries as applications
from marketplace.infra import storage
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Entry, EntryType
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.traceability import altering
from tests.web.conftest import NothingWritten

AtStep = Callable[..., Visitor]
FIRST_OPEN = "Please open the document and read it before you confirm it."


def as_files(shop: Flask) -> None:
    """The insurers filed PDF files; only what a page can tell of them is changed."""
    with shop.app_context(), altering("catalog_document") as owner:
        owner.execute(text("UPDATE catalog_document SET media_type = 'application/pdf'"))


def of_documents(shop: Flask, application_id: UUID) -> list[Entry]:
    with shop.app_context():
        entries = trail.entries_of_application(application_id)
    wanted = EntryType.DOCUMENT_OPENED, EntryType.DOCUMENT_CONFIRMED
    return [each for each in entries if each.type in wanted]


@pytest.mark.requirement("T26-06", "T26-14", "T26-23")
def test_a_file_is_confirmed_only_after_it_was_opened(
    shop: Flask, at_step: AtStep, nothing_written: NothingWritten
) -> None:
    visitor = at_step("documents")
    application_id = UUID(visitor.at.split("/")[2])
    as_files(shop)
    page = visitor.at
    before = of_documents(shop, application_id)
    visitor.get(page)
    assert len(of_documents(shop, application_id)) == len(before), "shown, not opened"
    with nothing_written():
        visitor.post({"confirm": "yes"})
    assert visitor.status == 422
    assert FIRST_OPEN in words(visitor.text)
    visitor.get(page)
    form = hidden_fields(visitor.text)
    for _twice in range(2):
        answer = visitor.client.post(page, data=form | {"open": "1"})
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    with shop.app_context():
        first, second = applications.application_view(application_id).documents
        assert answer.data == storage.get(first.document.sha256)
    assert [(each.opened, each.confirmed) for each in (first, second)] == [(True, False), (False, False)]
    visitor.get(page)
    visitor.post({"confirm": "yes"})
    assert visitor.at.endswith("/documents/2")
    opened, confirmed = of_documents(shop, application_id)[len(before) :]
    assert (opened.type, confirmed.type) == (EntryType.DOCUMENT_OPENED, EntryType.DOCUMENT_CONFIRMED)
    assert opened.body["sha256"] == confirmed.body["sha256"] == first.document.sha256
    assert opened.page_version_id is not None
    with nothing_written():
        visitor.post({"confirm": "yes"})
    assert visitor.status == 422, "the one says nothing of the other"


@pytest.mark.requirement("T26-06")
def test_a_page_that_only_leads_to_a_file_opens_nothing(shop: Flask, at_step: AtStep) -> None:
    visitor = at_step("documents")
    as_files(shop)
    with shop.app_context():
        document = applications.application_view(UUID(visitor.at.split("/")[2])).documents[0].document
    visitor.get(f"/documents/{document.id}/read")
    with visitor.client.session_transaction() as session, shop.app_context():
        shown = trail.journey_entries(UUID(session["journey"]))[-1]
    assert (shown.type, shown.body["sha256"]) == (EntryType.PAGE_SHOWN, document.sha256)
