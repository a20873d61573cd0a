"""Register, confirm, sign in, change and reset a password."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, pool, select, text

from marketplace.accounts import queries, services
from marketplace.accounts.models import AccountRow, ChallengeRow, LimitRow
from marketplace.accounts.services import devices, hashes
from marketplace.accounts.values import (
    AccountNotFound,
    CodePurpose,
    LimitsUnavailable,
    LinkNeeded,
    LinkRefused,
    Role,
    SignInRefused,
    TooManyTries,
)
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from tests.factories.accounts import PASSWORD, a_customer, a_guest, a_member_of_staff, a_source, code_in, token_in

pytestmark = pytest.mark.usefixtures("database")

LIN = "lin@example.com"
OTHER = "four patient storks"


def register(password=PASSWORD, email=LIN, name="Lin Yue"):
    return services.register_customer(email, password, name, a_source(), "zh_Hans_CN")


def accounts():
    return [row.email for row in db.session.scalars(select(AccountRow))]


def signs_in(password, email=LIN):
    try:
        services.authenticate(email, password, a_source())
    except SignInRefused:
        return False
    return True


@pytest.fixture
def verifications(monkeypatch):
    """How often argon2 was asked."""
    asked = []
    real = type(hashes._hasher).verify

    def counting(self, *arguments):
        asked.append(None)
        return real(self, *arguments)

    monkeypatch.setattr(type(hashes._hasher), "verify", counting)
    return asked


def test_nothing_exists_before_the_address_is_confirmed():
    message = register()
    assert (message.kind, message.recipient, message.locale) == ("confirm_address", LIN, "zh_Hans_CN")
    assert {**message.context, "token": "…"} == {"token": "…", "minutes": 30}, "and not what somebody typed as a name"
    assert accounts() == []
    assert not signs_in(PASSWORD)


def test_a_confirmed_customer_signs_in():
    account = services.confirm_address(token_in(register()), PASSWORD, a_source())
    assert (account.email, account.name, account.role) == (LIN, "Lin Yue", Role.CUSTOMER)
    assert (account.locale, account.confirmed, account.has_password) == ("zh_Hans_CN", True, True)
    assert services.authenticate(" LIN@example.com ", PASSWORD, a_source()) == account


def test_the_link_needs_the_password_chosen_with_it():
    """Otherwise whoever registers a stranger's address only has to wait for the stranger to follow the link."""
    token = token_in(register())
    with pytest.raises(SignInRefused):
        services.confirm_address(token, OTHER, a_source())
    assert accounts() == []
    assert services.confirm_address(token, PASSWORD, a_source()).has_password


@pytest.mark.asvs("6.4.1", "9.2.1")
def test_a_link_works_once_and_not_for_long(frozen_clock):
    token = token_in(register())
    with clock.frozen(frozen_clock + timedelta(minutes=30)), pytest.raises(LinkRefused):
        services.confirm_address(token, PASSWORD, a_source())
    services.confirm_address(token, PASSWORD, a_source())
    with pytest.raises(LinkRefused):
        services.confirm_address(token, PASSWORD, a_source())
    with pytest.raises(LinkRefused):
        services.confirm_address("not-a-token", PASSWORD, a_source())


def test_of_two_registrations_the_first_confirmed_counts():
    mine, theirs = token_in(register()), token_in(register(OTHER, name="Somebody"))
    services.confirm_address(mine, PASSWORD, a_source())
    with pytest.raises(LinkRefused):
        services.confirm_address(theirs, OTHER, a_source())
    assert signs_in(PASSWORD)
    assert not signs_in(OTHER)


def test_a_guest_who_registers_keeps_the_account_and_gets_the_password_only_when_confirmed():
    guest = a_guest(LIN)
    message = register()
    assert message.kind == "confirm_address"
    assert not queries.account(guest.id).has_password

    account = services.confirm_address(token_in(message), PASSWORD, a_source())
    assert account.id == guest.id
    assert (account.id, account.name, account.has_password) == (guest.id, "Lin Yue", True)


def test_a_known_address_is_told_by_mail_and_not_by_the_page():
    a_customer(LIN)
    message = register(OTHER)
    assert (message.kind, message.recipient, message.locale) == ("address_in_use", LIN, "en")
    assert signs_in(PASSWORD)
    assert not signs_in(OTHER)


def test_nobody_registers_as_staff():
    staff = a_member_of_staff(email="desk@evenfold.example")
    message = register(OTHER, email=staff.email)
    assert (message.kind, message.context) == ("address_in_use", {})
    assert signs_in(PASSWORD, staff.email)
    assert not signs_in(OTHER, staff.email)


