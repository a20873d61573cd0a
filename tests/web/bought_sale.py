"""A sale that was really bought, all of it in the log, to be changed by somebody who owns database and store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from marketplace.accounts.values import Account, Role
from marketplace.infra import vault
from marketplace.infra.db import Base, db
from marketplace.kernel.merkle import GrowingTree, leaf_hash
from marketplace.oversight.values import Sale
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.rules.leaves import Leaf
from marketplace.traceability.rules.notes import Checkpoint, Signer
from marketplace.traceability.values import EntryType
from tests.conftest import empty_tables
from tests.deferred_jobs import hasten
from tests.factories.accounts import a_member_of_staff
from tests.factories.log import ORIGIN, a_key_folder, integrate
from tests.factories.traceability import a_journey, an_act
from tests.web.conftest import Grounds, newest_code, open_shop, run_jobs, the_sale
from tests.web.desk_visits import buy

PUT_OFF = ("policy.make_document", "checkout.send_policy")
Change = Callable[["Copy"], None]
Buying = Callable[[Flask, Callable[[], list[str]], Callable[[str], str]], object]


@dataclass(frozen=True)
class Bought:
    """`account` is who asks for its evidence; `keys` holds the key of the log, `store` the files. `retired` are
    the keys that signed the log before.
    """

    shop: Flask
    sale: Sale
    account: Account
    keys: KeyFolder
    store: Path
    retired: tuple[Signer, ...] = ()


@contextmanager
def a_bought_sale(
    grounds: Grounds, *, others: int = 1, rotating: bool = False, buying: Buying = buy
) -> Iterator[Bought]:
    """`others` entries of somebody else stand before it in the log, which is time-stamped before and after the sale.
    `rotating` is a log whose key changes before the sale and after it, `buying` another road through the pages.
    """
    app, server, keys = grounds.app, grounds.server, a_key_folder(grounds.log)
    retired: list[Signer] = []

    def stamp() -> None:
        integrate(server, keys)
        assert traceability.stamp_log("local")
        db.session.commit()
        integrate(server, keys)

    def rotate() -> None:
        retired.append(keys.signer())
        traceability.record_rotation(ORIGIN, keys.prepare_next(trail.checkpoint_size()))
        db.session.commit()
        integrate(server, keys)

    try:
        with open_shop(app, grounds.simulator):
            with app.app_context():
                somebody = a_journey()
                for _ in range(others):
                    traceability.record_act(an_act(somebody))
                db.session.commit()
                stamp()
                if rotating:
                    rotate()
            buying(app, lambda: run_jobs(app), lambda address: newest_code(app, address))
            for _ in PUT_OFF:  # each waits for the receipt of what was done before it
                with app.app_context():
                    integrate(server, keys)
                    hasten(*PUT_OFF)
                run_jobs(app)
            with app.app_context():
                if rotating:
                    rotate()
                stamp()
                account = a_member_of_staff(Role.ADMIN_COMPLIANCE)
                db.session.commit()
            yield Bought(app, the_sale(app), account, keys, grounds.store, tuple(retired))
    finally:
        empty_tables(app)


class Copy:
    """The rows of the sale, to be changed by somebody who owns the database, and the store of files."""

    def __init__(self, bought: Bought) -> None:
        self.owner, self.sale, self.store = bought.shop.extensions["superuser"], bought.sale, bought.store
        self.keys = bought.keys

    def index_of(self, kind: EntryType) -> int:
        return self.indexes_of(kind)[0]

    def indexes_of(self, kind: EntryType) -> list[int]:
        found = self.owner.execute(
            "SELECT log_index FROM traceability_entry WHERE type = %s AND application_id = %s ORDER BY log_index",
            (kind.value, self.sale.application_id),
        ).fetchall()
        return [int(row[0]) for row in found]

    def run(self, statement: str, *values: Any) -> None:
        with self.owner.transaction():
            self.owner.execute("SET LOCAL session_replication_role = replica")
            assert self.owner.execute(statement, values).rowcount > 0

    def sign_again(self, signer: Signer | None = None) -> None:
        """History made anew by who has the log's key, or another: each leaf follows the one before, each checkpoint is
        signed.
        """
        signer = signer or self.keys.signer()
        hashes = ", ".join(f"encode({name}, 'hex')" for name in ("page_version_id", "page_sha256", "body_sha256"))
        columns = f"type, journey_id, number, recorded_at, {hashes}, log_index"
        tree, heads, roots = GrowingTree(), {}, {}
        for *said, index in self.owner.execute(
            f"SELECT {columns} FROM traceability_entry ORDER BY log_index"
        ).fetchall():
            before = heads.get(said[1])
            leaf = Leaf(*said[:3], before, *said[3:])
            heads[leaf.journey_id] = leaf_hash(leaf.to_bytes())
            change = "UPDATE traceability_entry SET previous_hash = %s, leaf_hash = %s WHERE log_index = %s"
            self.run(change, before, heads[leaf.journey_id], index)
            tree.append(heads[leaf.journey_id])
            roots[tree.size] = tree.root
        for (size,) in self.owner.execute("SELECT size FROM traceability_log_checkpoint").fetchall():
            note = signer.note(Checkpoint(ORIGIN, size, roots[size]).text)
            change = "UPDATE traceability_log_checkpoint SET root = %s, note = %s WHERE size = %s"
            self.run(change, roots[size], note, size)

    def place_of(self, sha256: str) -> Path:
        return self.store / sha256[:2] / sha256[2:4] / sha256

    def write_file(self, sha256: str, data: bytes) -> None:
        self.place_of(sha256).write_bytes(data)


@contextmanager
def a_copy(bought: Bought) -> Iterator[Copy]:
    """What is changed is put back afterwards: every row of every table, and every file."""
    owner, tables = bought.shop.extensions["superuser"], list(Base.metadata.tables)
    kept = {path: path.read_bytes() for path in bought.store.rglob("*") if path.is_file()}
    for table in tables:
        owner.execute(f"CREATE TEMPORARY TABLE kept_{table} AS SELECT * FROM {table}")
    try:
        yield Copy(bought)
    finally:
        _put_back(owner, tables)
        vault.forget()
        for path in (each for each, data in kept.items() if each.read_bytes() != data):
            path.write_bytes(kept[path])


def _put_back(owner: Any, tables: list[str]) -> None:
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        for table in tables:
            owner.execute(f"DELETE FROM {table}")
            written = ", ".join(f'"{each.name}"' for each in Base.metadata.tables[table].columns if not each.computed)
            owner.execute(f"INSERT INTO {table} ({written}) SELECT {written} FROM kept_{table}")
            owner.execute(f"DROP TABLE kept_{table}")
