"""An insurer comes in: it applies, its address is proven, two people approve, its administrator is invited."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from marketplace.accounts import queries, rules, services
from marketplace.accounts.models import AccountRow, InsurerApplicationRow, InsurerRow
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.values import (
    AccountExists,
    AdministratorMissing,
    AlreadySelling,
    ApplicantEvent,
    ApplicantState,
    CodePurpose,
    FactKind,
    InsurerApplicationNotFound,
    LinkRefused,
    NewInvitation,
    NewTerm,
    NotWaiting,
    Role,
    SecondPersonNeeded,
    TermExists,
    TermNotFound,
    TermsMissing,
    TermTooLate,
)
from marketplace.infra import storage, vault
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from tests.factories.accounts import (
    PASSWORD,
    a_guest,
    a_member_of_staff,
    a_source,
    an_applicant,
    an_application,
    an_insurer,
    token_in,
)

pytestmark = pytest.mark.usefixtures("database")


def two_people():
    return a_member_of_staff(Role.ADMIN_OWNER), a_member_of_staff(Role.ADMIN_COMPLIANCE)


def agree(insurer_id, by, admin, **changes):
    """Commission terms that both sides want."""
    parts = {"line": "travel", "basis_points": 1500, "effective_from": clock.today(ZONE)} | changes
    return services.accept_terms(services.propose_terms(NewTerm(insurer_id, **parts), by).id, admin)


def admitted():
    """An insurer that two people approved, and the token of its administrator's invitation."""
    first, second = two_people()
    applicant = an_applicant()
    services.approve_applicant(applicant.id, first)
    decided = services.approve_applicant(applicant.id, second)
    return decided.application.insurer_id, token_in(decided.mail)


def test_from_the_application_to_the_desk():
    first, second = two_people()
    mail = services.apply_as_insurer(an_application())
    assert (mail.kind, mail.recipient) == ("confirm_applicant", "admin@willow.example")
    assert queries.insurer_applications() == ()
    applicant = services.confirm_applicant(token_in(mail))
    assert queries.insurer_applications() == (applicant,)
    assert applicant.details == an_application().details
    assert storage.get(applicant.documents[0].sha256) == b"%PDF-1.7 licence"
    half = services.approve_applicant(applicant.id, first)
    assert (half.application.state, half.mail) == (ApplicantState.HALF_APPROVED, None)
    assert queries.list_insurers() == ()
    whole = services.approve_applicant(applicant.id, second)
    insurer = queries.insurer_by_code("willow")
    assert whole.application.insurer_id == insurer.id
    assert (insurer.active, insurer.fictional, insurer.licence_no) == (False, False, "SPECIMEN-0009")
    assert set(queries.profile(insurer.id)) == {FactKind.REGULATOR, FactKind.ADDRESS, FactKind.SOLVENCY_RATIO}
    assert whole.mail.kind == "join_insurer"
    admin = services.accept_invitation(token_in(whole.mail), PASSWORD)
    assert (admin.role, admin.insurer_id, admin.email) == (Role.INSURER_ADMIN, insurer.id, "admin@willow.example")
    assert services.authenticate("admin@willow.example", PASSWORD, a_source()) == admin
    with pytest.raises(TermsMissing):
        services.start_insurer(insurer.id, first)
    agree(insurer.id, first, admin)
    services.start_insurer(insurer.id, first)
    assert queries.insurer(insurer.id).active is True
    with pytest.raises(AlreadySelling):
        services.start_insurer(insurer.id, first)


def test_nobody_approves_twice():
    who = a_member_of_staff(Role.ADMIN_OWNER)
    applicant = an_applicant()
    services.approve_applicant(applicant.id, who)
    with pytest.raises(SecondPersonNeeded):
        services.approve_applicant(applicant.id, who)
    assert queries.list_insurers() == ()
    with pytest.raises(IntegrityError, match="ck_accounts_insurer_application_approved"):
        db.session.execute(text("UPDATE accounts_insurer_application SET state = 'approved', decided_by = approved_by"))