def test_a_registration_confirmed_after_the_address_became_staffs_changes_nothing():
    token = token_in(register(email="desk@evenfold.example"))
    staff = a_member_of_staff(email="desk@evenfold.example", password=OTHER)
    with pytest.raises(LinkRefused):
        services.confirm_address(token, PASSWORD, a_source())
    assert signs_in(OTHER, staff.email)
    assert not signs_in(PASSWORD, staff.email)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"password": "short"}, "password"), ({"email": "lin@"}, "email"), ({"name": " "}, "name")],
)
def test_a_registration_that_does_not_fit_says_where(changes, field):
    with pytest.raises(Invalid) as refusal:
        register(**changes)
    assert list(refusal.value.fields) == [field]
    assert db.session.scalars(select(ChallengeRow)).all() == []
    assert db.session.scalars(select(LimitRow)).all() == [], "a slip of the hand uses up no try"


def test_every_way_to_fail_looks_alike_and_costs_the_same(verifications):
    a_customer(LIN)
    a_guest("guest@example.com")
    verifications.clear()
    refusals = []
    for email in (LIN, "guest@example.com", "nobody@example.com"):
        with pytest.raises(SignInRefused) as refusal:
            services.authenticate(email, "not the password", a_source())
        refusals.append(str(refusal.value))
    assert len(set(refusals)) == 1
    assert len(verifications) == 3


@pytest.mark.asvs("6.2.8")
def test_a_password_is_taken_as_typed():
    account = a_customer(LIN)
    services.change_password(account.id, PASSWORD, " three  Calm herons ")
    assert signs_in(" three  Calm herons ")
    assert not signs_in("three  Calm herons")
    assert not signs_in(" three  calm herons ")
    assert not signs_in("x" * 1_000_000)


@pytest.mark.asvs("6.3.1")
def test_after_ten_failures_from_one_place_even_the_right_password_waits_there(frozen_clock):
    a_customer(LIN)
    db.session.commit()
    source = a_source()
    for _ in range(10):
        with pytest.raises(SignInRefused):
            services.authenticate(LIN, OTHER, source)
        db.session.rollback()
    with pytest.raises(TooManyTries) as refusal:
        services.authenticate(LIN, PASSWORD, source)
    assert refusal.value.retry_at == frozen_clock + timedelta(minutes=5)
    assert signs_in(PASSWORD), "the owner, elsewhere, is not locked out"
    with clock.frozen(frozen_clock + timedelta(minutes=5)):
        assert services.authenticate(LIN, PASSWORD, source).email == LIN


@pytest.mark.asvs("6.3.1")
def test_thirty_failures_of_one_source_whatever_the_accounts():
    a_customer(LIN)
    source = a_source()
    for number in range(30):
        with pytest.raises(SignInRefused):
            services.authenticate(f"nobody{number}@example.com", OTHER, source)
    with pytest.raises(TooManyTries):
        services.authenticate(LIN, PASSWORD, source)
    assert signs_in(PASSWORD), "the owner, elsewhere, is not locked out"


@pytest.mark.asvs("6.3.1")
def test_after_fifty_failures_from_everywhere_strangers_need_a_link_and_the_owner_does_not():
    account = a_customer(LIN)
    own_browser = services.begin_session(account.id, "", None).device
    db.session.commit()
    for _ in range(50):
        assert not signs_in(OTHER)
    with pytest.raises(LinkNeeded):
        services.authenticate(LIN, PASSWORD, a_source())
    with pytest.raises(LinkNeeded):
        services.authenticate(LIN, PASSWORD, a_source(), "a browser of somebody else")
    assert services.authenticate(LIN, PASSWORD, a_source(), own_browser).id == account.id
    link = services.request_password_reset(LIN, a_source(), "en")
    assert services.reset_password(token_in(link), OTHER)[0].id == account.id


def test_a_source_that_is_used_up_does_not_use_up_the_address():
    a_customer(LIN)
    source = a_source()
    for _ in range(10):
        with pytest.raises(SignInRefused):
            services.authenticate(LIN, OTHER, source)
    for _ in range(60):
        with pytest.raises(TooManyTries) as refusal:
            services.authenticate(LIN, OTHER, source)
        assert not isinstance(refusal.value, LinkNeeded)
    assert signs_in(PASSWORD)


def test_signing_in_uses_up_no_tries():
    a_customer(LIN)
    source = a_source()
    for _ in range(11):
        services.authenticate(LIN, PASSWORD, source)


