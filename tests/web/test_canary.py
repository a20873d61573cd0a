"""A canary: a purchase by somebody with unmistakable words, which then stand nowhere in the clear.

Searched are all columns of all tables (jobs and mails that wait included), the files of the database itself with its
write-ahead log, which holds whatever was ever written, the stored files, and every line logged. What is pressed or
encoded is taken apart first, and every column that should be sealed must look so. Each search is shown to find what was
planted, and all of it where nothing is sealed.
"""

import base64
import json
import logging
import quopri
import re
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import pytest
import zstandard
from flask import Flask, has_request_context
from sqlalchemy import Connection, create_engine, pool, text

from config import Settings
from marketplace.correspondence import queries as correspondence
from marketplace.infra import seals, signing, storage, vault
from marketplace.infra.db import Base, db
from marketplace.infra.identity.demonstration import specimen_number
from marketplace.infra.keeper import NONCE_BYTES
from marketplace.infra.sealed import SealedBytes, SealedJson
from marketplace.kernel import clock
from marketplace.policy import queries as policies
from marketplace.policy import services as policy_services
from marketplace.policy.values import EndContract, Ending, Policy
from sandbox.demo.visitor import GOOD_CARD, Visitor, ticked
from sandbox.embedded_db import EmbeddedServer
from tests.web.conftest import LI_NA, asked, go_on
from tests.web.laid_open import holds, spellings

AtStep = Callable[..., Visitor]
# With a name that is not ASCII, so that the mails to its owner travel as base64.
CANARY = replace(LI_NA, name="Zebulon Quarkington 夸克林", email="zebulon.quarkington@canary.example")
TAG_BYTES = 16
MOBILE = "+86 139 7351 8264"
PASSWORD = "Vexing-Walrus-Harmonica-4711"
WORDS = (
    *("Zebulon", "Quarkington", "夸克林", "canary.example", LI_NA.born_on.isoformat()),
    *(MOBILE, "139 7351", PASSWORD, GOOD_CARD, specimen_number(LI_NA.born_on)),
)


@dataclass(frozen=True)
class Bought:
    """What the canary left: its contract, the codes it was sent, and what was logged on the way."""

    policy: Policy
    codes: tuple[str, ...]
    questions: tuple[str, ...]
    logged: str
    since: float


@pytest.fixture
def log(shop: Flask) -> Iterator[StringIO]:
    """Every line logged, with what was handed over for it."""
    lines = StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(logging.Formatter("%(message)s %(args)s"))
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def bought(  # noqa: PLR0917  pytest's fixtures
    shop: Flask,
    at_step: AtStep,
    work: Callable[[], list[str]],
    code_for: Callable[[str], str],
    link_for: Callable[[str, str], str],
    stranger: Visitor,
    log: StringIO,
) -> Bought:
    codes: list[str] = []
    since = time.time() - 1  # as coarse as the clock of files may be

    def noted(address: str) -> str:
        codes.append(code_for(address))
        return codes[-1]

    owner = at_step("email", CANARY)
    go_on(owner, "people", CANARY, noted)
    owner.post({
        "applicant_name": CANARY.name, "applicant_birth_on": CANARY.born_on.isoformat(),
        "relationship": "self", "mobile": MOBILE,
    })  # fmt: skip
    go_on(owner, "questions", CANARY, noted)
    questions = tuple(f'"{name}"' for name in asked(owner.text))
    go_on(owner, "pay", CANARY, noted)
    assert owner.pay(GOOD_CARD)
    work()
    stranger.get("/register")
    stranger.post({"email": CANARY.email, "name": CANARY.name, "password": PASSWORD})
    stranger.get(link_for(CANARY.email, "confirm_address"))
    stranger.post({"password": PASSWORD})
    work()
    with shop.app_context():
        found = policies.policy_of_application(owner.at.split("/")[2])  # type: ignore[arg-type]
        assert len(correspondence.inbox(recipient=CANARY.email)) >= 3
    assert found is not None
    assert len(codes) == 1
    assert questions
    return Bought(found, tuple(codes), questions, log.getvalue(), since)


