"""Sessions: begun, made whole, renewed, ended on the server, forgotten; and browsers that are known again."""

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from marketplace.accounts import queries, services
from marketplace.accounts.models import SessionRow
from marketplace.accounts.services import devices
from marketplace.accounts.values import (
    AccountNotFound,
    CodePurpose,
    CodeRefused,
    Ended,
    SessionNotFound,
    SignInRefused,
    TooManyTries,
)
from marketplace.infra.db import db
from marketplace.kernel import clock
from tests.factories.accounts import PASSWORD, a_customer, a_guest, a_member_of_staff, a_source, code_in

pytestmark = pytest.mark.usefixtures("database")

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"


def test_a_customer_is_in_at_once():
    account = a_customer()
    begun = services.begin_session(account.id, FIREFOX, None)
    assert queries.session_behind(begun.token) == (begun.session, account)
    assert begun.session.whole
    assert begun.session.device == "Firefox, Linux"
    assert queries.is_fresh(begun.session)


@pytest.mark.asvs("6.3.3")
def test_staff_are_in_after_the_second_factor_only():
    account = a_member_of_staff()
    half = services.begin_session(account.id, FIREFOX, None)
    assert not half.session.whole
    assert not queries.is_fresh(half.session)
    assert (half.device, queries.sessions(account.id)) == (None, ()), "a password alone makes no browser known"
    whole = services.renew_session(half.session.id, None, second_factor=True)
    assert (whole.session.id, whole.session.whole) == (half.session.id, True)
    assert queries.is_fresh(whole.session)
    assert queries.sessions(account.id) == (whole.session,)


@pytest.mark.asvs("7.2.4")
def test_each_step_up_gives_a_new_token_and_the_old_one_opens_nothing():
    account = a_member_of_staff()
    tokens = [services.begin_session(account.id, "", None)]
    tokens.append(services.renew_session(tokens[0].session.id, None, second_factor=True))
    tokens.append(services.renew_session(tokens[0].session.id, None, second_factor=True))
    opened = [queries.session_behind(begun.token) is not None for begun in tokens]
    assert opened == [False, False, True]


@pytest.mark.asvs("7.2.2", "7.2.3")
def test_tokens_are_random_and_kept_as_a_hash_only():
    account = a_customer()
    tokens = [services.begin_session(account.id, "", None).token for _ in range(20)]
    assert len(set(tokens)) == 20
    assert {len(token) for token in tokens} == {43}, "256 bits in base64"
    kept = "".join(db.session.execute(text("SELECT accounts_session::text FROM accounts_session")).scalars())
    assert [token for token in tokens if token in kept] == []


@pytest.mark.asvs("7.3.1", "7.3.2")
def test_a_session_runs_out(frozen_clock):
    account = a_customer()
    begun = services.begin_session(account.id, "", None)
    db.session.commit()
    with clock.frozen(frozen_clock + timedelta(minutes=29)):
        found = queries.session_behind(begun.token)
        assert found is not None
        services.note_seen(found[0])
        db.session.expire_all()
    with clock.frozen(frozen_clock + timedelta(minutes=58)):
        assert queries.session_behind(begun.token) is not None
    with clock.frozen(frozen_clock + timedelta(minutes=59)):
        assert queries.session_behind(begun.token) is None
        assert queries.sessions(account.id) == ()


def test_being_seen_is_written_once_a_minute(frozen_clock):
    begun = services.begin_session(a_customer().id, "", None)
    db.session.commit()
    for seconds, seen in ((59, 0), (60, 60)):
        with clock.frozen(frozen_clock + timedelta(seconds=seconds)):
            services.note_seen(begun.session)
        db.session.expire_all()
        assert db.session.scalars(select(SessionRow.last_seen_at)).one() == frozen_clock + timedelta(seconds=seen)


@pytest.mark.asvs("7.4.1")
def test_an_ended_session_stays_ended():
    account = a_customer()
    begun = services.begin_session(account.id, "", None)
    services.end_session(account.id, begun.session.id, Ended.SIGNED_OUT)
    assert queries.session_behind(begun.token) is None
    with pytest.raises(SessionNotFound):
        services.renew_session(begun.session.id, None)
    services.end_session(account.id, begun.session.id, Ended.ENDED_BY_OWNER)
    assert db.session.scalars(select(SessionRow.ended_reason)).one() == "signed_out"


def test_nobody_ends_the_session_of_another():
    me = a_customer()
    theirs = services.begin_session(a_customer("theirs@example.com").id, "", None)
    for session_id in (theirs.session.id, uuid4()):
        with pytest.raises(SessionNotFound):
            services.end_session(me.id, session_id, Ended.ENDED_BY_OWNER)
    assert queries.session_behind(theirs.token) is not None


@pytest.mark.asvs("7.1.2", "7.5.2")
def test_all_others_end_and_this_one_stays():
    account = a_customer()
    here, *others = (services.begin_session(account.id, "", None) for _ in range(3))
    theirs = services.begin_session(a_customer("theirs@example.com").id, "", None)
    assert len(queries.sessions(account.id)) == 3
    assert services.end_sessions(account.id, Ended.ENDED_BY_OWNER, here.session.id, here.device) == 2
    assert [queries.session_behind(each.token) is not None for each in (here, theirs, *others)] == [
        True, True, False, False,
    ]  # fmt: skip
    known = [devices.is_known(account.id, each.device) for each in (here, *others)]
    assert known == [True, False, False], "and their browsers are strangers' again"
    assert devices.any_known(theirs.session.account_id)


