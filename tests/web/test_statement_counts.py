"""How often each page asks the database, exactly, so that a change which asks more often is seen.

The table counts every statement of every role. The question for the present is asked some times a second only; here
before each page. A page that comes from memory is counted when it is shown again.
"""

from collections.abc import Callable
from functools import partial
from uuid import uuid4

import pytest
from flask import Flask
from psycopg import Connection
from sqlalchemy import event

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra import present
from marketplace.infra.db import db
from marketplace.policy import services as policies
from marketplace.traceability import services as traceability
from sandbox.demo.visitor import Visitor
from tests.factories.accounts import a_customer, an_insurer
from tests.factories.policy import a_contract
from tests.factories.quoting import a_content, a_tariff, publish
from tests.factories.traceability import a_view
from tests.web.conftest import ANSWERS, LI_NA, go_on, the_sale
from tests.web.desk_visits import at_the_desk, links, sign_in

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]

PRESENT, VIEW = "infra_public_revision", "INSERT INTO traceability_evidence_intake"
STEPS = {
    "email": 11,
    "code": 11,
    "people": 12,
    "identity": 13,
    "questions": 14,
    "documents": 13,
    "exclusions": 13,
    "review": 14,
    "pay": 25,
}


def asked(shop: Flask, look: Callable[[], object]) -> list[str]:
    """The statements that one look at a page sends, through whichever door."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    def hear(connection: Connection, statement: str | bytes, *values: object) -> object:
        if isinstance(statement, bytes):  # of `pools.alone`, which asks the driver directly
            sent.append(statement.decode())
        return send(connection, statement, *values)  # type: ignore[arg-type]  # as it was called

    with shop.app_context():
        engines = list(db.engines.values())
    present.forget()
    send = Connection.execute
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Connection, "execute", hear)
            look()
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
    return sent


def names(statements: list[str], expected: tuple[str, ...]) -> bool:
    """Whether the statements are the expected ones, in this order."""
    return len(statements) == len(expected) and all(
        word in each for word, each in zip(expected, statements, strict=True)
    )


def test_pages_for_visitors_ask_no_more_than_they_must(shop: Flask, visitor: Visitor) -> None:
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    comparison = visitor.at
    for path in ("/", comparison, offer):
        visitor.get(path)
    assert names(asked(shop, lambda: visitor.get("/")), (PRESENT,))
    assert names(asked(shop, lambda: visitor.get(comparison)), (PRESENT, VIEW))
    assert names(asked(shop, lambda: visitor.get(offer)), (PRESENT, VIEW))


def test_a_page_that_is_not_from_memory(shop: Flask, visitor: Visitor) -> None:
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    comparison = visitor.at
    visitor.get(offer)
    found = {path: len(asked(shop, partial(visitor.get, f"{path}?anew=1"))) for path in ("/", comparison, offer)}
    assert found == {"/": 4, comparison: 10, offer: 11}


def test_a_comparison_asks_as_often_for_six_offers_as_for_two(shop: Flask, visitor: Visitor) -> None:
    counts: dict[int, list[int]] = {}
    for number in range(1, 7):
        with shop.app_context():
            publish(an_insurer(f"insurer{number}"), a_content(f"product{number}"), a_tariff(f"{number}0.00"))
            db.session.commit()
        if number in {2, 6}:
            visitor.compare("travel", {"zone": "asia", "days": "10", "age": "34"})
            paths = [f"{visitor.at}{each}" for each in ("?sort=name", "/side-by-side?offers=1,2", "/comparison.csv")]
            for path in paths:
                visitor.get(path)
            counts[number] = [len(asked(shop, partial(visitor.get, path))) for path in paths]
    assert counts == {2: [10, 7, 5], 6: [10, 7, 5]}


def test_each_step_of_the_application(shop: Flask, visitor: Visitor, code_for: CodeFor) -> None:
    visitor.enter(visitor.compare("term_life", ANSWERS)[0])
    found = {}
    for step in STEPS:
        go_on(visitor, step, LI_NA, code_for)
        found[step] = len(asked(shop, lambda: visitor.get(visitor.at)))
    assert found == STEPS


def test_the_sales_log_asks_as_often_for_twenty_journeys_as_for_one(shop: Flask, work: Work) -> None:
    admin = at_the_desk(shop, Role.ADMIN_SALES)
    counts = {}
    for number in range(1, 21):
        Visitor(shop.test_client()).compare("term_life", ANSWERS)
        if number in {1, 20}:
            work()
            counts[number] = len(asked(shop, lambda: admin.get("/admin")))
            assert len(links(admin.text, "/admin/sales/[0-9a-f-]{36}")) == number
    assert counts == {1: 7, 20: 7}


def test_a_visit_to_a_contract_is_looked_up_once(shop: Flask) -> None:
    with shop.app_context():
        customer = a_customer()
        policy = policies.issue(a_contract(accounts.insurer_by_code("harbour"), account_id=customer.id))
        db.session.commit()
    visitor = sign_in(shop, Visitor(shop.test_client()), customer)
    looks = [asked(shop, lambda: visitor.get(f"/policies/{policy.id}")) for _ in range(3)]
    of_journeys = [[each for each in sent if "traceability_journey" in each] for sent in looks]
    assert [len(each) for each in of_journeys] == [2, 1, 0], "asked for, begun; found; known"
    assert len(looks[2]) == 13  # what was paid for it too, while one can withdraw
    assert sum("INSERT INTO traceability_evidence_intake" in each for each in looks[2]) == 1


def test_a_sale_asks_as_often_for_twenty_visits_as_for_one(
    shop: Flask, visitor: Visitor, at_step: Callable[..., Visitor], work: Work
) -> None:
    at_step("pay").pay()
    work()
    sale = the_sale(shop)
    desk = at_the_desk(shop, Role.ADMIN_SALES)
    desk.get(f"/admin/sales/{sale.id}")
    counts = {0: len(asked(shop, lambda: desk.get(f"/admin/sales/{sale.id}")))}
    for number in range(1, 21):
        with shop.app_context():
            visit = traceability.begin_visit(sale.application_id, uuid4(), {})
            traceability.record_view(a_view(visit, application_id=sale.application_id))
        if number in {1, 20}:
            counts[number] = len(asked(shop, lambda: desk.get(f"/admin/sales/{sale.id}")))
    assert counts == {0: 42, 1: 46, 20: 46}


def test_my_policies_ask_as_often_for_twenty_as_for_one(shop: Flask) -> None:
    with shop.app_context():
        customer = a_customer()
        insurer = accounts.insurer_by_code("harbour")
        db.session.commit()
    visitor = sign_in(shop, Visitor(shop.test_client()), customer)
    counts = {}
    for number in range(1, 21):
        with shop.app_context():
            policies.issue(a_contract(insurer, f"guest{number}@example.com", account_id=customer.id))
            db.session.commit()
        if number in {1, 20}:
            counts[number] = len(asked(shop, lambda: visitor.get("/account")))
            assert len(links(visitor.text, "/policies/[0-9a-f-]{36}")) == number
    assert counts == {1: 5, 20: 5}
