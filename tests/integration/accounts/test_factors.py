"""Second steps: codes of an app, recovery codes and passkeys, each used once and told by mail."""

from datetime import timedelta
from uuid import uuid4

import pyotp
import pytest
from sqlalchemy import text

from marketplace.accounts import queries, services
from marketplace.accounts.values import (
    FactorKind,
    FactorNotFound,
    FactorRefused,
    FactorTriesUsedUp,
    LastFactor,
    PasskeyAnswer,
    RelyingParty,
    TooManyTries,
)
from marketplace.infra.db import db
from marketplace.kernel import clock
from tests.factories.accounts import a_member_of_staff, an_authenticator
from tests.fakes.passkey import SoftwareKey, decoded

pytestmark = pytest.mark.usefixtures("database")

SITE = RelyingParty("localhost", "http://localhost:8000", "Evenfold")
SESSION = uuid4()


@pytest.fixture
def staff():
    """A member of staff who has no second step yet."""
    account = a_member_of_staff()
    db.session.commit()
    return account


@pytest.fixture
def key():
    return SoftwareKey(SITE.origin)


def code_at(secret, moment):
    return pyotp.TOTP(secret).at(moment)


def add(account, key, session_id=SESSION):
    ceremony, options = services.begin_passkey(SITE, account.id, session_id)
    db.session.commit()
    answer = PasskeyAnswer(ceremony, key.make(options))
    added = services.add_passkey(SITE, account.id, session_id, answer, "work laptop")
    db.session.commit()
    return added


def asked(account=None, session_id=None):
    ceremony, options = services.ask_for_passkey(SITE, account.id if account else None, session_id)
    db.session.commit()
    return ceremony, options


# --- an authenticator app -----------------------------------------------------------------------------------------


def test_an_app_is_set_up_by_its_first_code(staff, frozen_clock):
    told = services.begin_one_time_codes(staff.id)
    assert told.address.startswith(f"otpauth://totp/Evenfold:{staff.email.replace('@', '%40')}?secret={told.secret}")
    assert services.secret_to_confirm(staff.id) == told
    assert queries.factors(staff.id).factors == (), "not before it has shown a code"
    with pytest.raises(FactorRefused):
        services.confirm_one_time_codes(staff.id, "000000")
    added = services.confirm_one_time_codes(staff.id, code_at(told.secret, frozen_clock))
    assert added.notice.context == {"change": "authenticator_added"}
    assert len(added.recovery_codes) == queries.factors(staff.id).recovery_codes == 10
    assert [factor.kind for factor in queries.factors(staff.id).factors] == [FactorKind.AUTHENTICATOR]
    with pytest.raises(FactorNotFound):
        services.secret_to_confirm(staff.id)


@pytest.mark.asvs("6.5.1")
def test_a_code_of_the_app_works_once(staff, frozen_clock):
    secret = services.begin_one_time_codes(staff.id).secret
    services.confirm_one_time_codes(staff.id, code_at(secret, frozen_clock))
    with pytest.raises(FactorRefused):
        services.prove_one_time_code(staff.id, code_at(secret, frozen_clock))
    assert pyotp.TOTP(secret).verify(code_at(secret, frozen_clock), for_time=frozen_clock), "the library alone takes it"
    with clock.frozen(frozen_clock + timedelta(seconds=30)):
        services.prove_one_time_code(staff.id, code_at(secret, clock.now()))
        with pytest.raises(FactorRefused):
            services.prove_one_time_code(staff.id, code_at(secret, clock.now()))
        with pytest.raises(FactorRefused):
            services.prove_one_time_code(staff.id, code_at(secret, frozen_clock))


@pytest.mark.asvs("6.5.5")
def test_a_code_of_the_app_is_taken_half_a_minute_early_or_late_and_no_longer(staff, frozen_clock):
    secret = an_authenticator(staff).secret
    for seconds, taken in ((-60, False), (60, False), (-30, True), (30, True)):
        code = code_at(secret, frozen_clock + timedelta(seconds=seconds))
        if taken:
            services.prove_one_time_code(staff.id, code)
        else:
            with pytest.raises(FactorRefused):
                services.prove_one_time_code(staff.id, code)


