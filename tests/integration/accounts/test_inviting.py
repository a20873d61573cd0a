"""An insurer's own administrator lets colleagues in and out, in the scope of the insurer and of no other."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from marketplace.accounts import queries, services
from marketplace.accounts.models import AccountRow, InvitationRow
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.values import (
    AccountExists,
    AccountNotFound,
    InsurerNotFound,
    InvitationNotFound,
    LastAdministrator,
    LinkRefused,
    NewInvitation,
    Role,
    SecurityEventFilter,
    SecurityEventType,
)
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import Scope, db, use_scope
from marketplace.infra.vault import SubjectKeyRow
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from tests.deferred_jobs import drain, waiting
from tests.factories.accounts import (
    PASSWORD,
    a_customer,
    a_guest,
    a_member_of_staff,
    an_insurer,
    token_in,
)

pytestmark = pytest.mark.usefixtures("database")
MEI = "mei@harbour.example"


@pytest.fixture
def admin(database):
    who = a_member_of_staff(Role.INSURER_ADMIN, an_insurer())
    db.session.commit()
    return who


@pytest.fixture
def stranger(database):
    """The administrator of another insurer."""
    who = a_member_of_staff(Role.INSURER_ADMIN, an_insurer("farshore"))
    db.session.commit()
    return who


def at(who):
    """In the scope in which the doors of this person's desk work."""
    return use_scope(Scope.insurer(who.insurer_id))


def invite(by, email=MEI, role=Role.INSURER_CLAIMS, **more):
    with at(by):
        invited = services.invite_staff(NewInvitation(by.insurer_id, email, "Mei Lan", role, **more), by)
        db.session.commit()
        return invited


def mails(kind):
    drain()
    return [(each.kind, each.recipient) for each in correspondence.inbox() if each.kind == kind]


def link(invited):
    return token_in(services.issue_invitation(invited.id))


def told_of(kind):
    db.session.commit()
    return [
        (event.account_id, event.actor)
        for event in queries.security_events(SecurityEventFilter(type=kind)).events
    ]  # fmt: skip


def test_a_colleague_is_invited_in_the_scope_of_the_insurer_and_comes_in(admin):
    invited = invite(admin)
    with at(admin):
        assert queries.invitations(admin.insurer_id) == (invited,)
    assert (invited.email, invited.role, invited.invited_by) == (MEI, Role.INSURER_CLAIMS, admin.id)
    assert told_of(SecurityEventType.STAFF_INVITED) == [(admin.id, "insurer_admin")]
    assert mails("join_insurer") == [("join_insurer", MEI)]
    with at(admin):
        assert queries.invitations(admin.insurer_id) == (invited,)


def test_the_link_makes_the_account_and_opens_nothing_after(admin):
    token = link(invite(admin, role=Role.INSURER_FINANCE, locale="zh_Hans_CN"))
    account = services.accept_invitation(token, PASSWORD)
    assert (account.insurer_id, account.role, account.locale) == (admin.insurer_id, Role.INSURER_FINANCE, "zh_Hans_CN")
    with pytest.raises(LinkRefused):
        services.invitation(token)
    assert queries.invitations(admin.insurer_id) == ()
    with at(admin):
        assert {each.id for each in queries.staff_of(admin.insurer_id)} == {admin.id, account.id}


def test_the_mail_leaves_once_however_often_its_job_runs(admin):
    invited = invite(admin)
    assert services.issue_invitation(invited.id) is not None
    assert services.issue_invitation(invited.id) is None
    assert db.session.scalars(select(InvitationRow.secret_hash)).one() is not None


def test_another_insurer_sees_and_writes_none_of_it(admin, stranger):
    invited = invite(admin)
    with at(stranger):
        assert queries.invitations(admin.insurer_id) == ()
        assert db.session.scalars(select(InvitationRow)).all() == []
        assert queries.staff_of(admin.insurer_id) == ()
        with pytest.raises(InvitationNotFound):
            services.withdraw_invitation(invited.id, stranger)
        with pytest.raises(AccountNotFound):
            services.end_access(admin.id, stranger)
        with pytest.raises(InsurerNotFound):
            services.invite_staff(NewInvitation(admin.insurer_id, "x@x.example", "X", Role.INSURER_ADMIN), stranger)
        mine, theirs = (
            db.session.execute(
                text("SELECT count(*) FROM infra_subject_key WHERE id = :id"), {"id": each.insurer_id}
            ).scalar_one()
            for each in (stranger, admin)
        )
        assert (mine, theirs) == (0, 0)
        db.session.rollback()
    assert queries.invitations(admin.insurer_id) == (invited,)
    with at(admin):
        keys = db.session.execute(
            text("SELECT id FROM infra_subject_key WHERE id <> ALL(SELECT id FROM accounts_account)")
        )
        assert [row[0] for row in keys] == [admin.insurer_id]
    for who in (stranger, a_member_of_staff(Role.ADMIN_OWNER)):  # the condition in the question says so as well
        with pytest.raises(InvitationNotFound):
            services.withdraw_invitation(invited.id, who)
        with pytest.raises(AccountNotFound):
            services.end_access(admin.id, who)


