"""Each thing that must hold of the books is broken once, and is found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Connection, text

from config import Settings
from marketplace.infra import storage
from sandbox.embedded_db import EmbeddedServer
from tests.faults.invariants import ALWAYS, AT_REST, Row, World, alterations, violations
from tests.faults.shop import Shop, a_shop


@dataclass(frozen=True)
class AtRest:
    """A contract with its policy mailed, whose insurer had its share and gave a part back, and an order whose money
    went back; `said` by their neighbours.
    """

    shop: Shop
    said: World
    ids: Row


IDS = """
SELECT o.id AS o, o.attempt_id AS a, o.account_id AS account, p.id AS p, p.application_id AS app, p.number,
       r.id AS r, r.attempt_id AS ra
FROM checkout_order o JOIN policy_policy p ON p.order_id = o.id, payment_refund r WHERE r.reason = 'not_issuable'
"""


@pytest.fixture(scope="module")
def rest(
    migrated_app: Flask, settings: Settings, server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AtRest]:
    with a_shop(migrated_app, settings, server, tmp_path_factory.mktemp("shop")) as shop:
        for void in (False, True):
            shop.go_to_pay(who := shop.apply())
            if void:
                shop.void(who)
            shop.pay(who)
            if not void:
                concluded = who
        shop.come_to_rest()
        shop.cool_off()
        shop.come_to_rest()
        shop.give_part_back(concluded)
        assert shop.violations_at_rest() == []
        with shop.owner.connect() as connection:
            connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
            ids = connection.execute(text(IDS)).one()._asdict()
        yield AtRest(shop, shop.world(), ids)


@pytest.fixture
def owner(rest: AtRest) -> Iterator[Connection]:
    """Whose changes nobody else ever sees. Triggers keep evidence and books: they are off, as for who owns them all."""
    with rest.shop.owner.connect() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        for table in ("traceability_entry", "payment_ledger_entry", "payment_ledger_line"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield connection
        connection.rollback()


def found(rest: AtRest, owner: Connection, said: World | None = None) -> set[str]:
    return {name.split()[0] for name, _what in violations(owner, said or rest.said, at_rest=True)}


# What is changed in the database; `o` is the order with the contract `p`, paid by `a`; `r` is the refund of `ra`.
CHANGED = {
    "I3": "UPDATE checkout_order SET attempt_id = :ra WHERE id = :o",
    "I4b": "UPDATE payment_refund SET id = gen_random_uuid() WHERE id = :r",
    "I5": """INSERT INTO payment_ledger_entry (id, event, cause, attempt_id, posted_at)
             VALUES (gen_random_uuid(), 'received', 'again', :a, now())""",
    "I6": """UPDATE payment_ledger_line SET amount_minor = amount_minor + 1 WHERE account = 'provider_balance'
             AND entry_id = (SELECT id FROM payment_ledger_entry WHERE attempt_id = :a AND event = 'received')""",
    "I7": """UPDATE payment_ledger_line SET amount_minor = amount_minor - 1 WHERE account = 'customer_held'
             AND entry_id = (SELECT id FROM payment_ledger_entry WHERE attempt_id = :a AND event = 'premium')""",
    "I7b": "UPDATE payment_transfer SET provider_id = 'tr_other'",
    "I8": "UPDATE correspondence_message SET message_id = '<other@marked.example>' WHERE kind = 'policy_issued'",
    "I9": "UPDATE correspondence_message SET subject_key = 'nothing' WHERE kind = 'policy_issued'",
    "I10": """UPDATE correspondence_message SET kind = 'policy_issued', subject_key = 'again', application_id = :app
              WHERE kind = 'refund_made' AND subject_key = CAST(:r AS text)""",
    "I11": """UPDATE traceability_entry SET type = 'payment:returned'
              WHERE type = 'payment:succeeded' AND application_id = :app""",
    "I12": """UPDATE traceability_entry SET application_id = NULL
              WHERE type = 'policy:signed' AND application_id = :app""",
    "I13": """UPDATE procrastinate_jobs SET status = 'failed'
              WHERE id = (SELECT max(id) FROM procrastinate_jobs WHERE task_name = 'policy.seal_document')""",
    "I15": "DELETE FROM traceability_entry WHERE type = 'policy:signed'",
    "I16": "UPDATE policy_policy SET premium_minor = premium_minor + 1 WHERE id = :p",
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_changed_in_the_database_is_found(rest: AtRest, owner: Connection, name: str) -> None:
    assert found(rest, owner) == set()
    assert owner.execute(text(CHANGED[name]), rest.ids).rowcount == 1
    assert name in found(rest, owner)


def test_an_application_in_two_orders_is_found(rest: AtRest, owner: Connection) -> None:
    of = {"o": rest.ids["o"]}
    columns = "account_id, state, locale, currency, total_minor, journey_id, created_at, expires_at"
    new = "SELECT gen_random_uuid(), 'EF-AGAIN'"
    owner.execute(
        text(
            f"INSERT INTO checkout_order (id, reference, {columns}) {new}, {columns} FROM checkout_order WHERE id = :o"
        ),
        of,
    )
    columns = "number, application_id, offer_id, insurer_id, product_version_id, premium_minor, currency"
    order = "(SELECT id FROM checkout_order WHERE reference = 'EF-AGAIN')"
    owner.execute(
        text(f"INSERT INTO checkout_order_line (order_id, {columns}, live) SELECT {order}, {columns}, false "
             "FROM checkout_order_line WHERE order_id = :o"),
        of,
    )  # fmt: skip
    assert "I14" in found(rest, owner)


def _more(rows: list[Row], **changed: object) -> list[Row]:
    return [*rows, rows[0] | changed]


# What the neighbours say otherwise: the first payment is that of the contract.
SAID: dict[str, Callable[[World, Row], World]] = {
    "I1": lambda said, _ids: replace(said, payments=_more(said.payments, id="pi_nobody", attempt=None)),
    "I2": lambda said, ids: replace(
        said, payments=[each for each in said.payments if each["attempt"] != str(ids["a"])]
    ),
    "I3": lambda said, _ids: replace(said, refunds=_more(said.refunds, id="re_more", amount=1)),
    "I4": lambda said, ids: replace(said, payments=_more(said.payments, id="pi_again", attempt=str(ids["a"]))),
    "I4b": lambda said, _ids: replace(said, refunds=_more(said.refunds, id="re_again", amount=0)),
    "I4c": lambda said, _ids: replace(said, reversals=_more(said.reversals, id="trr_again")),
    "I7b": lambda said, _ids: replace(said, transfers=[each | {"amount": 1} for each in said.transfers]),
    "I6": lambda said, _ids: replace(said, movements=said.movements[1:]),
    "I8": lambda said, _ids: replace(said, mails=[]),
    "I9": lambda said, _ids: replace(said, mails=_more(said.mails, message_id="<nobody@marked.example>")),
    "I10": lambda said, _ids: replace(said, mails=_more(said.mails, sha256="0" * 64)),
    "I16": lambda said, _ids: replace(said, payments=[each | {"amount": 1} for each in said.payments]),
}


@pytest.mark.parametrize("name", SAID)
def test_what_a_neighbour_says_otherwise_is_found(rest: AtRest, owner: Connection, name: str) -> None:
    assert name in found(rest, owner, SAID[name](rest.said, rest.ids))


def test_each_question_is_tried() -> None:
    assert {name.split()[0] for name in ALWAYS | AT_REST} == CHANGED.keys() | SAID.keys() | {"I14"}


def test_a_paper_that_was_altered_is_found(rest: AtRest, settings: Settings) -> None:
    with rest.shop.app.app_context():
        assert alterations() == []
        (sha256,) = rest.shop.superuser.execute("SELECT document_sha256 FROM policy_document").fetchone() or ("",)
        assert storage.get(sha256)
        (path,) = Path(settings.storage_folder or "").rglob(f"{sha256}.sealed")
        kept = path.read_bytes()
        path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        assert [what for what, _number in alterations()] != []
        path.write_bytes(kept)
        assert alterations() == []
