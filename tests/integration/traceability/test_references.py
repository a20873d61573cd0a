"""Views are kept against what different people were shown alike; nothing about anybody is in that file."""

import shutil
import subprocess
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import NotFound
from marketplace.traceability import queries, services
from marketplace.traceability.jobs.referencing import make_references
from marketplace.traceability.models import IntakeRow
from marketplace.traceability.values import Actor, ActorRole, PageManifest, Release
from tests.everything import every_row
from tests.factories.traceability import a_journey, a_release, a_released_manifest, a_view

pytestmark = pytest.mark.usefixtures("database")
WORDS = "".join(f"<p>Cover {number} pays {number * 7919} for what happens then.</p>\n" for number in range(300))


def a_page(who: str) -> bytes:
    return f"<!doctype html>\n<h1>For {who}</h1>\n{WORDS}<p>Aged 34</p>\n<i>{uuid4()}</i>\n".encode()


def a_manifest_of(release: Release) -> PageManifest:
    return a_released_manifest(release, product_version_id=UUID(int=1))


@pytest.fixture
def version() -> str:
    release = a_release()
    return services.put_online(a_manifest_of(release), release.number).version_id


def show(version: str, who: str, journey_id: UUID | None = None, **changes: object) -> UUID:
    """A page shown to somebody, against the reference where there is one."""
    release = queries.releases()[0]
    reference = services.put_online(a_manifest_of(release), release.number).reference
    return services.record_view(
        a_view(journey_id or a_journey(), a_page(who), page_version_id=version, reference=reference, **changes)
    )


def reference_of(version: str) -> bytes | None:
    with every_row() as owner:
        asked = text("SELECT sha256 FROM traceability_page_reference WHERE page_version_id = decode(:id, 'hex')")
        sha256 = owner.execute(asked, {"id": version}).scalar_one_or_none()
    return None if sha256 is None else storage.get(sha256)


def kept(entry_id: UUID) -> tuple[str | None, int]:
    """Against which file a view is kept, and how many bytes that takes."""
    with every_row() as owner:
        columns = "encode(page_reference, 'hex'), length(page_bytes)"
        asked = text(f"SELECT {columns} FROM traceability_evidence_intake WHERE id = :id")
        row = owner.execute(asked, {"id": entry_id}).one()
    return row[0], row[1]


def test_the_third_person_makes_the_reference_and_it_is_about_none_of_them(version):
    for who in ("Li Na", "Wang Fang"):
        show(version, who)
    make_references()
    assert reference_of(version) is None
    show(version, "Chen Jie")
    make_references()
    reference = reference_of(version)
    assert reference is not None
    assert all(each in reference for each in (b"<!doctype html>\n", WORDS.encode(), b"Aged 34"))
    assert [who for who in (b"Li Na", b"Wang Fang", b"Chen Jie", b"For ") if who in reference] == []
    make_references()
    assert reference_of(version) == reference


def test_a_view_against_the_reference_is_small_and_comes_back_byte_for_byte(version):
    first = [show(version, who) for who in ("Li Na", "Wang Fang", "Chen Jie")]
    make_references()
    entry_id = show(version, "Zhao Min")
    sha256, size = kept(entry_id)
    assert sha256 == sha256_hex(reference_of(version))
    assert size < 200
    assert all(kept(each)[0] is None and kept(each)[1] > 5 * size for each in first)
    entry, page = queries.entry(entry_id), queries.page_bytes(entry_id)
    assert page.startswith(b"<!doctype html>\n<h1>For Zhao Min</h1>\n")
    assert sha256_hex(page) == entry.page_sha256
    assert list(queries.pages_of_journey(entry.journey_id).values()) == [page]


