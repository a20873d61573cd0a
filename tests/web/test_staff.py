"""An insurer's administrator lets colleagues in and out at the desk."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import PASSWORD, a_member_of_staff
from tests.web.conftest import count
from tests.web.desk_visits import at_the_desk, sign_in

PAGE = "/insurer/staff"
JO = {"name": "Jo Park", "email": "jo@harbour.example", "role": "insurer_claims", "language": "en"}
LinkFor = Callable[[str, str], str]


@pytest.fixture
def admin(shop: Flask) -> Visitor:
    with shop.app_context():
        harbour = accounts.insurer_by_code("harbour")
    visitor = at_the_desk(shop, Role.INSURER_ADMIN, harbour)
    visitor.get(PAGE)
    return visitor


def test_a_colleague_is_invited_and_comes_in(shop: Flask, admin: Visitor, visitor: Visitor, link_for: LinkFor) -> None:
    admin.post(JO, f"{PAGE}/invite")
    assert "The invitation is on its way." in words(admin.text)
    assert "Jo Park jo@harbour.example Claims" in words(admin.text)
    visitor.get(link_for("jo@harbour.example", "join_insurer"))
    assert "Jo Park, you are invited to this desk" in words(visitor.text)
    visitor.post({"password": PASSWORD})
    assert visitor.at == "/account/security/second-step"
    assert "Nobody is invited at present." in words(admin.get(PAGE))
    assert count(shop, "accounts_account", "role = 'insurer_claims'") == 1


def test_an_invitation_is_taken_back(shop: Flask, admin: Visitor, visitor: Visitor, link_for: LinkFor) -> None:
    admin.post(JO, f"{PAGE}/invite")
    link = link_for("jo@harbour.example", "join_insurer")
    withdraw = re.search(rf"{PAGE}/invitations/[0-9a-f-]{{36}}/withdraw", admin.text)
    assert withdraw
    admin.post({}, withdraw[0])
    assert "The invitation opens nothing any more." in words(admin.text)
    assert visitor.client.get(link).status_code == 422
    assert count(shop, "accounts_account", "role = 'insurer_claims'") == 0


def test_roles_of_the_marketplace_are_not_offered(shop: Flask, admin: Visitor) -> None:
    admin.post(JO | {"role": "admin_owner"}, f"{PAGE}/invite")
    assert admin.status == 422
    assert count(shop, "accounts_invitation") == 0


def test_whose_access_ends_is_out_at_once(shop: Flask, admin: Visitor) -> None:
    with shop.app_context():
        colleague = a_member_of_staff(Role.INSURER_CLAIMS, accounts.insurer_by_code("harbour"), name="Jo Park")
        db.session.commit()
    theirs = sign_in(shop, Visitor(shop.test_client()), colleague)
    assert theirs.client.get("/insurer").status_code == 200
    admin.get(PAGE)
    admin.post({}, f"{PAGE}/{colleague.id}/end")
    assert "The access has ended, and every session with it." in words(admin.text)
    assert theirs.client.get("/insurer").status_code == 302
    assert "the only administrator" in words(admin.text)
    assert re.findall(rf"{PAGE}/[0-9a-f-]{{36}}/end", admin.text) == []
    with shop.app_context():
        staff = accounts.staff_of(accounts.insurer_by_code("harbour").id)
    [own] = [each.id for each in staff if each.role is Role.INSURER_ADMIN]
    admin.post({}, f"{PAGE}/{own}/end")
    assert admin.status == 422
    assert "This is the only administrator." in words(admin.text)
    assert count(shop, "accounts_account", "disabled_at IS NULL AND role = 'insurer_admin'") == 1