@pytest.mark.asvs("6.6.3")
def test_codes_cannot_be_guessed(staff, frozen_clock):
    secret = an_authenticator(staff).secret
    db.session.commit()
    for _ in range(10):
        with pytest.raises(FactorRefused):
            services.prove_one_time_code(staff.id, "000000")
    with pytest.raises(TooManyTries):
        services.prove_one_time_code(staff.id, code_at(secret, frozen_clock))
    with pytest.raises(TooManyTries):
        services.prove_recovery_code(staff.id, "AAAAA-AAAAA")
    with clock.frozen(frozen_clock + timedelta(minutes=15)):
        services.prove_one_time_code(staff.id, code_at(secret, clock.now()))


def wrong_codes(account, number, device=None):
    """So many wrong codes; how many of them were judged."""
    judged = 0
    for _ in range(number):
        try:
            services.prove_one_time_code(account.id, "000000", device)
        except FactorRefused:
            judged += 1
        except TooManyTries:
            pass
    return judged


@pytest.mark.asvs("6.6.3", "6.3.1")
def test_a_stolen_password_is_worth_fifty_guesses_a_day(staff, frozen_clock):
    an_authenticator(staff)
    db.session.commit()
    judged = []
    for minutes in range(0, 24 * 60, 5):
        with clock.frozen(frozen_clock + timedelta(minutes=minutes)):
            judged.append(wrong_codes(staff, 3))
    assert sum(judged) == 50
    assert sum(judged[:12]) == 20, "of the first hour"
    assert sum(judged[:3]) == 9, "of the first quarter"
    with clock.frozen(frozen_clock + timedelta(days=1, minutes=15)):
        assert wrong_codes(staff, 3) == 3


@pytest.mark.asvs("6.3.1", "6.6.3")
def test_whoever_has_the_password_cannot_use_up_the_owners_own_browser(staff, frozen_clock):
    secret = an_authenticator(staff).secret
    begun = services.begin_session(staff.id, "", None)
    own = services.renew_session(begun.session.id, None, second_factor=True).device
    db.session.commit()
    for device in (None, "a browser of somebody else"):
        wrong_codes(staff, 60, device)
    for device in (None, "a browser of somebody else"):
        with pytest.raises(TooManyTries):
            services.prove_one_time_code(staff.id, code_at(secret, frozen_clock), device)
    services.prove_one_time_code(staff.id, code_at(secret, frozen_clock), own)
    assert wrong_codes(staff, 60, own) == 10, "which is held to as much"


@pytest.mark.asvs("6.3.5", "6.6.3")
def test_the_owner_is_told_once_a_day_that_somebody_guesses(staff, frozen_clock):
    an_authenticator(staff)
    db.session.commit()
    told = []
    for minutes in (0, 5, 20, 70, 60 * 23, 60 * 25):
        with clock.frozen(frozen_clock + timedelta(minutes=minutes)):
            for _ in range(25):
                try:
                    services.prove_one_time_code(staff.id, "000000")
                except FactorTriesUsedUp as refusal:
                    if refusal.notice is not None:
                        told.append((minutes, refusal.notice.kind, refusal.notice.recipient))
                except FactorRefused:
                    pass
    assert told == [(minutes, "second_step_guessed", staff.email) for minutes in (0, 60 * 25)]


def test_an_app_set_up_anew_replaces_the_earlier_one(staff, frozen_clock):
    old = an_authenticator(staff).secret
    new = services.begin_one_time_codes(staff.id).secret
    services.prove_one_time_code(staff.id, code_at(old, frozen_clock))
    services.confirm_one_time_codes(staff.id, code_at(new, frozen_clock))
    assert len(queries.factors(staff.id).factors) == 1
    with clock.frozen(frozen_clock + timedelta(minutes=1)), pytest.raises(FactorRefused):
        services.prove_one_time_code(staff.id, code_at(old, clock.now()))


def test_the_code_of_another_does_nothing(staff, frozen_clock):
    other = an_authenticator(a_member_of_staff())
    an_authenticator(staff)
    with pytest.raises(FactorRefused):
        services.prove_one_time_code(staff.id, code_at(other.secret, frozen_clock))


def test_the_secret_of_an_app_is_not_readable_in_the_database(staff):
    secret = an_authenticator(staff).secret
    kept = db.session.execute(text("SELECT sealed_secret FROM accounts_one_time_secret")).scalar_one()
    assert secret.encode() not in bytes(kept)
    assert pyotp.TOTP(secret).byte_secret() not in bytes(kept)


