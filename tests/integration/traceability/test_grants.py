"""Evidence cannot be changed, removed or read back by the site: every role tries (T26-34, T26-41)."""

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import create_engine, pool, text
from sqlalchemy.exc import DBAPIError

from marketplace.infra.db import db
from marketplace.traceability import queries, services
from tests.factories.traceability import a_journey, a_view, an_act

JOURNEY, VERSION, INTAKE = "traceability_journey", "traceability_page_version", "traceability_evidence_intake"
ENTRY = "traceability_entry"
TILE, CHECKPOINT, KEY = "traceability_log_tile", "traceability_log_checkpoint", "traceability_log_key"
RELEASE, ONLINE, REFERENCE = "traceability_release", "traceability_page_online", "traceability_page_reference"
STAMPED = STAMP, AUTHORITY = "traceability_timestamp", "traceability_time_authority"
CHUNK, RECORDING, ALIKE = (f"traceability_recording{what}" for what in ("_chunk", "", "_reference"))
ADDED_TO = (VERSION, RELEASE, ONLINE, REFERENCE, RECORDING, ALIKE)
IN_THE_LOG = (ENTRY, TILE, CHECKPOINT, KEY)
SEQUENCER = "marketplace_sequencer"
STATEMENTS = {
    "SELECT": "SELECT * FROM {table}",
    "INSERT": "INSERT INTO {table} ({column}) VALUES (NULL)",
    "UPDATE": "UPDATE {table} SET {column} = {column}",
    "DELETE": "DELETE FROM {table}",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
}
ALLOWED = {
    ("marketplace_app", JOURNEY): {"SELECT", "INSERT"},
    ("marketplace_app", INTAKE): {"INSERT"},
    ("marketplace_app", CHUNK): {"SELECT", "INSERT", "DELETE"},
    ("marketplace_reader", CHUNK): set(),
    ("marketplace_sequencer", CHUNK): set(),
    ("marketplace_reader", JOURNEY): {"SELECT"},
    ("marketplace_reader", INTAKE): {"SELECT"},
    ("marketplace_sequencer", JOURNEY): set(),
    **{("marketplace_app", table): {"SELECT", "INSERT"} for table in ADDED_TO},
    **{("marketplace_reader", table): {"SELECT"} for table in ADDED_TO},
    **{("marketplace_sequencer", table): set() for table in ADDED_TO},
    ("marketplace_sequencer", INTAKE): {"SELECT", "DELETE"},
    **{("marketplace_app", table): set() for table in IN_THE_LOG},
    **{("marketplace_reader", table): {"SELECT"} for table in IN_THE_LOG},
    **{("marketplace_app", table): {"INSERT"} for table in STAMPED},
    **{("marketplace_reader", table): {"SELECT"} for table in STAMPED},
    **{("marketplace_sequencer", table): set() for table in STAMPED},
    ("marketplace_sequencer", ENTRY): {"INSERT"},  # and reads what is below
    **{("marketplace_sequencer", table): {"SELECT", "INSERT"} for table in (TILE, CHECKPOINT, KEY)},
}
COLUMNS = {
    STAMP: "size",
    AUTHORITY: "name",
    TILE: "level",
    CHECKPOINT: "size",
    KEY: "vkey",
    RELEASE: "number",
    ONLINE: "number",
    REFERENCE: "sha256",
    ALIKE: "sha256",
}
# Not evidence: whose a row is, which row-level security asks in the reader's name.
ASKED_BY_POLICIES = {"application_application": "id insurer_id journey_id", "accounts_account": "id insurer_id"}


@pytest.fixture
def trail(database):
    journey_id = a_journey()
    services.record_view(a_view(journey_id))
    services.record_act(an_act(journey_id))
    db.session.commit()
    return queries.journey_entries(journey_id)


def denied(role_url, statement):
    """Whether the grants of a role refuse a statement (an empty row that breaks a constraint got past them)."""
    engine = create_engine(role_url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))  # what is left to refuse are the grants
        try:
            connection.execute(text(statement))
        except DBAPIError as error:
            return isinstance(error.orig, InsufficientPrivilege)
        finally:
            connection.rollback()
    return False


@pytest.mark.requirement("T26-34", "T26-41")
@pytest.mark.parametrize("table", [JOURNEY, INTAKE, CHUNK, *ADDED_TO, *IN_THE_LOG, *STAMPED])
@pytest.mark.parametrize("role", ["marketplace_app", "marketplace_reader", "marketplace_sequencer"])
def test_what_each_role_may_do_with_evidence(server, trail, role, table):
    asked = {verb: sql.format(table=table, column=COLUMNS.get(table, "id")) for verb, sql in STATEMENTS.items()}
    done = {verb for verb, sql in asked.items() if not denied(server.url(role), sql)}

    assert done == ALLOWED[role, table]
    assert queries.journey_entries(trail[0].journey_id) == trail


@pytest.mark.asvs("13.2.2")
def test_the_reader_of_evidence_reads_evidence_and_nothing_else(server, database):
    engine = create_engine(server.url("marketplace_reader"), poolclass=pool.NullPool)
    may_read = text(
        "SELECT relname FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND has_any_column_privilege(oid, 'SELECT')"
    )
    columns = text(
        "SELECT string_agg(column_name, ' ' ORDER BY column_name) FROM information_schema.columns "
        "WHERE table_name = :table AND has_column_privilege(table_name, column_name, 'SELECT')"
    )
    with engine.connect() as connection:
        read = set(connection.execute(may_read).scalars())
        asked = {each: connection.scalar(columns, {"table": each}) for each in ASKED_BY_POLICIES}

    evidence = {JOURNEY, INTAKE, *ADDED_TO, *IN_THE_LOG, *STAMPED, "accounts_security_event"}
    assert read == evidence | {"alembic_version", *ASKED_BY_POLICIES}
    assert asked == ASKED_BY_POLICIES