def test_nothing_is_decided_before_the_address_is_proven():
    who = a_member_of_staff(Role.ADMIN_OWNER)
    services.apply_as_insurer(an_application())
    row = db.session.query(InsurerApplicationRow).one()
    with pytest.raises(NotWaiting):
        services.approve_applicant(row.id, who)
    with pytest.raises(NotWaiting):
        services.reject_applicant(row.id, "no", who)
    with pytest.raises(InsurerApplicationNotFound):
        queries.insurer_application(row.id)


@pytest.mark.requirement("T26-47")
def test_an_application_that_nobody_confirmed_is_forgotten_with_who_sent_it():
    sent_at = clock.now()
    with clock.frozen(sent_at):
        services.apply_as_insurer(an_application())
        unconfirmed = db.session.scalars(select(InsurerApplicationRow.id)).one()
        kept = an_applicant().id
    last_day = sent_at + rules.LIFETIMES[CodePurpose.CONFIRM_APPLICANT] + timedelta(days=1)
    with clock.frozen(last_day):
        services.forget_expired()
        assert set(db.session.scalars(select(InsurerApplicationRow.id))) == {unconfirmed, kept}
    with clock.frozen(last_day + timedelta(minutes=1)):
        services.forget_expired()
    assert set(db.session.scalars(select(InsurerApplicationRow.id))) == {kept}
    assert vault.destroyed([unconfirmed, kept]) == {unconfirmed}


def test_a_rejection_has_a_reason_that_is_mailed():
    who = a_member_of_staff(Role.ADMIN_OWNER)
    applicant = an_applicant()
    with pytest.raises(Invalid):
        services.reject_applicant(applicant.id, " ", who)
    decided = services.reject_applicant(applicant.id, "the licence has run out", who)
    assert decided.mail.recipient == "admin@willow.example"
    assert decided.mail.context == {"reference": applicant.reference, "reason": "the licence has run out"}
    with pytest.raises(NotWaiting):
        services.approve_applicant(applicant.id, who)
    assert queries.list_insurers() == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"papers": ()}, "licence"),
        ({"papers": (("a.pdf", b"PK no pdf"),)}, "licence"),
        ({"papers": (("a.pdf", b"%PDF-" + bytes(party_rules.LARGEST_PAPER)),)}, "licence"),
        ({"papers": (("a.pdf", b"%PDF-"),) * 3}, "licence"),
        ({"admin_name": ""}, "name"),
        ({"email": "nobody"}, "email"),
        ({"code": "apply"}, "code"),
        ({"code": "harbour"}, "code"),
    ],
)
def test_what_will_not_do_is_not_kept(changes, field):
    an_insurer("harbour")
    with pytest.raises(Invalid) as refused:
        services.apply_as_insurer(an_application(**changes))
    assert set(refused.value.fields) == {field}
    assert db.session.query(InsurerApplicationRow).count() == 0


def test_a_code_that_was_taken_meanwhile_stops_the_second_approval():
    first, second = two_people()
    applicant = an_applicant()
    services.approve_applicant(applicant.id, first)
    an_insurer("willow")
    with pytest.raises(Invalid) as refused:
        services.approve_applicant(applicant.id, second)
    assert set(refused.value.fields) == {"code"}
    assert db.session.query(InsurerRow).count() == 1


def test_an_insurer_without_anybody_at_its_desk_does_not_sell():
    insurer_id, _token = admitted()
    with pytest.raises(AdministratorMissing):
        services.start_insurer(insurer_id, a_member_of_staff(Role.ADMIN_OWNER))
    assert queries.insurer(insurer_id).active is False


def test_an_invitation_works_once_for_a_week_and_for_strangers_only():
    insurer_id, token = admitted()
    assert services.invitation(token).insurer_id == insurer_id
    with pytest.raises(Invalid):
        services.accept_invitation(token, "short")
    with clock.frozen(clock.now() + timedelta(days=8)), pytest.raises(LinkRefused):
        services.accept_invitation(token, PASSWORD)
    services.accept_invitation(token, PASSWORD)
    with pytest.raises(LinkRefused):
        services.accept_invitation(token, PASSWORD)
    with pytest.raises(AccountExists):
        services.invite_staff(NewInvitation(insurer_id, "admin@willow.example", "Mei Lan", Role.INSURER_ADMIN), None)
    assert db.session.query(AccountRow).filter_by(insurer_id=insurer_id).count() == 1


