"""Prove an address by a code: once, soon, by its owner, without telling anybody who is known."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, text

from marketplace.accounts import queries, services
from marketplace.accounts.models import AccountRow, ChallengeRow
from marketplace.accounts.services import challenges
from marketplace.accounts.values import Bucket, CodePurpose, CodeRefused, Role, TooManyTries
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Invalid
from tests.factories.accounts import a_customer, a_guest, a_member_of_staff, a_source, an_insurer, code_in

pytestmark = pytest.mark.usefixtures("database")

ENTRY = CodePurpose.APPLICATION_EMAIL
FIND = CodePurpose.FIND_PURCHASE
LIN = "lin@example.com"


def wrong(code):
    return f"{(int(code) + 1) % 1_000_000:06}"


def accounts():
    return sorted(row.email for row in db.session.scalars(select(AccountRow)))


def test_the_first_proof_makes_a_customer_without_a_password():
    message = services.request_code(" Lin@Example.com", ENTRY, a_source(), "zh_Hans_CN")
    assert (message.kind, message.recipient, message.locale) == ("application_code", LIN, "zh_Hans_CN")
    assert set(message.context) == {"code", "minutes"}
    assert message.context["minutes"] == 10
    assert accounts() == [], "asking for a code makes no account"

    account = services.prove_code(LIN, ENTRY, code_in(message), a_source())

    assert (account.email, account.role, account.locale) == (LIN, Role.CUSTOMER, "zh_Hans_CN")
    assert account.confirmed
    assert not account.has_password
    assert queries.account(account.id) == account


def test_a_later_proof_finds_the_same_customer():
    first = a_guest(LIN)
    message = services.request_code(LIN, FIND, a_source(), "en")
    assert message.kind == "find_purchase_code"
    assert services.prove_code("LIN@example.com", FIND, code_in(message), a_source()) == first
    assert accounts() == [LIN]


def test_a_code_works_once():
    message = services.request_code(LIN, ENTRY, a_source(), "en")
    services.prove_code(LIN, ENTRY, code_in(message), a_source())
    with pytest.raises(CodeRefused):
        services.prove_code(LIN, ENTRY, code_in(message), a_source())


def test_a_code_that_failed_with_its_request_still_works():
    """The business that the code was for was rolled back, so the code was not used."""
    message = services.request_code(LIN, ENTRY, a_source(), "en")
    db.session.commit()
    services.prove_code(LIN, ENTRY, code_in(message), a_source())
    db.session.rollback()
    assert accounts() == []

    services.prove_code(LIN, ENTRY, code_in(message), a_source())
    assert accounts() == [LIN]


def test_a_code_ends_after_ten_minutes(frozen_clock):
    message = services.request_code(LIN, ENTRY, a_source(), "en")
    with clock.frozen(frozen_clock + timedelta(minutes=10)), pytest.raises(CodeRefused):
        services.prove_code(LIN, ENTRY, code_in(message), a_source())
    with clock.frozen(frozen_clock + timedelta(minutes=10, seconds=-1)):
        assert services.prove_code(LIN, ENTRY, code_in(message), a_source()).email == LIN


def test_only_the_newest_code_works(frozen_clock):
    first = services.request_code(LIN, ENTRY, a_source(), "en")
    with clock.frozen(frozen_clock + timedelta(seconds=30)):
        second = services.request_code(LIN, ENTRY, a_source(), "en")
        if code_in(first) != code_in(second):
            with pytest.raises(CodeRefused):
                services.prove_code(LIN, ENTRY, code_in(first), a_source())
        assert services.prove_code(LIN, ENTRY, code_in(second), a_source()).email == LIN


@pytest.mark.asvs("9.2.2")
def test_a_code_is_for_one_purpose_and_one_address():
    message = services.request_code(LIN, ENTRY, a_source(), "en")
    services.request_code("other@example.com", ENTRY, a_source(), "en")
    for email, purpose in ((LIN, FIND), ("unknown@example.com", ENTRY)):
        with pytest.raises(CodeRefused):
            services.prove_code(email, purpose, code_in(message), a_source())
    assert accounts() == []


def test_after_five_wrong_tries_even_the_right_code_is_refused():
    code = code_in(services.request_code(LIN, ENTRY, a_source(), "en"))
    db.session.commit()
    for _ in range(5):
        with pytest.raises(CodeRefused):
            services.prove_code(LIN, ENTRY, wrong(code), a_source())
        db.session.rollback()  # as the web does with a refused request: the count must survive it

    with pytest.raises(CodeRefused):
        services.prove_code(LIN, ENTRY, code, a_source())
    assert accounts() == []


def test_the_fifth_try_may_still_be_right():
    code = code_in(services.request_code(LIN, ENTRY, a_source(), "en"))
    for _ in range(4):
        with pytest.raises(CodeRefused):
            services.prove_code(LIN, ENTRY, wrong(code), a_source())
    assert services.prove_code(LIN, ENTRY, code, a_source()).email == LIN


def test_five_codes_in_fifteen_minutes_for_one_address(frozen_clock):
    for _ in range(5):
        services.request_code(LIN, ENTRY, a_source(), "en")
    db.session.commit()
    with pytest.raises(TooManyTries) as refusal:
        services.request_code(LIN, FIND, a_source(), "en")

    assert refusal.value.retry_at == frozen_clock + timedelta(minutes=15)
    assert db.session.scalar(select(db.func.count()).select_from(ChallengeRow)) == 5, "no sixth code was made"
    services.request_code("other@example.com", ENTRY, a_source(), "en")
    with clock.frozen(frozen_clock + timedelta(minutes=15)):
        services.request_code(LIN, ENTRY, a_source(), "en")


def test_twenty_codes_in_fifteen_minutes_for_one_source():
    source = a_source()
    for number in range(20):
        services.request_code(f"lin{number}@example.com", ENTRY, source, "en")
    with pytest.raises(TooManyTries):
        services.request_code("victim@example.com", ENTRY, source, "en")
    for _ in range(5):
        services.request_code("victim@example.com", ENTRY, a_source(), "en")


def test_thirty_wrong_codes_from_one_source_whatever_the_addresses():
    source = a_source()
    for number in range(30):
        with pytest.raises(CodeRefused):
            services.prove_code(f"nobody{number}@example.com", ENTRY, "123456", source)
    message = services.request_code(LIN, ENTRY, a_source(), "en")
    with pytest.raises(TooManyTries):
        services.prove_code(LIN, ENTRY, code_in(message), source)
    assert services.prove_code(LIN, ENTRY, code_in(message), a_source()).email == LIN


def test_right_codes_use_up_nothing():
    source = a_source()
    for number in range(31):
        email = f"lin{number}@example.com"
        message = services.request_code(email, ENTRY, a_source(), "en")
        services.prove_code(email, ENTRY, code_in(message), source)


def test_whatever_a_page_lets_anybody_try_is_limited_for_each_source():
    source = "2001:db8:1:2::1"
    for _ in range(30):
        services.count_try(Bucket.CHECK_OF_SOURCE, source)
    with pytest.raises(TooManyTries):
        services.count_try(Bucket.CHECK_OF_SOURCE, "2001:db8:1:2:ffff::2")
    services.count_try(Bucket.CHECK_OF_SOURCE, a_source())


def test_a_customers_code_never_opens_an_account_of_staff():
    staff = a_member_of_staff(Role.INSURER_CATALOG, an_insurer(), email="desk@harbour.example")
    message = services.request_code(staff.email, ENTRY, a_source(), "en")
    assert (message.kind, message.recipient, message.context) == ("address_in_use", staff.email, {})
    assert db.session.scalars(select(ChallengeRow)).all() == []


def test_a_code_made_before_the_address_became_staffs_opens_nothing():
    message = services.request_code("desk@evenfold.example", ENTRY, a_source(), "en")
    staff = a_member_of_staff(email="desk@evenfold.example")
    with pytest.raises(CodeRefused):
        services.prove_code(staff.email, ENTRY, code_in(message), a_source())
    assert queries.account(staff.id).role is Role.ADMIN_SALES


def test_known_and_unknown_addresses_are_answered_alike():
    a_customer(LIN)
    known = services.request_code(LIN, FIND, a_source(), "en")
    unknown = services.request_code("nobody@example.com", FIND, a_source(), "en")
    assert (known.kind, known.context.keys()) == (unknown.kind, unknown.context.keys())
    refusals = []
    for email in (LIN, "nobody@example.com", "never-asked@example.com"):
        with pytest.raises(CodeRefused) as refusal:
            services.prove_code(email, FIND, "", a_source())
        refusals.append(str(refusal.value))
    assert len(set(refusals)) == 1


def test_no_mail_address_no_code():
    with pytest.raises(Invalid):
        services.request_code("lin@", ENTRY, a_source(), "en")
    assert db.session.scalars(select(ChallengeRow)).all() == []


def test_neither_codes_nor_addresses_of_limits_can_be_read_from_the_database():
    source = a_source()
    code = code_in(services.request_code(LIN, ENTRY, source, "en"))
    challenge = db.session.scalars(select(ChallengeRow)).one()
    assert challenge.payload == {"locale": "en"}
    assert len(challenge.secret_hash) == 64
    assert challenge.secret_hash not in {sha256_hex(code.encode()), sha256_hex(f"{challenge.id}{code}".encode())}
    limits = "".join(db.session.execute(text("SELECT accounts_limit::text FROM accounts_limit")).scalars())
    assert limits.count("code_of") == 2
    assert LIN not in limits
    assert source not in limits


def outcomes_of_two_at_once(app):
    """Two requests prove one code at the same instant: what became of each."""
    code = code_in(services.request_code(LIN, ENTRY, a_source(), "en"))
    db.session.commit()
    both_ready, outcomes = Barrier(2), []

    def prove(source):
        with use_scope(Scope.all()), app.app_context():
            both_ready.wait()
            try:
                services.prove_code(LIN, ENTRY, code, source)
                db.session.commit()
                outcomes.append("proven")
            except CodeRefused:
                db.session.rollback()
                outcomes.append("refused")
            finally:
                db.session.remove()

    threads = [Thread(target=prove, args=(a_source(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


@pytest.mark.asvs("2.3.4", "15.4.2")
def test_one_code_used_twice_at_the_same_instant_succeeds_once(app):
    assert outcomes_of_two_at_once(app) == ["proven", "refused"]
    assert accounts() == [LIN]


@pytest.mark.asvs("2.3.4", "15.4.2")
def test_were_looking_and_using_two_steps_both_would_succeed(app, monkeypatch):
    """The control: the same two requests, when the code is looked at first and used up after."""
    both_looked = Barrier(2)

    def look_then_use(challenge_id):
        row = db.session.get(ChallengeRow, challenge_id)
        unused = row.used_at is None
        both_looked.wait()
        row.used_at = clock.now()
        return unused

    monkeypatch.setattr(challenges, "_used_up", look_then_use)
    assert outcomes_of_two_at_once(app) == ["proven", "proven"]


def test_two_different_codes_proving_one_new_address_make_one_account(app):
    codes = {purpose: code_in(services.request_code(LIN, purpose, a_source(), "en")) for purpose in (ENTRY, FIND)}
    db.session.commit()
    both_ready, found = Barrier(2), []

    def prove(purpose, source):
        with use_scope(Scope.all()), app.app_context():
            both_ready.wait()
            found.append(services.prove_code(LIN, purpose, codes[purpose], source).id)
            db.session.commit()
            db.session.remove()

    threads = [Thread(target=prove, args=(purpose, a_source())) for purpose in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len(set(found)) == 1
    assert accounts() == [LIN]
