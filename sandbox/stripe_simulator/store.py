"""What the simulator remembers: one SQLite file, one connection, one lock.

The file is in write-ahead mode with `synchronous=NORMAL`: a killed process loses no committed work.
Everything is done inside `Store.transaction()`, which alone hands out `Records`.
"""

import json
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.stripe_simulator.errors import ApiError, JsonObject

logger = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,  -- the connected account it belongs to, empty for the platform's own
    created INTEGER NOT NULL,
    body TEXT NOT NULL,     -- what the API shows
    private TEXT NOT NULL   -- what it never shows: an endpoint's secret, how a card behaves
) STRICT;
CREATE INDEX IF NOT EXISTS object_kind ON object (kind, account, sequence);
CREATE INDEX IF NOT EXISTS object_open_session ON object (json_extract(body, '$.expires_at'))
    WHERE kind = 'checkout.session' AND json_extract(body, '$.status') = 'open';
CREATE INDEX IF NOT EXISTS object_pending_money ON object (json_extract(body, '$.available_on'))
    WHERE kind = 'balance_transaction' AND json_extract(body, '$.status') = 'pending';
CREATE TABLE IF NOT EXISTS appointment (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    due_at INTEGER NOT NULL,
    act TEXT NOT NULL,
    object_id TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS appointment_due ON appointment (due_at);
CREATE TABLE IF NOT EXISTS idempotent_answer (
    key TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS delivery (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'given_up', 'lost')),
    first_due_at REAL NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    stale INTEGER NOT NULL DEFAULT 0,  -- the first try carries a signature that is too old
    thin INTEGER NOT NULL DEFAULT 0,  -- only what happened to which object, not the object
    last_error TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (endpoint_id, due_at) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS delivery_event ON delivery (event_id);
"""
LAYOUT = 3
"""Counts the shapes the file has had. A file of another shape is emptied: it only ever holds pretended money."""


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which objects of one kind and one account, newest first.

    `matching` maps a JSON path of the body to its value; `where` adds SQL conditions with their values.
    """

    kind: str
    account: str = ""
    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    matching: Mapping[str, str] = field(default_factory=dict)
    where: tuple[tuple[str, tuple[object, ...]], ...] = ()


class Records:
    """The objects, as seen and changed by one transaction."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self.sql = sql

    def insert(self, body: JsonObject, private: JsonObject | None = None, account: str = "") -> None:
        self.sql.execute(
            "INSERT INTO object (id, kind, account, created, body, private) VALUES (?, ?, ?, ?, ?, ?)",
            (body["id"], body["object"], account, body["created"], json.dumps(body), json.dumps(private or {})),
        )

    def save(self, body: JsonObject) -> None:
        self.sql.execute("UPDATE object SET body = ? WHERE id = ?", (json.dumps(body), body["id"]))

    def save_private(self, identifier: str, private: JsonObject) -> None:
        self.sql.execute("UPDATE object SET private = ? WHERE id = ?", (json.dumps(private), identifier))

    def delete(self, identifier: str) -> None:
        self.sql.execute("DELETE FROM object WHERE id = ?", (identifier,))

    def get(self, identifier: str) -> JsonObject | None:
        row = self.sql.execute("SELECT body FROM object WHERE id = ?", (identifier,)).fetchone()
        return _decoded(row[0]) if row else None

    def owner(self, identifier: str) -> str:
        """The connected account an object belongs to, empty for the platform's own."""
        row = self.sql.execute("SELECT account FROM object WHERE id = ?", (identifier,)).fetchone()
        return str(row[0]) if row else ""

    def private(self, identifier: str) -> JsonObject:
        row = self.sql.execute("SELECT private FROM object WHERE id = ?", (identifier,)).fetchone()
        return _decoded(row[0]) if row else {}

    def all(self, kind: str, account: str = "") -> list[JsonObject]:
        """Every object of a kind and account, oldest first."""
        rows = self.sql.execute(
            "SELECT body FROM object WHERE kind = ? AND account = ? ORDER BY sequence", (kind, account)
        )
        return [_decoded(body) for (body,) in rows]

    def overdue_sessions(self, now: int) -> list[JsonObject]:
        rows = self.sql.execute(
            "SELECT body FROM object WHERE kind = 'checkout.session'"
            " AND json_extract(body, '$.status') = 'open' AND json_extract(body, '$.expires_at') <= ?"
            " ORDER BY sequence",
            (now,),
        )
        return [_decoded(body) for (body,) in rows]

    def mature(self, now: int) -> None:
        """Money whose day has come is available."""
        self.sql.execute(
            "UPDATE object SET body = json_set(body, '$.status', 'available') WHERE kind = 'balance_transaction'"
            " AND json_extract(body, '$.status') = 'pending' AND json_extract(body, '$.available_on') <= ?",
            (now,),
        )

    def sums(self, account: str) -> list[tuple[str, str, int]]:
        """(currency, available or pending, net sum) of an account's balance, by currency."""
        return self.sql.execute(
            "SELECT json_extract(body, '$.currency'), json_extract(body, '$.status'),"
            " SUM(json_extract(body, '$.net')) FROM object WHERE kind = 'balance_transaction' AND account = ?"
            " GROUP BY 1, 2 ORDER BY 1, 2",
            (account,),
        ).fetchall()

    def appoint(self, due_at: int, act: str, identifier: str) -> None:
        self.sql.execute("INSERT INTO appointment (due_at, act, object_id) VALUES (?, ?, ?)", (due_at, act, identifier))

    def next_appointment(self, now: int) -> tuple[int, str, str] | None:
        """(instant, act, object) that is due first, taken off the list."""
        row: tuple[int, str, str] | None = self.sql.execute(
            "DELETE FROM appointment WHERE sequence = (SELECT sequence FROM appointment WHERE due_at <= ?"
            " ORDER BY due_at, sequence LIMIT 1) RETURNING due_at, act, object_id",
            (now,),
        ).fetchone()
        return row

    def page(self, query: PageQuery) -> tuple[list[JsonObject], bool]:
        """Up to `limit` objects and whether there are more in the direction asked for."""
        conditions = ["kind = ?", "account = ?"]
        bound: list[object] = [query.kind, query.account]
        for path, value in query.matching.items():
            conditions.append("json_extract(body, ?) = ?")
            bound += [path, value]
        for condition, parts in query.where:
            conditions.append(condition)
            bound += parts
        order = "DESC"
        if query.starting_after is not None:
            conditions.append("sequence < (SELECT sequence FROM object WHERE id = ?)")
            bound.append(query.starting_after)
        elif query.ending_before is not None:
            conditions.append("sequence > (SELECT sequence FROM object WHERE id = ?)")
            bound.append(query.ending_before)
            order = "ASC"
        rows = self.sql.execute(
            # conditions are this program's own constants; every value is bound
            f"SELECT body FROM object WHERE {' AND '.join(conditions)} ORDER BY sequence {order} LIMIT ?",  # noqa: S608  (conditions are ours, values are bound)
            (*bound, query.limit + 1),
        ).fetchall()
        found = [_decoded(body) for (body,) in rows]
        page, more = found[: query.limit], len(found) > query.limit
        return (page if order == "DESC" else page[::-1]), more


class Store:
    """The file. One transaction at a time, each all or nothing."""

    def __init__(self, database: Path) -> None:
        database.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._sql = sqlite3.connect(database, isolation_level=None, check_same_thread=False, timeout=10)
        self._sql.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        if self._sql.execute("PRAGMA user_version").fetchone() != (LAYOUT,):
            if self._sql.execute("SELECT 1 FROM sqlite_schema WHERE name = 'object'").fetchone():
                logger.warning("%s was written by another version and is emptied", database.name)
            self._sql.executescript(
                "BEGIN; DROP TABLE IF EXISTS object; DROP TABLE IF EXISTS idempotent_answer;"
                f" DROP TABLE IF EXISTS delivery; PRAGMA user_version = {LAYOUT}; COMMIT;"
            )
        self._sql.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[Records]:
        with self._lock:
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                yield Records(self._sql)
            except BaseException:
                self._sql.execute("ROLLBACK")
                raise
            self._sql.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            self._sql.close()


@contextmanager
def savepoint(records: Records) -> Iterator[None]:
    """Undo what the block wrote when it fails (unless the refusal keeps it), and let the transaction go on."""
    records.sql.execute("SAVEPOINT work")
    try:
        yield
    except BaseException as error:
        if not (isinstance(error, ApiError) and error.keeps_work):
            records.sql.execute("ROLLBACK TO work")
        records.sql.execute("RELEASE work")
        raise
    records.sql.execute("RELEASE work")


def _decoded(text: str) -> JsonObject:
    decoded: JsonObject = json.loads(text)
    return decoded