@pytest.mark.skipif(shutil.which("zstd") is None, reason="the program zstd is not on this machine")
@pytest.mark.requirement("T26-39")
def test_the_program_zstd_brings_a_view_back(version, tmp_path: Path):
    for who in ("Li Na", "Wang Fang", "Chen Jie"):
        show(version, who)
    make_references()
    entry_id = show(version, "Zhao Min")
    entry = queries.entry(entry_id)
    with every_row() as owner:
        sealed = owner.execute(
            text("SELECT page_bytes FROM traceability_evidence_intake WHERE id = :id"), {"id": entry_id}
        ).scalar_one()
    (tmp_path / "reference").write_bytes(reference_of(version))
    (tmp_path / "view.zst").write_bytes(IntakeRow.page_bytes.opened(entry_id, entry.journey_id, sealed))
    said = subprocess.run(
        ["zstd", "-d", "-D", "reference", "view.zst", "--stdout"], cwd=tmp_path, capture_output=True, check=True
    )
    assert sha256_hex(said.stdout) == entry.page_sha256


@pytest.mark.parametrize("same", ["journey", "account", "need", "application without account"])
def test_who_may_be_one_person_counts_as_one(version, same):
    journey_id, account_id, need_id = a_journey(), uuid4(), uuid4()
    changes = {
        "journey": {"journey_id": journey_id},
        "account": {"actor": Actor(ActorRole.CUSTOMER, account_id)},
        "need": {"body": {"need_id": need_id}},
        "application without account": {},
    }[same]
    for _ in range(4):
        apart = {"application_id": uuid4()} if same == "application without account" else {}
        show(version, "Li Na", **(changes | apart))
    make_references()
    assert reference_of(version) is None


def test_staff_are_no_visitors(version):
    for who in ("Li Na", "Wang Fang"):
        show(version, who)
    show(version, "Chen Jie", actor=Actor(ActorRole.ADMIN, uuid4()))
    make_references()
    assert reference_of(version) is None


def test_without_its_reference_a_view_is_lost_and_the_next_is_kept_by_itself(version, monkeypatch):
    for who in ("Li Na", "Wang Fang", "Chen Jie"):
        show(version, who)
    make_references()
    against = show(version, "Zhao Min")
    monkeypatch.setattr(storage._configured(), "get", _gone)
    monkeypatch.setattr("marketplace.traceability.queries.references.LOOKED_AT_SECONDS", 0.0)
    by_itself = show(version, "Sun Li")
    assert kept(by_itself)[0] is None
    assert b"Sun Li" in queries.page_bytes(by_itself)
    with pytest.raises(NotFound):
        queries.page_bytes(against)


def _gone(sha256: str, _subject_id: UUID | None = None) -> bytes:
    raise NotFound(sha256)


def test_a_reference_is_used_and_stays_in_the_store(version):
    for who in ("Li Na", "Wang Fang", "Chen Jie"):
        show(version, who)
    make_references()
    sha256 = sha256_hex(reference_of(version))
    assert queries.files_used({sha256}) == {sha256}


def test_a_reference_is_never_changed(version):
    for who in ("Li Na", "Wang Fang", "Chen Jie"):
        show(version, who)
    assert services.make_reference(version) is not None
    db.session.commit()
    before = reference_of(version)
    for who in ("Zhao Min", "Sun Li", "Zhou Yu"):
        services.record_view(a_view(a_journey(), b"<p>quite another</p>\n" + a_page(who), page_version_id=version))
    assert services.make_reference(version) is None
    db.session.commit()
    assert reference_of(version) == before


def test_a_page_about_no_product_waits_for_people_of_every_kind(version):
    release = queries.releases()[0]
    manifest = a_released_manifest(release)
    of_all = services.put_online(manifest, release.number).version_id
    for number in range(11):
        services.record_view(a_view(a_journey(), a_page(f"person {number}"), page_version_id=of_all))
    make_references()
    assert reference_of(of_all) is None
    services.record_view(a_view(a_journey(), a_page("person 12"), page_version_id=of_all))
    make_references()
    assert WORDS.encode() in (reference_of(of_all) or b"")


def test_one_journey_that_looks_very_often_hides_nobody(version):
    journey_id = a_journey()
    for _ in range(70):
        show(version, "Li Na", journey_id)
    for who in ("Wang Fang", "Chen Jie"):
        show(version, who)
    make_references()
    assert WORDS.encode() in (reference_of(version) or b"")