@pytest.mark.asvs("16.5.3")
def test_when_tries_cannot_be_counted_none_is_allowed(app, verifications):
    a_customer(LIN)
    db.session.commit()
    verifications.clear()
    owner = create_engine(app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with owner.begin() as connection:
        connection.execute(text("REVOKE INSERT ON accounts_limit FROM marketplace_app"))
    try:
        with pytest.raises(LimitsUnavailable):
            services.authenticate(LIN, PASSWORD, a_source())
    finally:
        with owner.begin() as connection:
            connection.execute(text("GRANT INSERT ON accounts_limit TO marketplace_app"))
    assert verifications == []


@pytest.mark.asvs("6.2.2", "6.3.7", "7.4.3")
def test_a_changed_password_ends_the_other_sessions_and_is_told_by_mail():
    account = a_customer(LIN)
    here, elsewhere = (services.begin_session(account.id, "", None) for _ in range(2))
    notice = services.change_password(account.id, PASSWORD, OTHER, here.session.id, here.device)
    assert (notice.kind, notice.recipient) == ("password_changed", LIN)
    assert [each.id for each in queries.sessions(account.id)] == [here.session.id]
    assert queries.session_behind(elsewhere.token) is None
    assert signs_in(OTHER)
    assert not signs_in(PASSWORD)


@pytest.mark.asvs("6.2.3")
def test_the_old_password_is_needed_and_the_new_one_must_fit():
    account = a_customer(LIN)
    session = services.begin_session(account.id, "", None)
    with pytest.raises(SignInRefused):
        services.change_password(account.id, OTHER, "five wandering cranes")
    with pytest.raises(Invalid):
        services.change_password(account.id, PASSWORD, "short")
    assert signs_in(PASSWORD)
    assert queries.session_behind(session.token) is not None, "nothing ended"
    with pytest.raises(AccountNotFound):
        services.change_password(uuid4(), PASSWORD, OTHER)


def test_a_guest_has_no_password_to_change():
    guest = a_guest(LIN)
    with pytest.raises(SignInRefused):
        services.change_password(guest.id, "", OTHER)
    assert not queries.account(guest.id).has_password


def test_a_forgotten_password_is_set_anew_by_link():
    account = a_customer(LIN)
    message = services.request_password_reset("Lin@example.com", a_source(), "en")
    assert (message.kind, message.recipient) == ("password_reset", LIN)
    assert {**message.context, "token": "…"} == {"token": "…", "minutes": 30}
    assert signs_in(PASSWORD), "asking changes nothing"

    session = services.begin_session(account.id, "", None)
    changed, notice = services.reset_password(token_in(message), OTHER)
    assert changed.id == account.id
    assert (notice.kind, notice.recipient) == ("password_changed", LIN)
    assert queries.session_behind(session.token) is None
    assert signs_in(OTHER)
    assert not signs_in(PASSWORD)
    with pytest.raises(LinkRefused):
        services.reset_password(token_in(message), PASSWORD)


def test_a_new_password_that_does_not_fit_leaves_the_link_as_it_is():
    a_customer(LIN)
    token = token_in(services.request_password_reset(LIN, a_source(), "en"))
    with pytest.raises(Invalid):
        services.reset_password(token, "lin@example.com")
    assert services.reset_password(token, OTHER)[0].has_password


def test_one_reset_ends_every_other_link_of_the_address():
    a_customer(LIN)
    first, second = (token_in(services.request_password_reset(LIN, a_source(), "en")) for _ in range(2))
    services.reset_password(first, OTHER)
    with pytest.raises(LinkRefused):
        services.reset_password(second, PASSWORD)


@pytest.mark.asvs("6.4.1", "9.2.1")
def test_a_reset_link_ends_after_thirty_minutes(frozen_clock):
    a_customer(LIN)
    token = token_in(services.request_password_reset(LIN, a_source(), "en"))
    with clock.frozen(frozen_clock + timedelta(minutes=30)), pytest.raises(LinkRefused):
        services.reset_password(token, OTHER)
    assert signs_in(PASSWORD)


@pytest.mark.asvs("9.2.2")
def test_a_link_for_one_thing_does_no_other():
    a_customer(LIN)
    token = token_in(services.request_password_reset(LIN, a_source(), "en"))
    with pytest.raises(LinkRefused):
        services.confirm_address(token, PASSWORD, a_source())
    confirming = token_in(register(email="new@example.com"))
    with pytest.raises(LinkRefused):
        services.reset_password(confirming, OTHER)


@pytest.mark.asvs("6.3.8")
def test_an_unknown_address_gets_a_mail_without_a_link_so_that_the_same_is_done():
    message = services.request_password_reset("nobody@example.com", a_source(), "en")
    assert (message.kind, message.recipient, message.context) == ("no_account", "nobody@example.com", {})
    assert accounts() == []


def test_resets_codes_and_registrations_of_one_place_for_one_address_share_a_limit():
    source = a_source()
    for _ in range(5):
        services.request_password_reset(LIN, source, "en")
    with pytest.raises(TooManyTries):
        services.request_code(LIN, CodePurpose.FIND_PURCHASE, source, "en")
    with pytest.raises(TooManyTries):
        services.register_customer(LIN, PASSWORD, "Lin Yue", source, "en")


@pytest.mark.asvs("6.3.1")
def test_the_owners_browser_asks_for_a_link_whatever_strangers_do_in_the_same_network():
    account = a_customer(LIN)
    own_browser, source = services.begin_session(account.id, "", None).device, a_source()
    db.session.commit()
    for _ in range(5):
        services.request_password_reset(LIN, source, "en")
    with pytest.raises(TooManyTries):
        services.request_password_reset(LIN, source, "en")
    link = services.request_password_reset(LIN, source, "en", device=own_browser)
    assert services.reset_password(token_in(link), OTHER)[0].id == account.id


@pytest.mark.asvs("6.3.1")
def test_the_owners_browser_signs_in_whatever_strangers_do_in_the_same_network():
    account = a_customer(LIN)
    begun, source = services.begin_session(account.id, "", None), a_source()
    db.session.commit()
    for _ in range(10):
        with pytest.raises(SignInRefused):
            services.authenticate(LIN, OTHER, source)
    with pytest.raises(TooManyTries):
        services.authenticate(LIN, PASSWORD, source)
    assert services.authenticate(LIN, PASSWORD, source, begun.device).id == account.id
    services.prove_password(account.id, PASSWORD)
    for _ in range(10):
        with pytest.raises(SignInRefused):
            services.authenticate(LIN, OTHER, source, begun.device)
    with pytest.raises(TooManyTries):
        services.authenticate(LIN, PASSWORD, source, begun.device)
    services.prove_password(account.id, PASSWORD)


@pytest.mark.asvs("7.4.3")
def test_a_new_password_makes_every_browser_but_the_present_one_a_strangers():
    """Whoever was in with the old password does not go on as somebody known."""
    account = a_customer(LIN)
    here, elsewhere = (services.begin_session(account.id, "", None) for _ in range(2))
    for change in (
        lambda: services.change_password(account.id, PASSWORD, OTHER, here.session.id, here.device),
        lambda: services.reset_password(
            token_in(services.request_password_reset(LIN, a_source(), "en")), PASSWORD, here.device
        ),
    ):
        change()
        db.session.commit()
        assert devices.is_known(account.id, here.device)
        assert not devices.is_known(account.id, elsewhere.device)
        again = services.begin_session(account.id, "", elsewhere.device)
        assert again.notice is not None, "and is told of"
        assert again.device != elsewhere.device
    services.reset_password(token_in(services.request_password_reset(LIN, a_source(), "en")), OTHER)
    assert not devices.any_known(account.id)
    assert services.begin_session(account.id, "", here.device).notice is not None


@pytest.mark.asvs("11.4.2")
def test_passwords_are_kept_as_argon2id_with_the_decided_cost():
    a_customer(LIN)
    kept = db.session.scalars(select(AccountRow.password_hash)).one()
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in kept


@pytest.mark.asvs("11.4.2", "11.2.2")
def test_an_older_hash_is_renewed_at_the_next_sign_in():
    weak = type(hashes._hasher)(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    account = a_customer(LIN)
    db.session.get(AccountRow, account.id).password_hash = weak
    db.session.flush()

    assert signs_in(PASSWORD)
    kept = db.session.scalars(select(AccountRow.password_hash)).one()
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert signs_in(PASSWORD)


def test_what_has_ended_is_forgotten(frozen_clock):
    old = token_in(register())
    db.session.commit()
    with clock.frozen(frozen_clock + timedelta(days=1, minutes=31)):
        find = CodePurpose.FIND_PURCHASE
        fresh = services.request_code(LIN, find, a_source(), "en")
        services.forget_expired()
        assert db.session.scalars(select(ChallengeRow.purpose)).all() == ["find_purchase"]
        assert len(db.session.scalars(select(LimitRow)).all()) == 4
        with pytest.raises(LinkRefused):
            services.confirm_address(old, PASSWORD, a_source())
        assert services.prove_code(LIN, find, fresh.challenge_id, code_in(fresh), a_source())
