"""Who sits at which desk."""

import pytest

from marketplace.accounts.values import Desk, Role


@pytest.mark.parametrize("role", Role)
def test_every_role_has_its_desk(role):
    first_word = role.value.partition("_")[0]
    expected = {
        "customer": Desk.CUSTOMER,
        "insurer": Desk.INSURER,
        "practitioner": Desk.PRACTITIONER,
        "admin": Desk.BACKOFFICE,
    }
    assert role.desk is expected[first_word]


def test_only_a_customer_is_not_staff():
    assert [role for role in Role if not role.is_staff] == [Role.CUSTOMER]


def test_a_practitioner_does_not_sit_where_sales_are_reviewed():
    assert Role.PRACTITIONER.desk is not Desk.BACKOFFICE
