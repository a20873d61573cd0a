"""A marketplace with one insurer's term life on sale, a payment simulator, and visitors."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from config import Settings
from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, Insurer, Role
from marketplace.correspondence import queries as correspondence
from marketplace.disclosure import services as disclosure
from marketplace.infra import business_clock, payment_gateway, pictures
from marketplace.infra.db import db
from marketplace.infra.stripe_gateway import Gateway
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Sale, SaleFilter
from marketplace.web import released, tracing
from sandbox.demo.visitor import Identity, Visitor, hidden_fields, ticked
from sandbox.embedded_db import EmbeddedServer
from sandbox.releasing import SPECIMEN
from tests.deferred_jobs import drain
from tests.everything import every_row
from tests.factories.accounts import a_member_of_staff
from tests.factories.catalog import harbour_term
from tests.factories.consultation import registered
from tests.factories.evidence import without_a_browser
from tests.factories.log import a_key_folder, integrate
from tests.simulator_server import SECRET_KEY, WEBHOOK_SECRET, SimulatorServer, running_simulator
from tests.web.desk_visits import ANSWERS, LI_NA, buy, sign_in

# What a look at a page may leave behind; everything else is a write.
TRACES_OF_LOOKING = (
    "traceability_page_version", "traceability_page_online", "traceability_journey", "accounts_limit",
    "accounts_security_event", "alembic_version",
)  # fmt: skip
NothingWritten = Callable[[], AbstractContextManager[None]]
_TABLES = text(
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(:looking) "
    "AND tablename NOT IN ('procrastinate_workers', 'procrastinate_periodic_defers', 'infra_subject_key') ORDER BY 1"
)


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorServer]:
    with running_simulator(tmp_path_factory.mktemp("stripe")) as server:
        yield server


@dataclass(frozen=True)
class Grounds:
    """What a marketplace stands on whose sales are attacked: `log` is the folder of the log's key, `store` of files."""

    app: Flask
    simulator: SimulatorServer
    server: EmbeddedServer
    log: Path
    store: Path