# --- recovery codes ---------------------------------------------------------------------------------------------


@pytest.mark.asvs("6.5.1", "6.5.2")
def test_a_recovery_code_works_once_and_is_kept_as_a_hash(staff):
    first, second, *_rest = an_authenticator(staff).recovery_codes
    kept = "".join(db.session.execute(text("SELECT code_hash FROM accounts_recovery_code")).scalars())
    assert first.replace("-", "") not in kept
    notice = services.prove_recovery_code(staff.id, first.lower())
    assert notice.context == {"change": "recovery_code_used"}
    with pytest.raises(FactorRefused):
        services.prove_recovery_code(staff.id, first)
    services.prove_recovery_code(staff.id, second)
    assert queries.factors(staff.id).recovery_codes == 8


def test_new_recovery_codes_end_the_earlier_ones(staff):
    old = an_authenticator(staff).recovery_codes[0]
    made = services.make_recovery_codes(staff.id)
    assert made.notice.context == {"change": "recovery_codes_made"}
    with pytest.raises(FactorRefused):
        services.prove_recovery_code(staff.id, old)
    services.prove_recovery_code(staff.id, made.recovery_codes[0])


def test_a_recovery_code_is_its_owners_only(staff):
    other = an_authenticator(a_member_of_staff())
    with pytest.raises(FactorRefused):
        services.prove_recovery_code(staff.id, other.recovery_codes[0])


# --- passkeys ---------------------------------------------------------------------------------------------------


def test_a_passkey_is_added_and_proves_itself(staff, key):
    added = add(staff, key)
    assert (added.notice.context, len(added.recovery_codes)) == ({"change": "passkey_added"}, 10)
    (factor,) = queries.factors(staff.id).factors
    assert (factor.kind, factor.name, factor.last_used_at) == (FactorKind.PASSKEY, "work laptop", None)
    ceremony, options = asked(staff, SESSION)
    assert options["userVerification"] == "required"
    assert [decoded(each["id"]) for each in options["allowCredentials"]] == [key.credential_id]
    answer = PasskeyAnswer(ceremony, key.prove(options))
    assert services.prove_passkey(SITE, answer, staff.id, SESSION).id == staff.id
    assert queries.factors(staff.id).factors[0].last_used_at is not None


def test_a_passkey_signs_in_without_a_password(staff, key):
    add(staff, key)
    ceremony, options = asked()
    assert options["allowCredentials"] == [], "nobody learns which passkeys there are"
    assert services.prove_passkey(SITE, PasskeyAnswer(ceremony, key.prove(options))).id == staff.id


@pytest.mark.asvs("6.7.2")
def test_a_passkeys_answer_works_once_even_when_it_was_refused(staff, key):
    add(staff, key)
    ceremony, options = asked()
    answer = PasskeyAnswer(ceremony, key.prove(options))
    services.prove_passkey(SITE, answer)
    db.session.rollback()
    with pytest.raises(FactorRefused):
        services.prove_passkey(SITE, answer)


@pytest.mark.asvs("6.7.2")
def test_challenges_are_long_and_differ(staff):
    challenges = {asked()[1]["challenge"] for _ in range(50)}
    assert len(challenges) == 50
    assert min(len(decoded(each)) for each in challenges) >= 32


def test_the_answer_to_another_challenge_is_refused(staff, key):
    add(staff, key)
    _ceremony, options = asked()
    other, _options = asked()
    with pytest.raises(FactorRefused):
        services.prove_passkey(SITE, PasskeyAnswer(other, key.prove(options)))
    for ceremony in (None, uuid4()):
        with pytest.raises(FactorRefused):
            services.prove_passkey(SITE, PasskeyAnswer(ceremony, key.prove(options)))


@pytest.mark.asvs("6.6.2")
def test_a_challenge_is_answered_by_the_session_that_asked(staff, key):
    add(staff, key)
    for session_id in (uuid4(), None):
        ceremony, options = asked(staff, SESSION)
        with pytest.raises(FactorRefused):
            services.prove_passkey(SITE, PasskeyAnswer(ceremony, key.prove(options)), staff.id, session_id)


def test_a_challenge_ends_after_five_minutes(staff, key, frozen_clock):
    add(staff, key)
    ceremony, options = asked()
    with clock.frozen(frozen_clock + timedelta(minutes=5)):
        with pytest.raises(FactorRefused):
            services.prove_passkey(SITE, PasskeyAnswer(ceremony, key.prove(options)))
        services.forget_expired()
    assert db.session.execute(text("SELECT count(*) FROM accounts_ceremony")).scalar_one() == 0


