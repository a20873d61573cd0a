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
    ApplicantEvent,
    ApplicantState,
    CodePurpose,
    FactKind,
    InsurerApplicationNotFound,
    LiftingAsked,
    LinkRefused,
    NewInvitation,
    NewTerm,
    NotSelling,
    NotSuspended,
    NotWaiting,
    PayeeMissing,
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
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Invalid
from tests.factories.accounts import (
    PASSWORD,
    a_guest,
    a_member_of_staff,
    a_ready_payee,
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
    insurer_id = services.approve_applicant(applicant.id, second).insurer_id
    return insurer_id, token_of(insurer_id)


def token_of(insurer_id):
    """In the link of the one invitation to this insurer's desk."""
    [invited] = queries.invitations(insurer_id)
    return token_in(services.issue_invitation(invited.id))


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
    assert half.state is ApplicantState.HALF_APPROVED
    assert queries.list_insurers() == ()
    whole = services.approve_applicant(applicant.id, second)
    insurer = queries.insurer_by_code("willow")
    assert whole.insurer_id == insurer.id
    assert (insurer.active, insurer.fictional, insurer.licence_no) == (False, False, "SPECIMEN-0009")
    assert set(queries.profile(insurer.id)) == {FactKind.REGULATOR, FactKind.ADDRESS, FactKind.SOLVENCY_RATIO}
    admin = services.accept_invitation(token_of(insurer.id), PASSWORD)
    assert (admin.role, admin.insurer_id, admin.email) == (Role.INSURER_ADMIN, insurer.id, "admin@willow.example")
    assert services.authenticate("admin@willow.example", PASSWORD, a_source()) == admin
    agree(insurer.id, first, admin)
    a_ready_payee(admin)
    held = services.ask_to_lift(insurer.id, "everything is there", first)
    assert (held.before_first_sale, held.reason, held.suspended_by) == (True, "", second.id)
    assert queries.insurer(insurer.id).active is False
    services.lift_suspension(insurer.id, second)
    assert queries.insurer(insurer.id).active is True
    assert queries.suspension(insurer.id) is None
    with pytest.raises(NotSuspended):
        services.ask_to_lift(insurer.id, "again", first)


def missing_one(lacks):
    """An admitted insurer that has everything it needs to sell but one thing, and two people who would let it."""
    first, second = two_people()
    insurer_id, token = admitted()
    if lacks is not AdministratorMissing:
        admin = services.accept_invitation(token, PASSWORD)
    else:
        admin = a_member_of_staff(Role.INSURER_ADMIN, queries.insurer(insurer_id))
        services.disable_account(admin.id)
    if lacks is not TermsMissing:
        agree(insurer_id, first, admin)
    if lacks is not PayeeMissing:
        a_ready_payee(admin)
    return insurer_id, first, second


@pytest.mark.parametrize("lacks", [AdministratorMissing, TermsMissing, PayeeMissing])
def test_an_insurer_that_lacks_something_does_not_begin_to_sell(lacks):
    insurer_id, first, second = missing_one(lacks)
    with pytest.raises(lacks):
        services.ask_to_lift(insurer_id, "let it sell", first)
    assert queries.suspension(insurer_id).lifting_by is None
    assert queries.insurer(insurer_id).active is False
    with pytest.raises(SecondPersonNeeded):
        services.lift_suspension(insurer_id, second)
    assert queries.insurer(insurer_id).active is False


def test_what_is_lost_between_the_two_people_stops_the_second():
    insurer_id, first, second = missing_one(None)
    services.ask_to_lift(insurer_id, "everything is there", first)
    db.session.execute(text("UPDATE accounts_payee SET charges_enabled = false"))
    db.session.expire_all()
    with pytest.raises(PayeeMissing):
        services.lift_suspension(insurer_id, second)
    assert queries.insurer(insurer_id).active is False
    assert queries.suspension(insurer_id).lifted_at is None


def test_one_person_alone_lets_no_insurer_begin_to_sell():
    insurer_id, first, second = missing_one(None)
    services.ask_to_lift(insurer_id, "everything is there", first)
    with pytest.raises(SecondPersonNeeded):
        services.lift_suspension(insurer_id, first)
    with pytest.raises(LiftingAsked):
        services.ask_to_lift(insurer_id, "again", second)
    assert queries.insurer(insurer_id).active is False
    services.refuse_lifting(insurer_id, second)
    with pytest.raises(SecondPersonNeeded):
        services.lift_suspension(insurer_id, first)
    assert queries.insurer(insurer_id).active is False


def test_what_does_not_sell_yet_is_not_stopped():
    """Lifting that would let it sell without the steps before."""
    insurer_id, first, _second = missing_one(None)
    with pytest.raises(NotSelling):
        services.suspend_insurer(insurer_id, "no", first)
    assert len(queries.suspensions(insurer_id)) == 1
    with pytest.raises(IntegrityError, match="ck_accounts_suspension_stopped_for_a_reason"):
        db.session.execute(text("UPDATE accounts_suspension SET before_first_sale = false"))


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
        assert services.forget_unconfirmed() == frozenset()
        assert set(db.session.scalars(select(InsurerApplicationRow.id))) == {unconfirmed, kept}
    with clock.frozen(last_day + timedelta(minutes=1)):
        assert services.forget_unconfirmed() == {sha256_hex(b"%PDF-1.7 licence")}
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
        services.invite_staff(
            NewInvitation(insurer_id, "admin@willow.example", "Mei Lan", Role.INSURER_ADMIN), two_people()[0]
        )
    assert db.session.query(AccountRow).filter_by(insurer_id=insurer_id).count() == 1


def test_an_address_that_became_a_customers_is_not_made_staff():
    insurer_id, token = admitted()
    a_guest("admin@willow.example")
    with pytest.raises(AccountExists):
        services.accept_invitation(token, PASSWORD)
    assert db.session.query(AccountRow).filter_by(insurer_id=insurer_id).count() == 0


def test_only_staff_of_insurers_are_invited():
    invited = NewInvitation(an_insurer().id, "mei@willow.example", "Mei Lan", Role.INSURER_CATALOG)
    owner = a_member_of_staff(Role.ADMIN_OWNER)
    kept = services.invite_staff(invited, owner)
    with pytest.raises(Invalid) as refused:
        services.invite_staff(replace(invited, role=Role.ADMIN_OWNER), owner)
    assert set(refused.value.fields) == {"role"}
    assert queries.invitations(invited.insurer_id) == (kept,)


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
