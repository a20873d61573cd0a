"""Every table as another insurer: nothing is there, nothing can be changed, nothing can be added (RLS, ADR 0007).

Each test works in one transaction of a superuser who becomes the role that is tried, and rolls everything back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.accounts.values import Role
from marketplace.infra.db import Base, Scope, ScopeWidenedError, apart, db, narrow_scope, reader, use_scope
from sandbox.embedded_db import EmbeddedServer
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.integration.infra.tenants import (
    APPENDED,
    CATALOG,
    EVERYBODYS,
    INSURERS,
    MARKETPLACE,
    MOVED,
    REGISTERS,
    seed,
    seed_question,
    seed_visit,
)

Superuser = psycopg.Connection[tuple[Any, ...]]
OWN = UUID("00000000-0000-4000-8000-00000000000a")
OTHER = UUID("00000000-0000-4000-8000-00000000000b")
NOBODY, EVERYBODY = "", Scope.all().setting
APP, READER = "marketplace_app", "marketplace_reader"
GUARDED = INSURERS | CATALOG | MARKETPLACE | REGISTERS


@pytest.fixture
def superuser(app: Flask, server: EmbeddedServer) -> Iterator[Superuser]:
    """A transaction with one row of insurer OTHER in every guarded table; nothing of it stays."""
    with server.connect_as_superuser("marketplace") as connection, connection.transaction(force_rollback=True):
        seed(connection, OTHER)
        yield connection


@contextmanager
def acting(connection: Superuser, role: str, scope: str) -> Iterator[None]:
    """Be `role` in `scope`; whatever is done meanwhile is undone."""
    with connection.transaction(force_rollback=True):
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        connection.execute("SELECT set_config('marketplace.scope', %s, true)", (scope,))
        yield


def of(insurer_id: UUID) -> str:
    return Scope.insurer(insurer_id).setting


def seen(connection: Superuser, table: str, scope: str) -> dict[str, int]:
    """By role that may read the table: how many rows it sees."""
    counted = {}
    for role in (APP, READER):
        if may(connection, role, table, "SELECT"):
            with acting(connection, role, scope):
                counted[role] = one(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
    assert counted, f"no role reads {table}"
    return counted


def touched(connection: Superuser, table: str, scope: str) -> dict[str, int]:
    """By verb that the site may do with the table: how many rows it reaches."""
    name, reached = sql.Identifier(table), {}
    column = one(
        connection,
        "SELECT max(column_name) FROM information_schema.columns "
        "WHERE table_name = %s AND has_column_privilege(%s, table_name::regclass, column_name, 'UPDATE') "
        "AND has_column_privilege(%s, table_name::regclass, column_name, 'SELECT')",
        (table, APP, APP),
    )
    if column:
        with acting(connection, APP, scope):
            update = sql.SQL("UPDATE {} SET {} = {}").format(name, *[sql.Identifier(column)] * 2)
            reached["UPDATE"] = connection.execute(update).rowcount
    if may(connection, APP, table, "DELETE"):
        with acting(connection, APP, scope):
            delete = sql.SQL("DELETE FROM {}").format(name)
            reached["DELETE"] = connection.execute(delete).rowcount
    return reached


def refused(connection: Superuser, table: str, scope: str) -> bool:
    """Whether a policy keeps the site from adding the very row that is there."""
    name = sql.Identifier(table)
    row = one(connection, sql.SQL("SELECT to_jsonb(t) FROM {} t").format(name))
    written = connection.execute(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'",
        (table,),
    ).fetchall()
    columns = sql.SQL(", ").join(sql.Identifier(column) for (column,) in written)
    insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM jsonb_populate_record(NULL::{}, %s)").format(
        name, columns, columns, name
    )
    try:
        with acting(connection, APP, scope):
            connection.execute(insert, (psycopg.types.json.Jsonb(row),))
    except InsufficientPrivilege as error:
        return "row-level security" in str(error)
    except psycopg.errors.IntegrityError:
        return False  # past the policy, stopped by the row that is there
    return False


def may(connection: Superuser, role: str, table: str, verb: str) -> bool:
    return bool(one(connection, "SELECT has_table_privilege(%s, %s, %s)", (role, table, verb)))


def one(connection: Superuser, statement: Any, values: tuple[Any, ...] = ()) -> Any:
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row[0]


def test_every_table_is_said_to_be_somebodys(superuser: Superuser) -> None:
    tables = {row[0] for row in superuser.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert tables == GUARDED | set(EVERYBODYS)
    assert set(Base.metadata.tables) <= tables
    assert sum(map(len, (INSURERS, CATALOG, MARKETPLACE, REGISTERS, EVERYBODYS))) == len(tables)


def test_policies_bind_every_guarded_table_and_its_owner(superuser: Superuser) -> None:
    bound = superuser.execute(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'"
    )
    assert {row[0] for row in bound} == GUARDED


@pytest.mark.asvs("8.2.2", "8.4.1")
@pytest.mark.parametrize("table", sorted(INSURERS | MARKETPLACE))
def test_another_insurers_rows_are_not_there(superuser: Superuser, table: str) -> None:
    assert set(seen(superuser, table, EVERYBODY).values()) == {1}
    assert set(seen(superuser, table, of(OTHER)).values()) == {0 if table in MARKETPLACE else 1}
    assert set(seen(superuser, table, of(OWN)).values()) == {0}
    assert set(touched(superuser, table, of(OWN)).values()) <= {0}
    assert refused(superuser, table, of(OWN)) is (table not in APPENDED | MOVED)


@pytest.mark.asvs("8.2.2", "8.4.1")
@pytest.mark.parametrize("table", sorted(CATALOG | REGISTERS))
def test_what_is_public_is_read_by_all_and_written_by_its_own(superuser: Superuser, table: str) -> None:
    assert set(seen(superuser, table, of(OWN)).values()) == {1}
    assert set(touched(superuser, table, of(OWN)).values()) <= {0}
    assert refused(superuser, table, of(OWN))
    assert refused(superuser, table, of(OTHER)) is (table in REGISTERS)


@pytest.mark.asvs("16.5.3")
@pytest.mark.parametrize("table", sorted(GUARDED))
def test_who_says_no_scope_finds_nothing_and_writes_nothing(superuser: Superuser, table: str) -> None:
    assert set(seen(superuser, table, NOBODY).values()) == {1 if table in REGISTERS else 0}
    assert set(touched(superuser, table, NOBODY).values()) <= {0}
    assert refused(superuser, table, NOBODY) is (table not in MOVED)


@pytest.mark.parametrize("table", sorted(GUARDED))
def test_without_the_policies_the_rows_would_be_there(superuser: Superuser, table: str) -> None:
    """The control: what the tests above find is the work of the policies alone."""
    superuser.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(sql.Identifier(table)))
    assert set(seen(superuser, table, of(OWN)).values()) == {1}
    assert set(seen(superuser, table, NOBODY).values()) == {1}
    assert not refused(superuser, table, of(OWN))


def test_the_owner_of_the_tables_is_bound_too(superuser: Superuser) -> None:
    with acting(superuser, "marketplace_owner", NOBODY):
        assert one(superuser, "SELECT count(*) FROM policy_policy") == 0
    with acting(superuser, "marketplace_owner", EVERYBODY):
        assert one(superuser, "SELECT count(*) FROM policy_policy") == 1


# --- questions: which keys they open ---------------------------------------------------------------------------------

UNCONFIRMED: dict[str, Any] = {"state": "unconfirmed", "account_id": None}
GONE: dict[str, Any] = {"account_id": None, "erased_at": "2026-11-23T04:00:00Z"}


def keys_open(connection: Superuser, scope: str) -> set[UUID]:
    with acting(connection, APP, scope):
        return {row[0] for row in connection.execute("SELECT id FROM infra_subject_key").fetchall()}


def tried(connection: Superuser, statement: str, values: dict[str, Any]) -> int | None:
    """How many rows an insurer's scope reaches with a statement; None where it is refused."""
    try:
        with acting(connection, APP, of(OWN)):
            return connection.execute(statement, values).rowcount
    except InsufficientPrivilege:
        return None


