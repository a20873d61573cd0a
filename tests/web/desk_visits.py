"""Staff at their desks, and the sales that tests put there."""

import re
from collections.abc import Callable
from datetime import date

from flask import Flask
from sqlalchemy import event

from marketplace.accounts.values import Account, Insurer, Role
from marketplace.infra.db import db
from sandbox.demo.visitor import Identity, Visitor, words
from tests.factories.accounts import PASSWORD, a_member_of_staff, an_authenticator

ANSWERS = {
    "age": "34", "sex": "female", "smoker": "no", "sum_insured": "1000000", "term_years": "20",
    "occupation_class": "1", "region": "shanghai",
}  # fmt: skip
LI_NA = Identity("Li Na", date(1992, 3, 5), "li.na@example.com")
ILL = Identity("Wang Fang", date(1992, 3, 5), "wang.fang@example.com", yes_to=frozenset({2}))


WHY = "A question of the customer"


class Clerk(Visitor):
    """A member of staff, who says why when asked before a sale is shown."""

    def get(self, path: str) -> str:
        self.knock(path)
        return self.post({"reason": WHY}) if 'list="reasons"' in self.text else self.text

    def knock(self, path: str) -> str:
        """What stands there before anything is said."""
        return super().get(path)


def at_the_desk(shop: Flask, role: Role, insurer: Insurer | None = None) -> Visitor:
    """A new browser in which a member of staff has signed in."""
    with shop.app_context():
        account = a_member_of_staff(role, insurer)
        db.session.commit()
    return sign_in(shop, Clerk(shop.test_client()), account)


def sign_in(shop: Flask, visitor: Visitor, account: Account) -> Visitor:
    """With the password and, where the account is one of staff, a code of its authenticator app."""
    visitor.get("/sign-in")
    visitor.post({"email": account.email, "password": PASSWORD})
    if account.role.is_staff:
        with shop.app_context():
            app = an_authenticator(account)
            db.session.commit()
        visitor.get("/second-step")
        visitor.post({"code": app.code()})
    assert visitor.status == 200, words(visitor.text)
    assert "/sign-in" not in visitor.at
    assert "/second-step" not in visitor.at
    return visitor


def apply(shop: Flask, code_for: Callable[[str], str], who: Identity = LI_NA) -> tuple[Visitor, str]:
    """A new customer at the end of the application, and where the submission led."""
    customer = Visitor(shop.test_client())
    customer.enter(customer.compare("term_life", ANSWERS)[0])
    customer.give_address(who.email)
    customer.give_code(code_for(who.email))
    customer.give_people(who)
    customer.answer(who)
    return customer, customer.submit()


def buy(shop: Flask, work: Callable[[], list[str]], code_for: Callable[[str], str], who: Identity = LI_NA) -> Visitor:
    """A whole purchase with everything the worker does afterwards."""
    customer, led_to = apply(shop, code_for, who)
    assert led_to == "pay"
    assert customer.pay() is True
    work()
    return customer


def links(page: str, pattern: str) -> list[str]:
    """Addresses on a page that match, each once, in their order."""
    return list(dict.fromkeys(re.findall(rf'href="({pattern})"', page)))


def statements(shop: Flask, ask: Callable[[], object]) -> int:
    """How many statements the site's own role sends to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    with shop.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(sent)