@pytest.mark.asvs("9.2.3")
@pytest.mark.parametrize(
    "wrong", [{"origin": "http://localhost:8001"}, {"origin": "http://evil.example"}, {"verifies": False}]
)
def test_a_false_page_and_an_unverified_user_are_refused(staff, key, wrong):
    add(staff, key)
    for name, value in wrong.items():
        setattr(key, name, value)
    ceremony, options = asked()
    with pytest.raises(FactorRefused):
        services.prove_passkey(SITE, PasskeyAnswer(ceremony, key.prove(options)))
    assert queries.factors(staff.id).factors[0].last_used_at is None
    with pytest.raises(FactorRefused):
        add(a_member_of_staff(), SoftwareKey(key.origin, verifies=key.verifies))


def test_a_copied_key_whose_counter_lags_is_refused(staff, key):
    add(staff, key)
    ceremony, options = asked()
    services.prove_passkey(SITE, PasskeyAnswer(ceremony, key.prove(options)))
    db.session.commit()
    key.counter = 0
    ceremony, options = asked()
    with pytest.raises(FactorRefused):
        services.prove_passkey(SITE, PasskeyAnswer(ceremony, key.prove(options)))


def test_the_passkey_of_another_is_no_second_step(staff, key):
    other = a_member_of_staff()
    add(other, key)
    add(staff, SoftwareKey(SITE.origin))
    ceremony, options = asked(staff, SESSION)
    with pytest.raises(FactorRefused):
        services.prove_passkey(SITE, PasskeyAnswer(ceremony, key.prove(options)), staff.id, SESSION)


def test_a_passkey_of_a_disabled_account_opens_nothing(staff, key):
    add(staff, key)
    services.disable_account(staff.id)
    ceremony, options = asked()
    with pytest.raises(FactorRefused):
        services.prove_passkey(SITE, PasskeyAnswer(ceremony, key.prove(options)))


def test_the_same_passkey_is_not_added_twice(staff, key):
    add(staff, key)
    with pytest.raises(FactorRefused):
        add(a_member_of_staff(), key)


@pytest.mark.parametrize(
    "credential", ["", "{}", "[]", "null", '{"id": 7}', '{"id": "AAAA"}', "\x00", '{"id": "' + "A" * 9999 + '"}']
)
def test_nonsense_is_refused_as_any_wrong_passkey(staff, credential):
    ceremony, _options = asked()
    with pytest.raises(FactorRefused):
        services.prove_passkey(SITE, PasskeyAnswer(ceremony, credential))
    ceremony, _options = services.begin_passkey(SITE, staff.id, SESSION)
    db.session.commit()
    with pytest.raises(FactorRefused):
        services.add_passkey(SITE, staff.id, SESSION, PasskeyAnswer(ceremony, credential), "")


# --- all of them ------------------------------------------------------------------------------------------------


@pytest.mark.asvs("6.5.6")
def test_a_second_step_is_removed_unless_it_is_the_last(staff, key):
    add(staff, key)
    (passkey,) = queries.factors(staff.id).factors
    with pytest.raises(LastFactor):
        services.remove_factor(staff.id, passkey.id)
    assert an_authenticator(staff).recovery_codes == [], "the first second step brought them"
    assert services.remove_factor(staff.id, passkey.id).context == {"change": "passkey_removed"}
    (app,) = queries.factors(staff.id).factors
    assert app.kind is FactorKind.AUTHENTICATOR
    with pytest.raises(LastFactor):
        services.remove_factor(staff.id, app.id)
    with pytest.raises(FactorNotFound):
        services.remove_factor(staff.id, passkey.id)


def test_nobody_removes_the_second_step_of_another(staff, key):
    add(staff, key)
    an_authenticator(staff)
    stranger = a_member_of_staff()
    with pytest.raises(FactorNotFound):
        services.remove_factor(stranger.id, queries.factors(staff.id).factors[0].id)
    assert len(queries.factors(staff.id).factors) == 2


def test_whoever_lost_everything_begins_again(staff, key):
    add(staff, key)
    services.forget_factors(staff.id)
    assert queries.factors(staff.id) == queries.factors(uuid4())
