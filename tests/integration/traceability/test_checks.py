"""What `check` says of releases and views: each is altered or lost once, by whoever owns the database."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from config import Settings
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability import queries, services
from sandbox.embedded_db import EmbeddedServer
from tests.factories.log import a_key_folder, integrate
from tests.factories.traceability import a_journey, a_release, a_released_manifest, a_view, altering, as_of_before

pytestmark = pytest.mark.usefixtures("database")
NO_ENTRY = "no entry pages:released says it"


@pytest.fixture
def log(server: EmbeddedServer, tmp_path: Path) -> Callable[[], int]:
    """Takes what was entered into the log."""
    return partial(integrate, server, a_key_folder(tmp_path / "log"))


def found() -> list[tuple[str, str]]:
    db.session.rollback()
    return list(queries.altered_pages())


def alter(table: str, change: str, **values: object) -> None:
    with altering(table) as owner:
        assert owner.execute(text(change), values).rowcount == 1


def test_nothing_is_said_of_what_is_as_it_was(log: Callable[[], int]) -> None:
    release = a_release()
    assert found() == [], "before it is in the log"
    manifest = a_released_manifest(release)
    version_id = services.put_online(manifest, release.number).version_id
    journey_id = a_journey()
    page = b"<!doctype html>" + b"".join(b"<p>%d</p>" % number for number in range(900))
    for _ in range(2):
        services.record_view(a_view(journey_id, page, page_version_id=version_id))
        assert found() == []
        log()
    a_release("<p>What is insured</p>")
    log()
    assert found() == []


@pytest.mark.requirement("T26-36", "T26-41")
@pytest.mark.parametrize(
    ("column", "value"),
    [("author", "Wang Fang"), ("reviewer", "Wang Fang"), ("reason", "Another."), ("build", "build 9")],
)
def test_who_released_what_and_why_is_what_the_log_says(log: Callable[[], int], column: str, value: str) -> None:
    a_release()
    change = f"UPDATE traceability_release SET {column} = :value"
    alter("traceability_release", change, value=value)
    assert found() == [("release 1", f"its {column} is not what the entry pages:released (outside the log) says")]
    log()
    assert found() == [("release 1", f"its {column} is not what the entry pages:released (0) says")]


@pytest.mark.requirement("T26-41")
def test_other_content_with_its_right_hash_is_not_what_the_log_says(log: Callable[[], int]) -> None:
    a_release()
    other = a_release("<p>What is insured</p>")
    log()
    change = """
        UPDATE traceability_release SET content_sha256 = o.content_sha256, content = o.content
        FROM traceability_release o WHERE o.number = 2 AND traceability_release.number = 1
    """
    alter("traceability_release", change)
    assert found() == [("release 1", "its content_sha256 is not what the entry pages:released (0) says")]
    assert queries.releases()[1].content == other.content


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize("number", [1, 2])
def test_a_release_that_is_not_kept_any_more_is_missed(log: Callable[[], int], number: int) -> None:
    a_release()
    a_release("<p>What is insured</p>")
    log()
    alter("traceability_release", "DELETE FROM traceability_release WHERE number = :number", number=number)
    expected = (f"release {number}", f"what the entry pages:released ({number - 1}) says is not kept")
    assert found() == [expected]


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize("number", [0, 3])
def test_a_release_that_was_put_there_by_hand_is_in_no_entry(log: Callable[[], int], number: int) -> None:
    a_release()
    a_release("<p>What is insured</p>")
    log()
    row = """
        INSERT INTO traceability_release
        SELECT (jsonb_populate_record(r, jsonb_build_object('number', CAST(:number AS int), 'entry_id', NULL))).*
        FROM traceability_release r WHERE number = 1
    """
    alter("traceability_release", row, number=number)
    assert found() == [(f"release {number}", NO_ENTRY)]


@pytest.mark.requirement("T26-41")
def test_a_release_cannot_pass_for_one_of_before_releases_were_entered(log: Callable[[], int]) -> None:
    old = a_release()
    as_of_before(old)
    a_release()
    third = a_release("<p>What is insured</p>")
    assert found() == [], "the old one is not missed"
    as_of_before(third)
    assert found() == [("release 3", NO_ENTRY)]
    alter("traceability_release", "UPDATE traceability_release SET entry_id = :id WHERE number = 1", id=uuid4())
    log()
    assert found() == [("release 1", NO_ENTRY), ("release 3", NO_ENTRY)]


@pytest.mark.requirement("T26-33")
@pytest.mark.parametrize("now", [b"<p>What is not covered</p>", None])
def test_a_file_of_a_release_that_is_not_in_the_store_as_it_was_is_named(
    log: Callable[[], int], settings: Settings, now: bytes | None
) -> None:
    words = f"<p>{uuid4()}</p>"
    a_release(words)
    a_release("<p>What is insured</p>")
    log()
    sha256 = sha256_hex(words.encode())
    (file,) = Path(settings.storage_folder).rglob(f"*{sha256}*")
    file.unlink()
    if now is not None:
        file.write_bytes(now)
    assert found() == [("release 1", f"not in the store as they were put there: {sha256}")]


@pytest.mark.parametrize("table", ["traceability_entry", "traceability_evidence_intake"])
@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM {table} WHERE id = :base",
        "UPDATE {table} SET journey_id = :other WHERE id = :base",
        "UPDATE {table} SET application_id = :other WHERE id = :base",
        "UPDATE {table} SET page_base = :other WHERE id = :again",
    ],
)
def test_a_view_whose_earlier_one_is_lost_or_of_somebody_else_is_named(
    log: Callable[[], int], change: str, table: str
) -> None:
    journey_id = a_journey()
    page = b"<!doctype html>" + b"".join(sha256_hex(b"%d" % number).encode() for number in range(60))
    base, again = (services.record_view(a_view(journey_id, page)) for _ in range(2))
    other = a_journey()
    in_the_log = table == "traceability_entry"
    if in_the_log:
        log()
    assert found() == []
    names = {"base": base, "again": again, "other": other}
    used = {name: value for name, value in names.items() if f":{name}" in change}
    alter(table, change.format(table=table), **used)
    name = "entry 1" if in_the_log else f"the view {again}"
    assert found() == [(name, "the earlier view that it is kept against is not there")]