@contextmanager
def everything(shop: Flask) -> Iterator[Connection]:
    """The database as its owner sees it; what a test plants is taken back."""
    engine = create_engine(shop.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        yield connection
        connection.rollback()
    engine.dispose()


def mark(shop: Flask, words: str) -> None:
    """Write something harmless that is on the disk at once, and with it all that was written before."""
    with everything(shop) as connection:
        connection.execute(text("SET LOCAL synchronous_commit = on"))
        connection.execute(text("UPDATE checkout_order SET reason = :words"), {"words": words})
        connection.commit()


def in_tables(connection: Connection, words: tuple[str, ...]) -> set[tuple[str, str]]:
    """(table, word) wherever a row holds a word, as text or as bytes, pressed and encoded as it may be."""
    names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
    return {(name, word) for name in names for data in kept_in(connection, name) for word in words if holds(data, word)}


def kept_in(connection: Connection, table: str) -> Iterator[bytes]:
    """What the rows of a table hold: as text, and each value of bytes by itself."""
    of_bytes = connection.execute(_BYTES, {"table": table}).scalars().all()
    rows = text(f'SELECT (to_jsonb(t) - CAST(:bytes AS text[]))::text FROM "{table}" t')
    yield "\n".join(connection.execute(rows, {"bytes": of_bytes}).scalars()).encode()
    for column in of_bytes:
        values = text(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL')
        yield from map(bytes, connection.execute(values).scalars())


_BYTES = text(
    "SELECT column_name FROM information_schema.columns "
    "WHERE table_schema = 'public' AND table_name = :table AND data_type = 'bytea' ORDER BY 1"
)


def sealed_columns() -> set[tuple[str, str]]:
    """(table, column) of whatever the models say is sealed."""
    return {
        (str(mapper.local_table.name), getattr(mapper.class_, field._column).property.columns[0].name)
        for mapper in Base.registry.mappers
        for field in vars(mapper.class_).values()
        if isinstance(field, SealedJson | SealedBytes)
    }


def filled(connection: Connection, columns: set[tuple[str, str]], condition: str = "true") -> set[tuple[str, str]]:
    """The columns of which a row holds a value that meets the condition, which calls it `v`."""
    found = set()
    for table, column in columns:
        values = f'SELECT "{column}" AS v FROM "{table}"'
        asked = text(f"SELECT EXISTS (SELECT FROM ({values}) t WHERE v IS NOT NULL AND {condition})")
        if connection.execute(asked).scalar_one():
            found.add((table, column))
    return found


def not_sealed(connection: Connection) -> set[tuple[str, str]]:
    """Columns that should be sealed and hold a value without the mark of the format, or too short for nonce and tag."""
    shortest = len(vault.FORMAT) + NONCE_BYTES + TAG_BYTES
    unlike = f"(substr(v, 1, 1) <> '\\x{vault.FORMAT.hex()}' OR octet_length(v) < {shortest})"
    return filled(connection, sealed_columns(), unlike)


def codes_in_tables(connection: Connection, codes: tuple[str, ...]) -> set[str]:
    """Tables with a row in which a code stands by itself (not within a longer number or a fraction of a second)."""
    names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
    wanted = re.compile("|".join(rf"(?<![\w.]){code}(?!\w)" for code in codes))
    rows = ((name, text(f'SELECT t::text FROM "{name}" t')) for name in names)
    return {name for name, query in rows if any(map(wanted.search, connection.execute(query).scalars()))}


def written(folder: Path, since: float) -> Iterator[tuple[str, bytes]]:
    """Every file that was written to since then, by its name: what lay there before holds nothing of this test."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mtime >= since:
            yield path.name, path.read_bytes()


def in_files(folder: Path, words: tuple[str, ...], since: float) -> set[tuple[str, str]]:
    """(file, word) wherever a stored file holds a word, pressed and encoded as it may be."""
    return {(name, word) for name, data in written(folder, since) for word in words if holds(data, word)}


def in_cluster(server: EmbeddedServer, words: tuple[str, ...], since: float) -> set[tuple[str, str]]:
    """The same of the files of the database, which lie there in pieces: as it is written, and within base64."""
    looks = [(word, look) for word in words for look in spellings(word)]
    return {(name, word) for name, data in written(server.cluster, since) for word, look in looks if look in data}


# Every sealed column that a purchase fills: the search looks at each of them, with words or without.
FILLED = {
    ("accounts_account", "email"), ("accounts_account", "name"), ("accounts_challenge", "email"),
    ("accounts_challenge", "payload"), ("application_application", "answers"), ("application_application", "email"),
    ("application_application", "persons"), ("application_application", "circumstances"),
    ("application_application", "statement"), ("application_identity_check", "shown"),
    ("correspondence_message", "context"), ("correspondence_message", "eml"),
    ("correspondence_message", "recipient"), ("correspondence_message", "subject"), ("oversight_sale", "customer"),
    ("payment_attempt", "email"), ("policy_document", "content"),
    ("policy_version", "body"), ("traceability_evidence_intake", "body"),
    ("traceability_evidence_intake", "page_bytes"), ("underwriting_decision", "reasons"),
    ("underwriting_decision", "terms"),
}  # fmt: skip

# What every application asks is not personal; that somebody answered it is. Questions stand in the catalog's tables.
WHERE_QUESTIONS_STAND = {"catalog_product_version"}


@pytest.mark.asvs("14.2.4", "16.2.5")
@pytest.mark.requirement("T26-31", "T26-50")
def test_a_purchase_leaves_nothing_personal_in_the_clear(
    shop: Flask, settings: Settings, server: EmbeddedServer, bought: Bought
) -> None:
    with everything(shop) as connection:
        assert in_tables(connection, WORDS) == set()
        assert not_sealed(connection) == set()
        assert filled(connection, sealed_columns()) == FILLED
        assert {table for table, _ in in_tables(connection, bought.questions)} == WHERE_QUESTIONS_STAND
        assert codes_in_tables(connection, bought.codes) == set()
        assert in_tables(connection, (bought.policy.number,)), "the search reads what there is"
    mark(shop, "the end of what was written")
    assert in_files(settings.storage_folder, WORDS, bought.since) == set()
    assert in_cluster(server, tuple(word for word in WORDS if ":" not in word), bought.since) == set()
    assert in_cluster(server, ("the end of what was written",), bought.since)
    assert bought.logged
    assert [word for word in (*WORDS, *bought.codes) if word in bought.logged] == []


# An id, a number, a day or an instant, a word of our lists, a currency, an id of the provider.
ARGUMENT = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|-?\d+|\d{4}-\d\d-\d\d(T[\d:.]+(Z|\+00:00))?|[a-z]+(_[a-z]+)*|[A-Z]{3}"
    r"|(evt|cs)_\w+|None"
)


def arguments(given: object) -> Iterator[str]:
    """Every single value in the arguments of a job."""
    if isinstance(given, dict):
        for each in given.values():
            yield from arguments(each)
    elif isinstance(given, list):
        for each in given:
            yield from arguments(each)
    else:
        yield str(given)


@pytest.mark.asvs("14.2.4")
def test_the_jobs_of_a_purchase_carry_ids_numbers_and_words_of_lists(shop: Flask, bought: Bought) -> None:
    with everything(shop) as connection:
        given = connection.execute(text("SELECT args FROM procrastinate_jobs")).scalars().all()
    found = {each for args in given for each in arguments(args)}
    assert len(given) > 20
    assert str(bought.policy.id) in found
    assert sorted(each for each in found if not ARGUMENT.fullmatch(each)) == []
    assert not any(ARGUMENT.fullmatch(word) for word in ("Zebulon", CANARY.email, MOBILE, PASSWORD)), "the control"


def test_the_search_finds_what_is_planted_anywhere(
    shop: Flask, settings: Settings, server: EmbeddedServer, bought: Bought, log: StringIO
) -> None:
    planted = "canary.example"
    with everything(shop) as connection:
        connection.execute(text("UPDATE checkout_order SET reason = :word"), {"word": planted})
        connection.execute(
            text("UPDATE application_application SET persons = :word"), {"word": b"x" + planted.encode()}
        )
        args = text("UPDATE procrastinate_jobs SET args = jsonb_build_object('code', CAST(:code AS text))")
        connection.execute(args, {"code": bought.codes[0]})
        assert in_tables(connection, WORDS) >= {("checkout_order", planted), ("application_application", planted)}
        assert codes_in_tables(connection, bought.codes) == {"procrastinate_jobs"}
    mark(shop, "planted for the search")
    assert in_cluster(server, ("planted for the search",), bought.since)
    file = settings.storage_folder / "planted"
    file.write_text(planted)
    assert in_files(settings.storage_folder, WORDS, bought.since) == {("planted", planted)}
    file.unlink()
    logging.getLogger("marketplace").info("sent to %s", CANARY.email)
    assert planted in log.getvalue()


@pytest.mark.asvs("14.2.4")
def test_where_nothing_is_sealed_every_search_says_so(
    shop: Flask, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The control of all of it: pages that are only pressed and mails that are only encoded are found."""
    monkeypatch.setattr(vault, "seal", lambda _subject_id, _context, data, *_key_class: data)
    monkeypatch.setattr(vault, "open", lambda _subject_id, _context, kept: kept)
    since = request.getfixturevalue("bought").since
    with everything(shop) as connection:
        found = in_tables(connection, WORDS)
        for table, word in (
            ("accounts_account", "canary.example"),
            ("application_application", "夸克林"),
            ("traceability_evidence_intake", "Quarkington"),
            ("traceability_evidence_intake", "夸克林"),
            ("correspondence_message", "夸克林"),
            ("policy_version", "Zebulon"),
            ("payment_attempt", "canary.example"),
        ):
            assert (table, word) in found
        assert not_sealed(connection) == FILLED
        only_in_mails = text("UPDATE correspondence_message SET recipient = NULL, context = NULL, subject = NULL")
        connection.execute(only_in_mails)
        assert ("correspondence_message", "夸克林") in in_tables(connection, WORDS), "within base64"
    mark(shop, "the end of what was written")
    assert {word for _, word in in_cluster(server, ("Quarkington", "夸克林"), since)} == {"Quarkington", "夸克林"}


@pytest.mark.parametrize(
    "press",
    [
        lambda data: data,
        lambda data: zstandard.compress(data, 1),
        zlib.compress,
        base64.b64encode,
        base64.encodebytes,
        quopri.encodestring,
        lambda data: json.dumps({"name": data.decode()}).encode(),
        lambda data: zstandard.compress(b"<p>" + base64.encodebytes(b"x" * 99 + data)),
        lambda data: b"\x01\x00" + zlib.compress(zstandard.compress(data)),
    ],
)
def test_what_is_pressed_or_encoded_is_taken_apart(press: Callable[[bytes], bytes]) -> None:
    said = "To: Zebulon Quarkington 夸克林 <zebulon@canary.example>, whose policy is attached".encode()
    pressed = press(said)
    for word in ("quarkington", "夸克林", "canary.example"):
        assert holds(pressed, word)
    assert not holds(pressed, "somebody else")


def test_a_word_is_seen_in_base64_wherever_it_begins() -> None:
    for shift in range(6):
        encoded = base64.b64encode(b"x" * shift + "夸克林 Quarkington".encode() + b"y" * 5)
        assert any(look in encoded for look in spellings("夸克林"))
        assert any(look in encoded for look in spellings("Quarkington"))
        assert not any(look in encoded for look in spellings("Zebulon"))


def test_the_papers_of_a_contract_lie_sealed(shop: Flask, settings: Settings, bought: Bought) -> None:
    sha256 = bought.policy.document_sha256
    assert sha256 is not None
    (kept,) = (path for path in settings.storage_folder.rglob("*") if path.name.startswith(sha256))
    assert kept.name == f"{sha256}.sealed"
    assert b"%PDF" not in kept.read_bytes()
    with shop.app_context():
        assert storage.get(sha256).startswith(b"%PDF")
        today = clock.today(bought.policy.period.zone)
        policy_services.end_contract(
            EndContract(bought.policy.id, Ending.CANCELLED, today)
        )  # in force nothing is destroyed
        vault.destroy(bought.policy.application_id)
        db.session.commit()
        vault.forget()
        with pytest.raises(vault.DataDestroyed):
            storage.get(sha256)


@pytest.mark.asvs("16.5.2", "16.5.3")
def test_without_the_keeper_pages_that_need_it_say_so_and_the_others_go_on(
    shop: Flask, settings: Settings, bought: Bought, tmp_path: Path
) -> None:
    somebody = Visitor(shop.test_client())
    vault.configure(vault.RemoteKeeper(tmp_path / "nobody"))
    try:
        for path in ("/how-we-rank", "/disclosure", "/sign-in", "/what-we-record"):
            somebody.get(path)
            assert somebody.status == 200, path
        somebody.get("/sign-in")
        somebody.post({"email": CANARY.email, "password": PASSWORD})
        assert somebody.status == 503
        assert "/account" not in somebody.at
    finally:
        vault.configure(vault.RemoteKeeper(settings.keeper_socket))
    somebody.get("/sign-in")
    somebody.post({"email": CANARY.email, "password": PASSWORD})
    assert somebody.status == 200


def test_why_somebody_was_declined_lies_sealed_too(
    shop: Flask, at_step: AtStep, code_for: Callable[[str], str], work: Callable[[], list[str]]
) -> None:
    owner = at_step("questions")
    questions = asked(owner.text)
    owner.post(ticked(owner.text) | dict.fromkeys(questions, "yes"))
    go_on(owner, "review", LI_NA, code_for)
    assert owner.submit() == "ended"
    work()
    with everything(shop) as connection:
        decided = connection.execute(text("SELECT outcome FROM underwriting_decision")).scalar_one()
        tokens = tuple(f'"{name}"' for name in questions)
        assert {table for table, _ in in_tables(connection, tokens)} == WHERE_QUESTIONS_STAND
    assert decided in {"decline", "refer"}


@pytest.mark.asvs("13.3.2")
def test_the_site_never_reads_the_keys_that_seal_policies(
    shop: Flask, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    reads: list[bool] = []
    read = signing.read_seal

    def spied(settings: signing.SealSettings) -> tuple[bytes, bytes, bytes]:
        reads.append(has_request_context())
        return read(settings)

    monkeypatch.setattr(signing, "read_seal", spied)
    seals._sealer.cache_clear()  # what other tests read
    request.getfixturevalue("bought")
    assert True not in reads
    assert reads, "the worker's half of the same purchase did read one"
