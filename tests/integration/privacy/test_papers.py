"""The papers of an application that nobody confirmed go with it, unless something else refers to the same bytes."""

from datetime import timedelta

import pytest

from marketplace.accounts import rules
from marketplace.accounts import services as accounts
from marketplace.accounts.models import InsurerApplicationRow
from marketplace.accounts.values import CodePurpose
from marketplace.catalog import queries as catalog
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import NotFound
from marketplace.listing import queries as listing
from marketplace.privacy.services import forgetting
from tests.factories.accounts import an_applicant, an_application, an_insurer
from tests.factories.catalog import catalog_files, harbour_term
from tests.factories.listing import people_of, read

PAPER = b"%PDF-1.7 licence"
AFTER = rules.LIFETIMES[CodePurpose.CONFIRM_APPLICANT] + timedelta(days=1, minutes=1)


@pytest.fixture(autouse=True)
def no_file_is_fresh(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days pass in a test by our clock, which files do not know."""
    monkeypatch.setattr(storage, "_MAY_BE_ON_ITS_WAY", -1.0)


def apply(paper: bytes = PAPER) -> str:
    """An unconfirmed application with these bytes, as if they were a PDF that somebody else has uploaded too."""
    accounts.apply_as_insurer(an_application())
    row = db.session.query(InsurerApplicationRow).filter_by(state="unconfirmed").one()
    row.documents = [{"name": "licence.pdf", "sha256": storage.put(paper), "size": len(paper)}]
    db.session.flush()
    return sha256_hex(paper)


def forget() -> None:
    with clock.frozen(clock.now() + AFTER):
        assert list(forgetting.forget_applicants()) == [{}]


def forgotten_with(paper: bytes) -> str:
    """The hash of a paper of an application that was forgotten."""
    sha256 = apply(paper)
    forget()
    assert db.session.query(InsurerApplicationRow).filter_by(state="unconfirmed").count() == 0
    return sha256


@pytest.mark.requirement("T26-47")
def test_papers_go_with_the_application() -> None:
    sha256 = forgotten_with(PAPER)
    with pytest.raises(NotFound):
        storage.get(sha256)


def test_papers_are_not_removed_while_the_link_works() -> None:
    sha256 = apply()
    assert list(forgetting.forget_applicants()) == [{}]
    assert storage.get(sha256) == PAPER
    assert db.session.query(InsurerApplicationRow).count() == 1


def test_a_paper_of_another_application_stays() -> None:
    an_applicant(an_application("birch", "admin@birch.example", papers=(("licence.pdf", PAPER),)))
    assert storage.get(forgotten_with(PAPER)) == PAPER


def test_a_paper_that_is_a_document_of_a_product_stays() -> None:
    document = storage.get(catalog.documents_of(harbour_term().id)[0].sha256)
    assert storage.get(forgotten_with(document)) == document


def test_a_paper_that_is_a_document_in_a_draft_stays() -> None:
    upload = read(people_of(an_insurer()), catalog_files())
    sha256 = listing.draft(upload.id, 1).content.documents[0].sha256
    document = storage.get(sha256)
    assert catalog.files_used({sha256}) == frozenset()
    assert storage.get(forgotten_with(document)) == document
    assert listing.files_used({upload.sha256, sha256, "0" * 64}) == {upload.sha256, sha256}
