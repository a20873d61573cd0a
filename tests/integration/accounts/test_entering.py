"""Insurers and staff are entered by administrators, and found again."""

from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from marketplace.accounts import queries, services
from marketplace.accounts.models import AccountRow
from marketplace.accounts.values import (
    AccountExists,
    AccountNotFound,
    InsurerExists,
    InsurerNotFound,
    NewStaff,
    Role,
)
from marketplace.infra.db import db
from marketplace.kernel.errors import Invalid
from tests.factories.accounts import PASSWORD, a_customer, a_guest, a_member_of_staff, a_source, an_insurer

pytestmark = pytest.mark.usefixtures("database")


def test_an_insurer_is_found_as_it_was_entered():
    insurer = an_insurer("harbour")
    assert insurer.legal_name.in_("zh_Hans_CN") == "海港人寿保险有限公司"
    assert (insurer.active, insurer.fictional, insurer.regions) == (True, True, ())
    assert queries.insurer(insurer.id) == queries.insurer_by_code("harbour") == insurer


def test_an_insurers_code_is_its_own():
    first = an_insurer("harbour")
    with pytest.raises(InsurerExists):
        an_insurer("harbour", phone="400-000-0002")
    with pytest.raises(InsurerExists):
        an_insurer("har-bour")
    assert queries.list_insurers() == (first,)


def test_insurers_are_listed_by_code_and_asked_for_in_one_question():
    willow, harbour, third = an_insurer("willow"), an_insurer("harbour"), an_insurer("quarry")
    assert [insurer.code for insurer in queries.list_insurers()] == ["harbour", "quarry", "willow"]
    asked = queries.insurers([willow.id, harbour.id, uuid4(), willow.id])
    assert list(asked.items()) == [(harbour.id, harbour), (willow.id, willow)]
    assert third.id not in asked


def test_what_was_never_entered_is_not_found():
    with pytest.raises(InsurerNotFound):
        queries.insurer(uuid4())
    with pytest.raises(InsurerNotFound):
        queries.insurer_by_code("nobody")
    with pytest.raises(AccountNotFound):
        queries.account(uuid4())
    assert queries.insurers([]) == {}


def test_staff_sign_in_with_their_password():
    insurer = an_insurer()
    staff = a_member_of_staff(Role.INSURER_CATALOG, insurer, email="Desk@Harbour.example")
    assert (staff.email, staff.role, staff.insurer_id) == ("desk@harbour.example", Role.INSURER_CATALOG, insurer.id)
    assert services.authenticate("desk@harbour.example", PASSWORD, a_source()) == staff
    a_customer()
    assert queries.staff() == (staff,)


def test_no_account_of_staff_over_an_account_that_exists():
    guest = a_guest("lin@example.com")
    with pytest.raises(AccountExists):
        a_member_of_staff(Role.ADMIN_OWNER, email="lin@example.com")
    assert queries.account(guest.id).role is Role.CUSTOMER


def test_staff_of_an_insurer_that_is_not_there():
    with pytest.raises(InsurerNotFound):
        services.create_staff(NewStaff("a@a.example", "Ana", Role.INSURER_ADMIN, PASSWORD, uuid4()))
    assert db.session.scalars(select(AccountRow)).all() == []


def test_a_weak_password_is_refused_to_staff_too():
    with pytest.raises(Invalid):
        a_member_of_staff(password="Evenfold2026!")
    assert db.session.scalars(select(AccountRow)).all() == []


def test_an_account_changes_its_language():
    guest = a_guest("lin@example.com", locale="en")
    assert services.change_locale(guest.id, "zh_Hans_CN").locale == "zh_Hans_CN"
    assert queries.account(guest.id).locale == "zh_Hans_CN"
    assert services.change_locale(guest.id, "tlh").locale == "en"
    with pytest.raises(AccountNotFound):
        services.change_locale(uuid4(), "en")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("UPDATE accounts_account SET email_index = 'the same'", "uq_accounts_account_email_index"),
        ("UPDATE accounts_account SET role = 'insurer_admin'", "ck_accounts_account_insurer_of_its_staff"),
    ],
)
def test_the_table_keeps_what_the_rules_promise(change, constraint):
    a_guest("lin@example.com")
    a_guest("wang@example.com")
    with pytest.raises(IntegrityError, match=constraint):
        db.session.execute(text(change))