@pytest.fixture(scope="module")
def grounds(
    migrated_app: Flask,
    simulator: SimulatorServer,
    server: EmbeddedServer,
    settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Grounds:
    return Grounds(migrated_app, simulator, server, tmp_path_factory.mktemp("log"), Path(settings.storage_folder))


@pytest.fixture
def shop(app: Flask, simulator: SimulatorServer) -> Iterator[Flask]:
    with open_shop(app, simulator):
        yield app


@contextmanager
def open_shop(app: Flask, simulator: SimulatorServer) -> Iterator[None]:
    """Wordings published, Harbour Term on sale, the gateway speaking to the simulator."""
    before = payment_gateway.gateway()
    payment_gateway.configure(Gateway(SECRET_KEY, WEBHOOK_SECRET, livemode=False, api_base=simulator.url))
    with app.app_context():
        released.release(SPECIMEN)
        disclosure.publish_wordings()
        harbour_term()
        db.session.commit()
    yield
    payment_gateway.configure(before)


@pytest.fixture
def visitor(shop: Flask, client: FlaskClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
def stranger(shop: Flask, visitor: Visitor) -> Visitor:
    """Another browser, which has been on the start page."""
    other = Visitor(shop.test_client())
    other.get("/")
    return other


@pytest.fixture
def work(shop: Flask) -> Callable[[], list[str]]:
    """Run what the worker would run."""
    return lambda: run_jobs(shop)


@pytest.fixture
def into_the_log(server: EmbeddedServer, tmp_path: Path) -> Callable[[], int]:
    """Do what the sequencer would do."""
    folder = a_key_folder(tmp_path / "log")
    return lambda: integrate(server, folder)


@pytest.fixture
def customer(
    shop: Flask, work: Callable[[], list[str]], code_for: Callable[[str], str], into_the_log: Callable[[], int]
) -> Visitor:
    """Who bought; everything is in the log."""
    bought = buy(shop, work, code_for)
    with shop.app_context():
        into_the_log()
    return bought


@pytest.fixture
def sale(shop: Flask, customer: Visitor) -> Sale:
    """What was bought."""
    return the_sale(shop)


def the_sale(shop: Flask) -> Sale:
    """The only one that came to a contract."""
    with shop.app_context():
        (found,) = (each for each in oversight.sales(SaleFilter()).sales if each.policy_id)
    return found


@pytest.fixture
def compliance(shop: Flask) -> Account:
    with shop.app_context():
        account = a_member_of_staff(Role.ADMIN_COMPLIANCE)
        db.session.commit()
    return account


@pytest.fixture
def insurer(shop: Flask) -> Insurer:
    with shop.app_context():
        return accounts.insurer_by_code("harbour")


@pytest.fixture
def practitioner(shop: Flask, insurer: Insurer) -> Account:
    """Zhao Lei of Harbour Life, with certificate SPECIMEN-4711."""
    with shop.app_context():
        staff = a_member_of_staff(Role.INSURER_CLAIMS, insurer, name="Zhao Lei")
        registered(staff, insurer, ("term_life",), certificate_no="SPECIMEN-4711")
        db.session.commit()
    return staff


@pytest.fixture
def desk(shop: Flask, practitioner: Account) -> Visitor:
    return sign_in(shop, Visitor(shop.test_client()), practitioner)


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture is made: this machine has no Chromium."""
    monkeypatch.setattr(pictures, "take", without_a_browser)


def run_jobs(shop: Flask) -> list[str]:
    with shop.app_context():
        return drain()


@pytest.fixture
def code_for(shop: Flask) -> Callable[[str], str]:
    return lambda address: newest_code(shop, address)


def newest_code(shop: Flask, address: str) -> str:
    """The newest code mailed to an address."""
    run_jobs(shop)
    with shop.app_context():
        newest = next(mail for mail in correspondence.inbox(recipient=address) if "code" in mail.kind)
        text = correspondence.message_parts(newest.id).text
        return next(word for word in text.split() if word.isdigit() and len(word) == 6)


@pytest.fixture
def link_for(shop: Flask) -> Callable[[str, str], str]:
    return lambda address, kind: newest_link(shop, address, kind)


def newest_link(shop: Flask, address: str, kind: str) -> str:
    """The path of the link in the newest mail of a kind to an address."""
    run_jobs(shop)
    with shop.app_context():
        newest = next(mail for mail in correspondence.inbox(recipient=address) if mail.kind == kind)
        words = correspondence.message_parts(newest.id).text.split()
        return urlsplit(next(word for word in words if word.startswith("http"))).path


@pytest.fixture
def at_step(visitor: Visitor, code_for: Callable[[str], str]) -> Callable[..., Visitor]:
    """The visitor as Li Na in front of a step of the application, named as its address ends: `email` … `pay`."""

    def go(step: str, who: Identity = LI_NA) -> Visitor:
        visitor.get("/")
        visitor.enter(visitor.compare("term_life", ANSWERS)[0])
        return go_on(visitor, step, who, code_for)

    return go


def go_on(visitor: Visitor, step: str, who: Identity, code_for: Callable[[str], str]) -> Visitor:
    """Do one step after the other until the page of `step` is shown."""
    while step_of(visitor.at) != step:
        go_one(visitor, who, code_for)
    return visitor


def go_one(visitor: Visitor, who: Identity, code_for: Callable[[str], str]) -> None:
    """Do what the page of the application asks for."""
    acts: dict[str, Callable[[], object]] = {
        "email": lambda: visitor.give_address(who.email),
        "code": lambda: visitor.give_code(code_for(who.email)),
        "needs": visitor.tell_needs,
        "people": lambda: visitor.give_people(who),
        "identity": lambda: visitor.prove(who),
        "questions": lambda: visitor.post(ticked(visitor.text) | dict.fromkeys(asked(visitor.text), "no")),
        "documents": lambda: visitor.post({"confirm": "yes"}),
        "exclusions": lambda: visitor.post({"confirm": "yes"}),
        "insured": lambda: visitor.post({}),
        "review": visitor.submit,
    }
    acts[step_of(visitor.at)]()


def step_of(path: str) -> str:
    """`…/application/<id>/documents/2` is the step `documents`."""
    return urlsplit(path).path.split("/")[3]


def asked(page: str) -> list[str]:
    """The names of the questions on a page."""
    names = [part.split('"')[0] for part in page.split('type="radio" name="')[1:]]
    return list(dict.fromkeys(names))


@pytest.fixture
def nothing_written(shop: Flask) -> Callable[[], AbstractContextManager[None]]:
    """Hold that no row of any table comes, goes or changes meanwhile; pages looked at are recorded all the same."""

    @contextmanager
    def hold() -> Iterator[None]:
        before = written(shop)
        yield
        after = written(shop)
        assert [name for name in after if after[name] != before[name]] == []

    return hold


def written(shop: Flask) -> dict[str, str]:
    """By table: a digest of all its rows; of the trail, of its acts."""
    with shop.app_context(), every_row() as owner:
        names = owner.execute(_TABLES, {"looking": list(TRACES_OF_LOOKING)}).scalars().all()
        return {name: str(owner.execute(text(_digest_of(name))).scalar()) for name in names}


def _digest_of(table: str) -> str:
    only = " WHERE page_bytes IS NULL" if table == "traceability_evidence_intake" else ""
    return f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t{only}"


def count(shop: Flask, table: str, condition: str = "true") -> int:
    with shop.app_context(), every_row() as owner:
        return int(owner.execute(text(f"SELECT count(*) FROM {table} WHERE {condition}")).scalar_one())


def days_later(shop: Flask, days: int) -> None:
    """Move the business clock."""
    with shop.app_context():
        business_clock.move_to_offset(timedelta(days=days))
        db.session.commit()


def form_for(shop: Flask, visitor: Visitor, path: str) -> dict[str, str]:
    """The hidden fields that a page at `path` would carry, though the visitor was never shown it."""
    with shop.app_context(), every_row() as owner:
        any_version = text("SELECT encode(page_version_id, 'hex') FROM traceability_page_online LIMIT 1")
        version_id = owner.execute(any_version).scalar_one()
    with shop.test_request_context(path):
        seen = tracing.token_of(version_id)
    return {"csrf_token": hidden_fields(visitor.text)["csrf_token"], "seen": seen}