@pytest.mark.parametrize(("state", "opens"), [({}, True), (UNCONFIRMED, False), (GONE, False)])
def test_a_question_opens_its_key_and_its_visits_while_it_is_asked(
    *, superuser: Superuser, state: dict[str, Any], opens: bool
) -> None:
    """Not before the address is proven, when nobody reads it, and not once it is forgotten."""
    visit = seed_visit(superuser)
    question = seed_question(superuser, OWN, visit, **state)
    assert keys_open(superuser, of(OWN)) == ({question, visit} if opens else set())


def test_another_insurers_question_in_the_same_visit_opens_nothing_more(superuser: Superuser) -> None:
    visit, elsewhere = seed_visit(superuser), seed_visit(superuser)
    own, others = seed_question(superuser, OWN, visit), seed_question(superuser, OTHER, visit)
    seed_question(superuser, OTHER, elsewhere)
    assert keys_open(superuser, of(OWN)) == {own, visit}
    assert others in keys_open(superuser, of(OTHER))


def test_an_insurer_asks_itself_nothing_to_open_a_key(superuser: Superuser) -> None:
    """It answers questions: it adds none, takes none out, moves none to another visit, and destroys no key."""
    visit, elsewhere = seed_visit(superuser), seed_visit(superuser)
    question = seed_question(superuser, OWN, visit)
    named = {"question": question, "elsewhere": elsewhere, "visit": visit}
    copied = (
        "INSERT INTO consultation_thread (id, reference, insurer_id, product_version_id, journey_id, account_id,"
        " sealed_for, locale, state, created_at, asked_at) SELECT gen_random_uuid(), 'Q', insurer_id,"
        " product_version_id, %(elsewhere)s, account_id, sealed_for, locale, state, created_at, asked_at"
        " FROM consultation_thread WHERE id = %(question)s"
    )
    assert tried(superuser, "SELECT id FROM consultation_thread WHERE id = %(question)s FOR UPDATE", named) == 1
    assert tried(superuser, copied, named) is None
    assert tried(superuser, "DELETE FROM consultation_thread WHERE id = %(question)s", named) == 0
    for column in ("id", "journey_id", "sealed_for"):
        moved = f"UPDATE consultation_thread SET {column} = %(elsewhere)s WHERE id = %(question)s"
        assert tried(superuser, moved, named) is None, column
    destroyed = "UPDATE infra_subject_key SET wrapped = NULL, destroyed_at = now() WHERE id = %(visit)s"
    assert tried(superuser, destroyed, named) == 0


