"""The register of practitioners: a number is one person's, and entering it takes it from nobody."""

import pytest

from marketplace.accounts import queries, services
from marketplace.accounts.values import CertificateTaken, Insurer, NewPractitioner, Practitioner, Role, Standing
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from tests.factories.accounts import a_member_of_staff, an_insurer

NUMBER = "SPECIMEN-4711"


def proposed(insurer: Insurer) -> Practitioner:
    staff, owner = a_member_of_staff(Role.INSURER_CLAIMS, insurer), a_member_of_staff(Role.INSURER_ADMIN, insurer)
    today = clock.today(ZONE)
    return services.propose_practitioner(NewPractitioner(staff.id, NUMBER, ("travel",), today, today), owner)


@pytest.mark.usefixtures("database")
def test_entering_a_number_takes_it_from_nobody_else() -> None:
    """Whoever enters another's number, by mistake or to be in the way, hinders them in nothing; an admin sees it."""
    first, second = an_insurer("harbour"), an_insurer("willow")
    wrong, right = proposed(first), proposed(second)
    admin = a_member_of_staff(Role.ADMIN_COMPLIANCE)
    services.check_practitioner(right.id, admin, good=True)
    assert queries.practitioner_by_certificate(NUMBER).id == right.id
    with pytest.raises(CertificateTaken):
        services.check_practitioner(wrong.id, admin, good=True)
    assert [each.standing for each in queries.practitioners_of(first.id)] == [Standing.PROPOSED]
    services.check_practitioner(wrong.id, admin, good=False)
    assert queries.practitioner_by_certificate(NUMBER).id == right.id


@pytest.mark.usefixtures("database")
def test_an_insurer_enters_a_number_once() -> None:
    insurer = an_insurer()
    first = proposed(insurer)
    with pytest.raises(CertificateTaken):
        proposed(insurer)
    assert [each.id for each in queries.practitioners_of(insurer.id)] == [first.id]
