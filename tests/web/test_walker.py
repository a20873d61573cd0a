"""Every door of the site against the table of doors, and everything that holds for all of them (ADR 0006)."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, pool, text

from config import Settings
from marketplace.accounts import rules
from marketplace.accounts.values import Role, SecurityEventType
from marketplace.app import create_app
from marketplace.catalog import queries as catalog
from marketplace.infra import payment_gateway
from marketplace.infra.db import db
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleFilter
from marketplace.web import access
from marketplace.web.customer import policy
from marketplace.web.doors import ACCESS, Who
from tests.conftest import empty_tables
from tests.factories.consultation import WAITING
from tests.simulator_server import SimulatorServer
from tests.web import walker
from tests.web.conftest import LI_NA, count
from tests.web.walked_site import OTHER_INSURER, ROLES, SOLD, STAFF, Site, a_walked_site
from tests.web.walker import Cell, table

PERSONAL = {name for name, door in ACCESS.items() if door.personal}
PAPERS = {name for name, door in ACCESS.items() if door.paper}
AUDITED = [name for name, door in ACCESS.items() if door.audited]
STAFFED = [name for name, door in ACCESS.items() if door.who in {Who.INSURER, Who.BACKOFFICE}]


@pytest.fixture(scope="module")
def site(migrated_app: Flask, simulator: SimulatorServer) -> Iterator[Site]:
    try:
        with a_walked_site(migrated_app, simulator) as walked:
            yield walked
    finally:
        empty_tables(migrated_app)


@pytest.fixture(autouse=True)
def fresh_tokens(site: Site) -> None:
    """A walk may have signed a browser out, and its token with it."""
    site.tokens.clear()


def may(method: str) -> list[Cell]:
    return [cell for cell in table() if cell.method == method and not cell.refused]


def first_that_may(method: str) -> list[Cell]:
    """One cell for each door of this method: the first role in the table for whom the door itself opens."""
    found: dict[str, Cell] = {}
    for cell in table():
        opens = ACCESS[cell.endpoint].who is Who.ANYONE or cell.expected not in {"sign-in", "second-step", "403", "404"}
        if cell.method == method and cell.seeded and opens:
            found.setdefault(cell.endpoint, cell)
    return list(found.values())


def acts_of_staff(site: Site, cells: list[Cell]) -> list[Cell]:
    """Unsafe requests of staff that their own door did not lead elsewhere."""
    ahead = {Who.ANYONE, Who.SECOND_STEP}  # where a password is enough
    return [
        cell for cell in cells
        if cell.method == "POST" and cell.role in site.accounts and cell.endpoint not in walker.SIGNED
        and (cell.role != "half" or ACCESS[cell.endpoint].who in ahead)
    ]  # fmt: skip


def events(site: Site, kind: SecurityEventType, condition: str = "true") -> int:
    return count(site.app, "accounts_security_event", f"type = '{kind.value}' AND {condition}")


@pytest.mark.requirement("T26-04")
@pytest.mark.asvs("8.1.1")
def test_every_door_has_its_row_and_every_row_its_door(site: Site) -> None:
    assert walker.unlisted_doors(site, table()) == []
    assert set(site.endpoints()) == set(ACCESS)


@pytest.mark.asvs("8.2.1")
def test_every_role_asks() -> None:
    """Customers twice, as the owner and as another; staff of an insurer besides as one of another insurer."""
    assert set(ROLES) == {"visitor", "half", "owner", "other", OTHER_INSURER} | ({*Role} - {Role.CUSTOMER})
    assert {cell.role for cell in table()} == set(ROLES)


@pytest.mark.asvs("8.2.1", "8.3.1")
def test_a_desk_without_roles_lets_nobody_in(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [name for name in STAFFED if not ACCESS[name].roles] == []
    assert len(STAFFED) > 10
    for name in ("sales_log.sales", "insurer_sales.sales"):
        cells = [cell for cell in table() if cell.endpoint == name]
        assert walker.wrong_answers(site, cells) == []
        monkeypatch.setitem(ACCESS, name, replace(ACCESS[name], roles=frozenset()))
        closed = [replace(cell, expected="403") if cell.expected == "200" else cell for cell in cells]
        assert walker.wrong_answers(site, closed) == []


@pytest.mark.timeout(600)
@pytest.mark.asvs("8.2.1", "8.2.2", "8.3.1", "16.3.2")
def test_who_is_refused_is_refused_as_the_table_says_and_changes_nothing_and_is_written_down(site: Site) -> None:
    refused, wrong = [cell for cell in table() if cell.refused], []

    def ask(cell: Cell) -> None:
        wrong.extend(walker.wrong_answers(site, [cell]))

    before, acts = events(site, SecurityEventType.DOOR_REFUSED), walker.acts_kept(site)
    assert walker.written_by(site.app, {cell.name: partial(ask, cell) for cell in refused}) == []
    assert wrong == []
    noted = [
        cell for cell in refused if cell.expected == "403" or (cell.expected == "404" and cell.endpoint in PERSONAL)
    ]
    assert len(noted) > 500
    assert events(site, SecurityEventType.DOOR_REFUSED) - before == len(noted)
    looks = [cell for cell in noted if cell.method == "GET" and cell.role in site.accounts]
    assert walker.unkept_acts(site, acts, [*acts_of_staff(site, refused), *looks]) == []


@pytest.mark.timeout(600)
@pytest.mark.asvs("3.5.3", "8.2.1")
def test_who_may_look_sees_it_and_changes_nothing_by_it(site: Site) -> None:
    wrong: list[str] = []

    def ask(cell: Cell) -> None:
        wrong.extend(walker.wrong_answers(site, [cell]))

    looks = {cell.name: partial(ask, cell) for cell in may("GET")}
    assert walker.written_by(site.app, looks, ("sale:viewed", "evidence:read", "document:opened")) == []
    assert wrong == []


def marks(site: Site) -> dict[str, Callable[[str], bool]]:
    """By each line of the table of fields: whether a page shows it."""
    with site.app.app_context():
        sold = next(sale for sale in oversight.sales(SaleFilter()).sales if sale.policy_id)
        assert sold.product_version_id
        question = catalog.product_version(sold.product_version_id).content.questions[0].text.en
    return {
        "number of the contract": lambda page: str(sold.policy_number) in page,
        "premium": lambda page: "¥1,320.75" in page,
        "name": lambda page: LI_NA.name in page,
        "mail address without its middle": lambda page: "l…@example.com" in page,
        "mail address": lambda page: LI_NA.email in page,
        "date of birth": lambda page: "March 5, 1992" in page,
        "answer to a question of health": lambda page: f"{question} No" in page,
        "policy as a paper": lambda page: page == "application/pdf",
        "what was asked an insurer": lambda page: WAITING in page,
        "what was asked about own data": lambda page: "What do you keep about me?" in page,
    }


@pytest.mark.asvs("8.1.2")
def test_what_staff_read_of_a_customer_is_written_down_for_each_role_and_field(site: Site) -> None:
    assert set(walker.fields()) == set(marks(site))
    with walker.FIELDS.open(encoding="utf-8", newline="") as file:
        field, *roles = next(csv.reader(file))
    assert (field, set(roles)) == ("field", set(STAFF))


@pytest.mark.asvs("8.1.2", "8.2.3")
@pytest.mark.parametrize("role", STAFF)
def test_a_role_reads_the_fields_of_its_work_and_no_other_and_every_link_opens(site: Site, role: str) -> None:
    begin = [site.path(name) for name in STAFFED]
    toured = walker.tour(site, role, begin)
    assert walker.read_on(toured, marks(site)) == {name for name, roles in walker.fields().items() if role in roles}
    assert [path for path, response in toured if path not in begin and response.status_code != 200] == []


def test_what_is_a_customers_is_looked_at_by_these_doors() -> None:
    assert set(AUDITED) == {
        "data_desk.contract", "data_desk.hold", "data_desk.request", "evidence_desk.bundle",
        "evidence_desk.download", "insurer_account.bordereau", "insurer_evidence.bundle",
        "insurer_evidence.download", "insurer_questions.question", "insurer_questions.write_public",
        "insurer_sales.policy_document", "insurer_sales.sale", "insurer_underwriting.ask",
        "insurer_underwriting.case", "page_versions.day", "question_desk.question",
        "replay_desk.recording",
        "sales_log.page",
        "sales_log.policy_document", "sales_log.sale", "sales_log.stored_page",
    }  # fmt: skip


LOOKED_AT = sorted(set(AUDITED) & {cell.endpoint for cell in table() if cell.method == "GET"})


@pytest.mark.asvs("16.3.2")
@pytest.mark.parametrize("endpoint", LOOKED_AT)
def test_a_look_at_what_is_a_customers_is_kept_and_one_into_a_sale_in_its_trail_too(site: Site, endpoint: str) -> None:
    kind, who = ACCESS[endpoint].audited, next(cell.role for cell in may("GET") if cell.endpoint == endpoint)
    assert kind is not None
    looks = partial(count, site.app, "traceability_evidence_intake", "type = 'sale:viewed'")
    before = (events(site, kind, f"account_id = '{site.accounts[who]}'"), looks())
    assert site.ask(who, "GET", site.path(endpoint)).status_code == 200
    assert events(site, kind, f"account_id = '{site.accounts[who]}'") == before[0] + 1
    assert looks() - before[1] == (1 if kind is SecurityEventType.SALE_VIEWED else 0)


@contextmanager
def too_long_ago(site: Site) -> Iterator[None]:
    """Everybody proved to be there a minute too long ago."""
    too_long = f"{rules.PROOF_IS_FRESH.total_seconds() + 60} seconds"
    for sign in ("-", "+"):
        engine = create_engine(site.app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
            for column in ("authenticated_at", "second_factor_at"):
                moved = f"UPDATE accounts_session SET {column} = {column} {sign} interval '{too_long}'"
                connection.execute(text(moved))
        engine.dispose()
        if sign == "-":
            yield


@pytest.mark.asvs("7.5.1")
@pytest.mark.parametrize(("role", "proof"), [("owner", "/account/security/confirm"), (SOLD, "/second-step")])
def test_what_is_sensitive_asks_first_for_a_fresh_proof(site: Site, role: str, proof: str) -> None:
    turned_away = {"sign-in", "second-step", "403", "404"}
    sensitive = [
        cell for cell in table()
        if cell.role == role and cell.seeded and ACCESS[cell.endpoint].step_up and cell.expected not in turned_away
    ]  # fmt: skip
    assert len(sensitive) >= 5
    led: list[str] = []

    def ask(cell: Cell) -> None:
        led.append(site.ask(role, cell.method, site.path(cell.endpoint)).headers.get("Location", "let in"))

    with too_long_ago(site):
        assert walker.written_by(site.app, {cell.name: partial(ask, cell) for cell in sensitive}) == []
    assert {where.partition("?")[0] for where in led} == {proof}


@pytest.mark.asvs("3.5.1", "16.3.3")
@pytest.mark.parametrize("role", ["owner", SOLD])
def test_no_form_works_without_its_token_and_who_tries_is_written_down(site: Site, role: str) -> None:
    forged = partial(events, site, SecurityEventType.FORGED_REQUEST, "detail ->> 'reason' = 'csrf'")
    before = forged()
    faults: list[str] = []
    assert walker.written_by(site.app, {"all": lambda: faults.extend(walker.forgeable(site, role, "other"))}) == []
    assert faults == []
    proven = walker.SIGNED | walker.KEYED | walker.OWN_PROOF
    doors = len([door for door in walker.unsafe_doors(site) if door[0] not in proven])
    assert doors > 35
    assert forged() - before == 3 * doors


@pytest.mark.asvs("3.5.1", "3.5.8", "16.3.3")
@pytest.mark.parametrize("role", ["owner", "insurer_admin", SOLD])
def test_what_a_page_of_another_site_sends_is_refused(site: Site, role: str) -> None:
    faults: list[str] = []
    act = partial(walker.open_to_other_sites, site, role, PERSONAL, PAPERS)
    assert walker.written_by(site.app, {"all": lambda: faults.extend(act())}) == []
    assert faults == []
    assert events(site, SecurityEventType.FORGED_REQUEST, "detail ->> 'reason' = 'other_site'") > 0


def test_a_link_on_another_site_leads_to_a_page(site: Site) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for endpoint in ("policy.policies", "policy.policy", "checkout.done", "product.offer", "home.home"):
        assert site.ask("owner", "GET", site.path(endpoint), headers=link).status_code == 200, endpoint


@pytest.mark.asvs("4.1.4", "13.4.4")
def test_other_methods_are_refused_with_those_there_are(site: Site) -> None:
    assert walker.other_methods(site, "owner") == []


@pytest.mark.asvs("15.3.7")
def test_a_name_given_twice_is_not_guessed_at(site: Site) -> None:
    faults: list[str] = []
    assert walker.written_by(site.app, {"all": lambda: faults.extend(walker.doubled_names(site, "owner"))}) == []
    assert faults == []


@pytest.mark.asvs("3.3.2", "3.3.4", "3.3.5", "3.4.3", "3.4.4", "3.4.5", "3.4.6", "3.4.8", "4.1.1", "14.3.2", "14.2.2")
@pytest.mark.asvs("3.7.3")
@pytest.mark.parametrize("role", ["owner", "insurer_admin", "admin_compliance"])
def test_every_answer_carries_its_headers_keeps_out_of_caches_and_leads_to_nobody_else(site: Site, role: str) -> None:
    answered = walker.answers(site, role)
    assert walker.header_faults(answered, secure=False) == []
    assert walker.cache_faults(answered) == []
    assert walker.cookie_faults(answered, secure=False) == []
    assert walker.ways_out(answered) == [], "the one way out is the form that pays (test_paying_pages.py)"


@pytest.mark.parametrize("role", ["owner", "insurer_admin", "admin_compliance"])
def test_bytes_that_are_no_text_break_no_door(site: Site, role: str) -> None:
    assert walker.broken_by_bytes(site, role) == []


def test_a_static_file_is_kept_for_good_under_the_address_of_its_bytes_only(site: Site) -> None:
    page = site.ask("visitor", "GET", "/").get_data(as_text=True)
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    control = {
        each: site.ask("visitor", "GET", each).headers["Cache-Control"]
        for each in (address, address[:-1] + ("0" if address[-1] != "0" else "1"), address.split("?")[0])
    }
    assert list(control.values()) == ["public, max-age=31536000, immutable", "no-cache", "no-cache"]


@pytest.fixture
def over_tls(settings: Settings, migrated_app: Flask) -> Iterator[Site]:
    """The same site as customers reach it in production, over TLS."""
    gateway = payment_gateway.gateway()
    app = create_app(settings.model_copy(update={"public_url": "https://localhost"}))
    app.test_client_class = FlaskClient
    yield Site(app, {"visitor": app.test_client()})
    payment_gateway.configure(gateway)
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.mark.asvs("3.3.1", "3.3.3", "3.4.1")
def test_over_tls_cookies_are_bound_to_the_host_and_every_answer_asks_for_tls(over_tls: Site) -> None:
    answered = [
        (endpoint, over_tls.ask("visitor", "GET", path, base_url="https://localhost"))
        for endpoint, path in {
            "home.home": "/", "account.sign_in": "/sign-in", "verify.check": "/verify", "sales_log.sales": "/admin",
            "static": "/static/css/evenfold.css", "nothing": "/no-such-page", "stripe.receive": "/hooks/stripe",
        }.items()
    ]  # fmt: skip
    assert [response.status_code for _name, response in answered] == [200, 200, 200, 302, 200, 404, 405]
    assert walker.header_faults(answered, secure=True) == []
    assert walker.cookie_faults(answered, secure=True) == []
    assert any("__Host-evenfold=" in response.headers.get("Set-Cookie", "") for _name, response in answered)


@pytest.mark.asvs("3.4.2", "3.5.6")
def test_no_other_origin_may_read_and_nothing_answers_as_a_script(site: Site) -> None:
    assert walker.shared_with_other_origins(site, "owner") == []


@pytest.mark.asvs("16.5.1")
def test_an_error_tells_that_it_happened_and_nothing_of_how(site: Site) -> None:
    assert walker.talkative_errors(site, [*first_that_may("GET"), *first_that_may("POST")]) == []


def test_every_form_and_look_that_costs_is_limited_and_says_when_to_come_back(site: Site) -> None:
    """Stripe's events are signed; all else that changes something or asks a neighbour is counted by its source."""

    def forget() -> None:
        engine = create_engine(site.app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM accounts_limit"))
        engine.dispose()

    limited = [cell for cell in first_that_may("POST") if cell.endpoint not in walker.SIGNED]
    limited += [cell for cell in first_that_may("GET") if ACCESS[cell.endpoint].look_limit]
    before = events(site, SecurityEventType.LIMIT_REACHED)
    assert walker.unlimited(site, limited, forget) == []
    assert events(site, SecurityEventType.LIMIT_REACHED) - before == len(limited)
    assert {name for name, door in ACCESS.items() if door.limit is None} == walker.SIGNED
    by_machines = {"api_v1.bordereau", "api_v1.catalog", "api_v1.put_catalog"}
    asks_a_neighbour = {"checkout.returned", "checkout.done", "insurer_payee.returned"}
    looks_up_people = {"answers.practitioners"}
    limited_looks = asks_a_neighbour | by_machines | looks_up_people
    assert {name for name, door in ACCESS.items() if door.look_limit} == limited_looks


# --- the checks can fail: the site with a rule taken away -------------------------------------------------------------


def test_a_desk_that_lets_everybody_in_is_found(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "DESK_OF", dict.fromkeys(access.DESK_OF))
    monkeypatch.setattr(access, "_led_elsewhere", lambda _door: None)
    cells = [cell for cell in table() if cell.endpoint == "sales_log.sales" and cell.refused]
    assert len(walker.wrong_answers(site, cells)) == len(cells) == len(ROLES) - 5


def test_somebody_elses_policy_shown_is_found(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "own_policy", policy.queries.policy)
    monkeypatch.setattr(policy, "visit_of", lambda found: found.journey_id)  # it asks once more whose contract it is
    cells = [cell for cell in table() if cell.endpoint == "policy.policy" and cell.refused]
    assert walker.wrong_answers(site, cells) == ["GET policy.policy seeded as other: 200 instead of 404"]


def test_a_look_that_writes_is_found(site: Site) -> None:
    def look() -> None:
        engine = create_engine(site.app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
            connection.execute(text("UPDATE accounts_account SET confirmed_at = clock_timestamp()"))
        engine.dispose()

    faults = walker.written_by(site.app, {"a look": look, "another": lambda: None})
    assert faults == ["a look: wrote ['accounts_account']"]


def test_a_refusal_that_nobody_writes_down_is_found(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before = events(site, SecurityEventType.DOOR_REFUSED)
    site.ask("other", "GET", site.path("sales_log.sales"))
    assert events(site, SecurityEventType.DOOR_REFUSED) == before + 1
    monkeypatch.setattr(access.audit, "note", lambda *_: None)
    site.ask("other", "GET", site.path("sales_log.sales"))
    assert events(site, SecurityEventType.DOOR_REFUSED) == before + 1


def test_an_act_of_staff_that_nobody_writes_down_is_found(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_staff_before", lambda: None)
    (act,) = (c for c in table() if (c.endpoint, c.method, c.role) == ("home.choose_language", "POST", SOLD))
    before = walker.acts_kept(site)
    assert walker.wrong_answers(site, [act]) == []
    assert walker.unkept_acts(site, before, [act]) == [f"home.choose_language as {SOLD}: -1"]


# --- last, for it signs everybody out ---------------------------------------------------------------------------------


@pytest.mark.asvs("8.2.1")
def test_who_may_change_something_may_and_what_staff_do_is_written_down(site: Site) -> None:
    """Also at doors that are everybody's."""
    allowed = may("POST")
    before, acts = walker.acts_kept(site), acts_of_staff(site, allowed)
    assert walker.wrong_answers(site, allowed) == []
    assert len({cell.endpoint for cell in acts}) > 10
    assert walker.unkept_acts(site, before, acts) == []