# --- how the application says its scope ------------------------------------------------------------------------------


def staff_seen() -> int:
    return int(db.session.execute(text("SELECT count(*) FROM accounts_account")).scalar_one())


@pytest.fixture
def two_insurers(database: None) -> tuple[UUID, UUID]:
    """Two insurers with one member of staff each; the marketplace has one as well."""
    first, second = an_insurer("harbour"), an_insurer("larkmeadow")
    for insurer in (first, second):
        a_member_of_staff(Role.INSURER_UNDERWRITER, insurer)
    a_member_of_staff()
    db.session.commit()
    return first.id, second.id


def test_work_without_a_scope_sees_nothing_through_any_door(app: Flask, two_insurers: tuple[UUID, UUID]) -> None:
    def work() -> tuple[int, int, int]:
        with app.app_context(), apart() as other, reader() as evidence:
            count = text("SELECT count(*) FROM accounts_account")
            return staff_seen(), other.execute(count).scalar_one(), evidence.execute(count).scalar_one()

    assert Context().run(work) == (0, 0, 0)


def test_work_without_a_scope_writes_nothing(app: Flask, two_insurers: tuple[UUID, UUID]) -> None:
    def work() -> None:
        with app.app_context():
            db.session.execute(text("INSERT INTO accounts_challenge (id) VALUES (gen_random_uuid())"))

    with pytest.raises(DBAPIError, match="row-level security"):
        Context().run(work)


def test_a_scope_holds_for_the_statements_inside_it_also_within_one_transaction(
    two_insurers: tuple[UUID, UUID],
) -> None:
    assert staff_seen() == 3
    with use_scope(Scope.insurer(two_insurers[0])):
        assert staff_seen() == 1
    assert staff_seen() == 3
    db.session.rollback()
    assert staff_seen() == 3


def test_a_savepoint_undone_does_not_bring_back_a_wider_scope(two_insurers: tuple[UUID, UUID]) -> None:
    assert staff_seen() == 3
    savepoint = db.session.begin_nested()
    with use_scope(Scope.insurer(two_insurers[0])):
        assert staff_seen() == 1
        savepoint.rollback()
        assert staff_seen() == 1


def test_a_connection_goes_back_to_the_pool_without_a_scope(app: Flask, two_insurers: tuple[UUID, UUID]) -> None:
    for end in (db.session.commit, db.session.rollback):
        assert staff_seen() == 3
        end()
        raw = db.engine.raw_connection()
        try:
            assert raw.cursor().execute("SELECT current_setting('marketplace.scope', true)").fetchone() == ("",)
        finally:
            raw.close()


def test_a_scope_is_narrowed_and_never_widened(two_insurers: tuple[UUID, UUID]) -> None:
    first, second = two_insurers
    with use_scope(Scope.all()):
        narrow_scope(first)
        assert staff_seen() == 1
        with pytest.raises(ScopeWidenedError):
            narrow_scope(second)
        assert staff_seen() == 1
    assert staff_seen() == 3


def test_no_scope_is_used_inside_that_of_an_insurer_but_its_own(two_insurers: tuple[UUID, UUID]) -> None:
    first, second = two_insurers
    with use_scope(Scope.all()):
        narrow_scope(first)
        for wider in (Scope.all(), Scope.insurer(second)):
            with pytest.raises(ScopeWidenedError), use_scope(wider):
                pytest.fail("the scope was widened")
            assert staff_seen() == 1
        with use_scope(Scope.insurer(first)):
            assert staff_seen() == 1
    assert staff_seen() == 3


def test_work_without_a_scope_is_not_given_one_by_narrowing(two_insurers: tuple[UUID, UUID]) -> None:
    with pytest.raises(ScopeWidenedError):
        Context().run(narrow_scope, two_insurers[0])
