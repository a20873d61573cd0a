"""What every visit begins with: a browser, an address to which codes go, a desk."""

from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor
from tests.factories.accounts import a_member_of_staff
from tests.journeys.kept import Seen
from tests.web.conftest import newest_code
from tests.web.desk_visits import Clerk, sign_in

UUID = "[0-9a-f-]{36}"


@dataclass
class Visits:
    """The visits of one language. What one of them finds, a later one may use."""

    shop: Flask
    locale: str
    kept: list[Seen]
    buyer: Visitor = field(init=False)
    customer: Visitor = field(init=False)
    comparison: str = ""
    newest_desk: Any = None
    offer: str = ""

    def visitor(self) -> Visitor:
        return Visitor(self.shop.test_client(), self.locale)

    def code(self, address: str) -> str:
        return newest_code(self.shop, address)

    def desk(self, role: Role, insurer_code: str | None = None) -> Clerk:
        with self.shop.app_context():
            account = a_member_of_staff(role, accounts.insurer_by_code(insurer_code) if insurer_code else None)
            db.session.commit()
        clerk = Clerk(self.shop.test_client(), self.locale)
        sign_in(self.shop, clerk, account)
        self.newest_desk = account
        return clerk