def test_an_address_that_became_a_customers_is_not_made_staff():
    insurer_id, token = admitted()
    a_guest("admin@willow.example")
    with pytest.raises(AccountExists):
        services.accept_invitation(token, PASSWORD)
    assert db.session.query(AccountRow).filter_by(insurer_id=insurer_id).count() == 0


def test_only_staff_of_insurers_are_invited():
    invited = NewInvitation(an_insurer().id, "mei@willow.example", "Mei Lan", Role.INSURER_CATALOG)
    assert services.invite_staff(invited, None).kind == "join_insurer"
    with pytest.raises(Invalid) as refused:
        services.invite_staff(replace(invited, role=Role.ADMIN_OWNER), None)
    assert set(refused.value.fields) == {"role"}


def test_terms_hold_from_their_day_until_later_ones_do():
    owner, today = a_member_of_staff(Role.ADMIN_OWNER), clock.today(ZONE)
    insurer = an_insurer()
    admin = a_member_of_staff(Role.INSURER_ADMIN, insurer)
    first = agree(insurer.id, owner, admin)
    later = agree(insurer.id, owner, admin, basis_points=1200, effective_from=today + timedelta(days=30))
    other = agree(insurer.id, owner, admin, line="household", basis_points=900)
    services.propose_terms(NewTerm(insurer.id, "travel", 100, today + timedelta(days=10)), owner)
    assert queries.terms_in_force(today - timedelta(days=1)) == ()
    assert queries.terms_in_force(today + timedelta(days=29)) == (other, first)
    assert queries.terms_in_force(today + timedelta(days=30)) == (other, later)
    with pytest.raises(TermExists):
        agree(insurer.id, owner, admin, basis_points=1)


def test_terms_are_accepted_by_their_insurer_and_not_for_the_past():
    owner, today = a_member_of_staff(Role.ADMIN_OWNER), clock.today(ZONE)
    insurer = an_insurer()
    admin = a_member_of_staff(Role.INSURER_ADMIN, insurer)
    stranger = a_member_of_staff(Role.INSURER_ADMIN, an_insurer("farshore"))
    proposed = services.propose_terms(NewTerm(insurer.id, "travel", 1500, today), owner)
    with pytest.raises(TermNotFound):
        services.accept_terms(proposed.id, stranger)
    with clock.frozen(clock.now() + timedelta(days=2)), pytest.raises(TermTooLate):
        services.accept_terms(proposed.id, admin)
    assert queries.terms_in_force(today) == ()
    accepted = services.accept_terms(proposed.id, admin)
    assert (accepted.accepted_by, services.accept_terms(proposed.id, admin)) == (admin.id, accepted)


@pytest.mark.parametrize(
    ("points", "days", "field"), [(-1, 0, "basis_points"), (10_001, 0, "basis_points"), (1, -1, "effective_from")]
)
def test_terms_that_cannot_be_are_not_proposed(points, days, field):
    insurer, owner = an_insurer(), a_member_of_staff(Role.ADMIN_OWNER)
    with pytest.raises(Invalid) as refused:
        services.propose_terms(NewTerm(insurer.id, "travel", points, clock.today(ZONE) + timedelta(days=days)), owner)
    assert set(refused.value.fields) == {field}
    assert queries.terms(insurer.id) == ()


def test_the_road_of_an_application_is_whole():
    """Where each event leads; everything else is refused."""
    leads = {
        (ApplicantState.UNCONFIRMED, ApplicantEvent.CONFIRM): ApplicantState.WAITING,
        (ApplicantState.WAITING, ApplicantEvent.APPROVE): ApplicantState.HALF_APPROVED,
        (ApplicantState.WAITING, ApplicantEvent.REJECT): ApplicantState.REJECTED,
        (ApplicantState.HALF_APPROVED, ApplicantEvent.APPROVE): ApplicantState.APPROVED,
        (ApplicantState.HALF_APPROVED, ApplicantEvent.REJECT): ApplicantState.REJECTED,
    }
    table = party_rules.APPLICANTS.rows
    assert {pair: table[pair] for pair in leads} == leads
    refused = [pair for pair in product(ApplicantState, ApplicantEvent) if pair not in leads]
    assert [pair for pair in refused if isinstance(table[pair], ApplicantState)] == []