@pytest.mark.asvs("7.4.2", "7.4.5")
def test_a_disabled_account_loses_its_sessions_and_signs_in_no_more():
    account = a_customer()
    begun = services.begin_session(account.id, "", None)
    services.disable_account(account.id)
    assert queries.session_behind(begun.token) is None
    assert queries.account(account.id).disabled
    with pytest.raises(SignInRefused):
        services.authenticate(account.email, PASSWORD, a_source())
    with pytest.raises(AccountNotFound):
        services.begin_session(account.id, "", None)
    assert services.request_password_reset(account.email, a_source(), "en").kind == "no_account"


def test_the_database_knows_no_end_without_a_reason():
    begun = services.begin_session(a_customer().id, "", None)
    with pytest.raises(IntegrityError, match="ck_accounts_session_ended_for_a_reason"):
        db.session.execute(
            text("UPDATE accounts_session SET ended_at = now() WHERE id = :id"), {"id": begun.session.id}
        )
    db.session.rollback()


@pytest.mark.asvs("6.3.5")
def test_the_owner_is_told_of_a_browser_never_seen_before():
    account = a_customer()
    first = services.begin_session(account.id, "", None)
    assert first.notice is None, "there is nothing to compare the first one with"
    again = services.begin_session(account.id, FIREFOX, first.device)
    assert (again.notice, again.device) == (None, first.device)
    for device in (None, "made up"):
        strange = services.begin_session(account.id, FIREFOX, device)
        assert strange.notice is not None
        assert (strange.notice.kind, strange.notice.recipient) == ("new_device", account.email)
        assert strange.notice.context == {"device": "Firefox, Linux"}
        assert strange.device not in {first.device, device}, "nobody chooses the token"


def test_a_browser_known_to_one_account_is_not_known_to_another():
    mine, theirs = a_customer(), a_customer("theirs@example.com")
    known = services.begin_session(mine.id, "", None).device
    services.begin_session(theirs.id, "", None)
    assert services.begin_session(theirs.id, "", known).notice is not None


def test_a_fresh_proof_by_password_counts_wrong_ones():
    account = a_customer()
    services.prove_password(account.id, PASSWORD)
    for _ in range(10):
        with pytest.raises(SignInRefused):
            services.prove_password(account.id, "something else")
    with pytest.raises(TooManyTries):
        services.prove_password(account.id, PASSWORD)


@pytest.mark.asvs("6.6.2")
def test_a_fresh_proof_by_code_is_bound_to_the_session_that_asked():
    guest = a_guest()
    here, elsewhere = (services.begin_session(guest.id, "", None).session.id for _ in range(2))
    asked = services.request_identity_code(guest.id, here)
    db.session.commit()
    assert (asked.mail.kind, asked.mail.recipient) == ("confirm_identity_code", guest.email)
    for session_id, challenge_id in ((elsewhere, None), (here, None), (elsewhere, asked.challenge_id)):
        with pytest.raises(CodeRefused, match="asked for by another browser"):
            services.prove_identity_code(guest.id, session_id, challenge_id, code_in(asked))
        db.session.rollback()


@pytest.mark.asvs("6.3.1")
def test_a_fresh_proof_by_code_is_counted_for_its_session_alone():
    guest = a_guest()
    here, elsewhere = (services.begin_session(guest.id, "", None).session.id for _ in range(2))
    db.session.commit()
    for _ in range(100):
        with suppress(TooManyTries):
            services.request_code(guest.email, CodePurpose.FIND_PURCHASE, a_source(), "en")
    for _ in range(5):
        asked = services.request_identity_code(guest.id, here)
    with pytest.raises(TooManyTries):
        services.request_identity_code(guest.id, here)
    services.request_identity_code(guest.id, elsewhere)
    services.prove_identity_code(guest.id, here, asked.challenge_id, code_in(asked))


def test_a_fresh_proof_by_code_works_once():
    guest = a_guest()
    session_id = services.begin_session(guest.id, "", None).session.id
    asked = services.request_identity_code(guest.id, session_id)
    services.prove_identity_code(guest.id, session_id, asked.challenge_id, code_in(asked))
    with pytest.raises(CodeRefused):
        services.prove_identity_code(guest.id, session_id, asked.challenge_id, code_in(asked))


def test_old_sessions_and_browsers_are_forgotten(frozen_clock):
    account = a_customer()
    services.end_session(account.id, services.begin_session(account.id, "", None).session.id, Ended.SIGNED_OUT)
    db.session.commit()
    for days, sessions, browsers in ((30, 1, 1), (31, 0, 1), (401, 0, 0)):
        with clock.frozen(frozen_clock + timedelta(days=days)):
            services.forget_expired()
        counts = "SELECT (SELECT count(*) FROM accounts_session), (SELECT count(*) FROM accounts_device)"
        assert tuple(db.session.execute(text(counts)).one()) == (sessions, browsers)
