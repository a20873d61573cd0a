"""What people type is decoded once and never without an end; who they are may change under a session."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from wtforms import Field, HiddenField, PasswordField, StringField
from wtforms.validators import Length

from marketplace.accounts.values import Role
from marketplace.application import queries as applications
from marketplace.catalog.values import LINES
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.web.customer.forms.application import people_form, questions_form
from marketplace.web.fields import Form, factor_form, lines_of_text, printable
from sandbox.demo.visitor import Visitor
from tests.factories.accounts import PASSWORD, a_customer
from tests.web.conftest import LI_NA
from tests.web.desk_visits import at_the_desk


def families(of: type[Form]) -> Iterator[type[Form]]:
    for each in of.__subclasses__():
        yield each
        yield from families(each)


def endless(form: type[Form]) -> list[str]:
    """Texts of a form without a longest length, or that take characters which show nothing."""
    return [f"{form.__name__}.{field.name}" for field in form(meta={"csrf": False}) if is_endless(field)]


def is_endless(field: Field) -> bool:
    """Hidden fields are compared with what we sent; choices and numbers are no texts."""
    if not isinstance(field, StringField) or isinstance(field, HiddenField):
        return False
    longest = [each.max for each in field.validators if isinstance(each, Length)]
    kept_out = {printable, lines_of_text} & set(field.validators) or len(field.filters) > 1
    return not longest or not 0 < longest[0] <= 4000 or not (kept_out or isinstance(field, PasswordField))


@pytest.mark.asvs("1.3.3", "2.1.1")
def test_every_text_has_a_longest_length_and_an_alphabet(migrated_app: Flask) -> None:
    with migrated_app.test_request_context():
        today = clock.today("Asia/Shanghai")
        made = [factor_form(line, today) for line in LINES.values()] + [people_form(line) for line in LINES.values()]
        made.append(questions_form((), with_notice=True, with_consent=True))
        forms = [form for form in {*families(Form), *made} if form.__module__.startswith("marketplace")]
        texts = [field for form in forms for field in form(meta={"csrf": False}) if isinstance(field, StringField)]
        assert len(texts) > 15
        assert [fault for form in forms for fault in endless(form)] == []


@pytest.mark.asvs("1.3.3", "2.1.1")
def test_a_text_without_an_end_or_an_alphabet_is_seen(migrated_app: Flask) -> None:
    fields = {"long": StringField(validators=[printable]), "odd": StringField(validators=[Length(max=9)])}
    with migrated_app.test_request_context():
        assert endless(type("Planted", (Form,), fields)) == ["Planted.long", "Planted.odd"]


@pytest.mark.asvs("1.1.1")
@pytest.mark.parametrize("typed", ["Li %2541 Na", "Li &amp; Na", "Li %E6%9D%8E", "Li \\u0041 Na", "Li &#60;b&#62;"])
def test_what_is_typed_is_decoded_once(shop: Flask, at_step: Callable[..., Visitor], typed: str) -> None:
    """The browser encodes it for the way; what stands in the application is what was typed."""
    at_people = at_step("people")
    at_people.post({"applicant_name": typed, "applicant_birth_on": LI_NA.born_on.isoformat(), "relationship": "self"})
    assert at_people.status == 200
    with shop.app_context():
        application = applications.application(at_people.at.split("/")[2])  # type: ignore[arg-type]
    assert application.people is not None
    assert application.people.applicant.name == typed


@pytest.mark.asvs("1.1.1")
@pytest.mark.parametrize("path", ["/static/%252e%252e/config.py", "/documents/%2575", "/compare/%2574erm_life"])
def test_an_address_is_decoded_once(visitor: Visitor, path: str) -> None:
    assert visitor.client.get(path).status_code == 404
    assert visitor.client.get("/compare/%74erm_life").status_code == 200, "once it is"


@pytest.mark.asvs("8.3.2")
def test_a_changed_role_counts_at_the_next_page(shop: Flask) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    assert desk.client.get("/admin/security").status_code == 200
    with shop.app_context():
        db.session.execute(text("UPDATE accounts_account SET role = 'admin_sales' WHERE role = 'admin_compliance'"))
        db.session.commit()
    assert desk.client.get("/admin/security").status_code == 403
    assert desk.client.get("/admin").status_code == 200, "signed in still, with what the new role may"


@pytest.mark.asvs("6.2.10")
def test_nobody_must_change_a_password_for_its_age(shop: Flask, visitor: Visitor) -> None:
    with shop.app_context():
        account = a_customer()
        db.session.commit()
    with clock.frozen(clock.now() + timedelta(days=5 * 366)):
        visitor.get("/sign-in")
        visitor.post({"email": account.email, "password": PASSWORD})
        assert (visitor.at, visitor.status) == ("/account", 200)
        visitor.get("/account/security")
        assert (visitor.at, visitor.status) == ("/account/security", 200)
