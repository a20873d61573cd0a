"""A canary: a purchase by somebody with unmistakable words, which then stand nowhere in the clear.

Searched are all columns of all tables (jobs and mails that wait included), the files of the database itself with its
write-ahead log, which holds whatever was ever written, the stored files, and every line logged. Each search is shown
to find what was planted.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import pytest
from flask import Flask, has_request_context
from sqlalchemy import Connection, create_engine, pool, text

from config import Settings
from marketplace.correspondence import queries as correspondence
from marketplace.infra import seals, signing, storage, vault
from marketplace.infra.db import db
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from sandbox.demo.visitor import GOOD_CARD, Visitor
from sandbox.embedded_db import EmbeddedServer
from tests.web.conftest import LI_NA, asked, go_on

AtStep = Callable[..., Visitor]
CANARY = replace(LI_NA, name="Zebulon Quarkington", email="zebulon.quarkington@canary.example")
MOBILE = "+86 139 7351 8264"
PASSWORD = "Vexing-Walrus-Harmonica-4711"
WORDS = (
    *("Zebulon", "Quarkington", "canary.example", LI_NA.born_on.isoformat()),
    *(MOBILE, "139 7351", PASSWORD, GOOD_CARD),
)


@dataclass(frozen=True)
class Bought:
    """What the canary left: its contract, the codes it was sent, and what was logged on the way."""

    policy: Policy
    codes: tuple[str, ...]
    questions: tuple[str, ...]
    logged: str


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

    def noted(address: str) -> str:
        codes.append(code_for(address))
        return codes[-1]

    owner = at_step("email", CANARY)
    go_on(owner, "people", CANARY, noted)
    owner.post({
        "applicant_name": CANARY.name, "applicant_birth_on": CANARY.born_on.isoformat(),
        "relationship": "self", "mobile": MOBILE,
    })  # fmt: skip
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
    return Bought(found, tuple(codes), questions, log.getvalue())


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
    """(table, word) wherever a row holds a word, as text or as bytes."""
    names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
    found: set[tuple[str, str]] = set()
    for name in names:
        rows = "\n".join(connection.execute(text(f'SELECT t::text FROM "{name}" t')).scalars()).lower()
        found |= {(name, word) for word in words if word.lower() in rows or word.encode().hex() in rows}
    return found


def codes_in_tables(connection: Connection, codes: tuple[str, ...]) -> set[str]:
    """Tables with a row in which a code stands by itself (not within a longer number or a fraction of a second)."""
    names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
    wanted = re.compile("|".join(rf"(?<![\w.]){code}(?!\w)" for code in codes))
    rows = ((name, text(f'SELECT t::text FROM "{name}" t')) for name in names)
    return {name for name, query in rows if any(map(wanted.search, connection.execute(query).scalars()))}


def in_files(folder: Path, words: tuple[str, ...]) -> set[tuple[str, str]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        (path.name, word) for path in files for data in (path.read_bytes(),) for word in words if word.encode() in data
    }


# What every application asks is not personal; that somebody answered it is. Questions stand in the catalog's tables.
WHERE_QUESTIONS_STAND = {"catalog_product_version"}


@pytest.mark.asvs("14.2.4", "16.2.5")
@pytest.mark.requirement("T26-31")
def test_a_purchase_leaves_nothing_personal_in_the_clear(
    shop: Flask, settings: Settings, server: EmbeddedServer, bought: Bought
) -> None:
    with everything(shop) as connection:
        assert in_tables(connection, WORDS) == set()
        assert {table for table, _ in in_tables(connection, bought.questions)} == WHERE_QUESTIONS_STAND
        assert codes_in_tables(connection, bought.codes) == set()
        assert in_tables(connection, (bought.policy.number,)), "the search reads what there is"
    mark(shop, "the end of what was written")
    assert in_files(settings.storage_folder, WORDS) == set()
    assert in_files(server.cluster, tuple(word for word in WORDS if ":" not in word)) == set()
    assert in_files(server.cluster, ("the end of what was written",))
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
    assert in_files(server.cluster, ("planted for the search",))
    file = settings.storage_folder / "planted"
    file.write_text(planted)
    assert in_files(settings.storage_folder, WORDS) == {("planted", planted)}
    file.unlink()
    logging.getLogger("marketplace").info("sent to %s", CANARY.email)
    assert planted in log.getvalue()


def test_the_papers_of_a_contract_lie_sealed(shop: Flask, settings: Settings, bought: Bought) -> None:
    sha256 = bought.policy.document_sha256
    assert sha256 is not None
    (kept,) = (path for path in settings.storage_folder.rglob("*") if path.name.startswith(sha256))
    assert kept.name == f"{sha256}.sealed"
    assert b"%PDF" not in kept.read_bytes()
    with shop.app_context():
        assert storage.get(sha256).startswith(b"%PDF")
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
    owner.post({"notice": "yes"} | dict.fromkeys(questions, "yes"))
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