def test_another_insurer_makes_and_changes_no_key_of_it(admin, stranger):
    invite(admin)
    for key_id in (admin.insurer_id, uuid4()):
        key = {"id": key_id, "wrapped": b"x", "keeper_key_id": "x", "created_at": clock.now()}
        with at(stranger), pytest.raises(DBAPIError, match="row-level security"):
            db.session.execute(insert(SubjectKeyRow).values(key))
        db.session.rollback()
    with at(stranger):
        changed = update(SubjectKeyRow).where(SubjectKeyRow.id == admin.insurer_id).values(keeper_key_id="x")
        assert db.session.execute(changed).rowcount == 0


def test_what_was_withdrawn_opens_nothing_and_is_told(admin):
    invited = invite(admin)
    assert mails("join_insurer") == [("join_insurer", MEI)]
    with at(admin):
        services.withdraw_invitation(invited.id, admin)
        services.withdraw_invitation(invited.id, admin)
        db.session.commit()
        assert queries.invitations(admin.insurer_id) == ()
    assert mails("invitation_withdrawn") == [("invitation_withdrawn", MEI)]
    assert told_of(SecurityEventType.INVITATION_WITHDRAWN) == [(admin.id, "insurer_admin")]
    assert services.issue_invitation(invited.id) is None


def test_a_link_that_was_withdrawn_is_refused(admin):
    invited = invite(admin)
    token = link(invited)
    services.withdraw_invitation(invited.id, admin)
    with pytest.raises(LinkRefused):
        services.accept_invitation(token, PASSWORD)
    assert db.session.query(AccountRow).filter_by(insurer_id=admin.insurer_id).count() == 1


def test_what_was_withdrawn_before_its_mail_left_is_told_to_nobody(admin):
    invited = invite(admin)
    with at(admin):
        services.withdraw_invitation(invited.id, admin)
    assert mails("join_insurer") == mails("invitation_withdrawn") == []


def test_an_invitation_that_was_accepted_is_not_withdrawn(admin):
    invited = invite(admin)
    services.accept_invitation(link(invited), PASSWORD)
    with at(admin), pytest.raises(InvitationNotFound):
        services.withdraw_invitation(invited.id, admin)
    assert told_of(SecurityEventType.INVITATION_WITHDRAWN) == []


def test_another_invitation_takes_the_place_of_the_first(admin):
    first = link(invite(admin))
    second = invite(admin, role=Role.INSURER_ADMIN)
    assert queries.invitations(admin.insurer_id) == (second,)
    with pytest.raises(LinkRefused):
        services.invitation(first)
    assert services.invitation(link(second)).role is Role.INSURER_ADMIN


def test_an_administrator_learns_of_no_account_elsewhere(admin, stranger):
    """Whoever is invited does, and stays what they are."""
    a_customer("known@example.com")
    a_guest("guest@example.com")
    db.session.commit()
    for email in ("known@example.com", "guest@example.com", stranger.email):
        token = link(invite(admin, email))
        with pytest.raises(AccountExists):
            services.accept_invitation(token, PASSWORD)
        db.session.rollback()
    with at(admin), pytest.raises(AccountExists):
        services.invite_staff(NewInvitation(admin.insurer_id, admin.email, "Me", Role.INSURER_CLAIMS), admin)
    assert db.session.query(AccountRow).filter_by(insurer_id=admin.insurer_id).count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"role": Role.ADMIN_OWNER}, "role"), ({"role": Role.CUSTOMER}, "role"), ({"email": "nobody"}, "email")],
)
def test_who_cannot_be_invited_is_not(admin, changes, field):
    with pytest.raises(Invalid) as refused:
        invite(admin, **changes)
    assert set(refused.value.fields) == {field}
    db.session.rollback()
    assert (queries.invitations(admin.insurer_id), waiting()) == ((), [])


def test_ending_access_ends_every_session_and_is_told(admin):
    colleague = a_member_of_staff(Role.INSURER_CLAIMS, queries.insurer(admin.insurer_id))
    services.begin_session(colleague.id, "Firefox, Linux", None)
    db.session.commit()
    with at(admin):
        services.end_access(colleague.id, admin)
        services.end_access(colleague.id, admin)
        db.session.commit()
        assert [each.disabled for each in queries.staff_of(admin.insurer_id)] == [False, True]
    assert (
        db.session.execute(text("SELECT DISTINCT ended_reason FROM accounts_session")).scalar_one()
        == "account_disabled"
    )
    assert told_of(SecurityEventType.ACCOUNT_DISABLED) == [(colleague.id, "insurer_admin")]
    assert mails("access_ended") == [("access_ended", colleague.email)]


def test_the_last_administrator_stays(admin):
    claims = a_member_of_staff(Role.INSURER_CLAIMS, queries.insurer(admin.insurer_id))
    second = a_member_of_staff(Role.INSURER_ADMIN, queries.insurer(admin.insurer_id))
    with at(admin):
        services.end_access(second.id, admin)
        with pytest.raises(LastAdministrator):
            services.end_access(admin.id, admin)
        assert queries.account(admin.id).disabled is False
        services.end_access(claims.id, admin)
    db.session.commit()
    assert told_of(SecurityEventType.ACCOUNT_DISABLED).count((admin.id, "insurer_admin")) == 0


def test_what_is_over_is_forgotten_a_day_later(admin):
    invited = invite(admin)
    with clock.frozen(invited.invited_at + party_rules.INVITATION_LASTS + timedelta(hours=23)):
        services.forget_expired()
        assert db.session.query(InvitationRow).count() == 1
    with clock.frozen(invited.invited_at + party_rules.INVITATION_LASTS + timedelta(days=1, minutes=1)):
        services.forget_expired()
    assert db.session.query(InvitationRow).count() == 0
