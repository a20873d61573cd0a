"""Prove an address by a code: once, soon, by its owner at the browser that asked, without telling who is known."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select, text

from marketplace.accounts import queries, services
from marketplace.accounts.models import AccountRow, ChallengeRow
from marketplace.accounts.services import challenges
from marketplace.accounts.values import (
    Bucket,
    CodePurpose,
    CodeRefused,
    CodeRequest,
    CodesUsedUp,
    LinksOnTheirWay,
    Role,
    TooManyTries,
)
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


def ask(email=LIN, purpose=ENTRY, source=None, device=None, locale="en"):
    """What a browser gets that asks for a code."""
    return services.request_code(email, purpose, source or a_source(), locale, device=device)


def prove(asked, email=LIN, purpose=ENTRY, code=None, *, source=None, device=None):
    """The code of this request typed at the browser that asked."""
    typed = code_in(asked) if code is None else code
    return services.prove_code(email, purpose, asked.challenge_id, typed, source or a_source(), device=device)


def a_known_browser(account):
    device = services.begin_session(account.id, "", None).device
    db.session.commit()
    return device


def accounts():
    return sorted(row.email for row in db.session.scalars(select(AccountRow)))


def test_the_first_proof_makes_a_customer_without_a_password():
    asked = ask(" Lin@Example.com", locale="zh_Hans_CN")
    assert (asked.mail.kind, asked.mail.recipient, asked.mail.locale) == ("application_code", LIN, "zh_Hans_CN")
    assert set(asked.mail.context) == {"code", "minutes"}
    assert asked.mail.context["minutes"] == 10
    assert accounts() == [], "asking for a code makes no account"

    account = prove(asked)

    assert (account.email, account.role, account.locale) == (LIN, Role.CUSTOMER, "zh_Hans_CN")
    assert account.confirmed
    assert not account.has_password
    assert queries.account(account.id) == account


def test_a_later_proof_finds_the_same_customer():
    first = a_guest(LIN)
    asked = ask(purpose=FIND)
    assert asked.mail.kind == "find_purchase_code"
    assert prove(asked, "LIN@example.com", FIND) == first
    assert accounts() == [LIN]


def test_a_code_works_once():
    asked = ask()
    prove(asked)
    with pytest.raises(CodeRefused):
        prove(asked)


def test_a_code_that_failed_with_its_request_still_works():
    """The business that the code was for was rolled back, so the code was not used."""
    asked = ask()
    db.session.commit()
    prove(asked)
    db.session.rollback()
    assert accounts() == []

    prove(asked)
    assert accounts() == [LIN]


def test_a_code_ends_after_ten_minutes(frozen_clock):
    asked = ask()
    with clock.frozen(frozen_clock + timedelta(minutes=10)), pytest.raises(CodeRefused):
        prove(asked)
    with clock.frozen(frozen_clock + timedelta(minutes=10, seconds=-1)):
        assert prove(asked).email == LIN


@pytest.mark.asvs("6.6.2")
def test_a_code_works_for_the_browser_that_asked_and_for_no_other():
    mine, theirs = ask(), ask()
    if code_in(mine) != code_in(theirs):
        for asked, code in ((mine, code_in(theirs)), (theirs, code_in(mine))):
            with pytest.raises(CodeRefused, match="or was asked for by another browser"):
                prove(asked, code=code)
    with pytest.raises(CodeRefused, match="This code was asked for by another browser"):
        services.prove_code(LIN, ENTRY, None, code_in(mine), a_source())
    assert accounts() == []
    assert prove(theirs).email == LIN


def test_several_codes_of_an_address_are_open_at_once(frozen_clock):
    first = ask()
    with clock.frozen(frozen_clock + timedelta(seconds=30)):
        second = ask()
    assert prove(first) == prove(second), "a later one ends no earlier one"


@pytest.mark.asvs("9.2.2")
def test_a_code_is_for_one_purpose_and_one_address():
    asked = ask()
    ask("other@example.com")
    for email, purpose in ((LIN, FIND), ("other@example.com", ENTRY), ("unknown@example.com", ENTRY)):
        with pytest.raises(CodeRefused):
            prove(asked, email, purpose)
    assert accounts() == []


def test_after_five_wrong_tries_even_the_right_code_is_refused():
    asked = ask()
    db.session.commit()
    for _ in range(5):
        with pytest.raises(CodeRefused):
            prove(asked, code=wrong(code_in(asked)))
        db.session.rollback()  # as the web does with a refused request: the count must survive it

    with pytest.raises(CodeRefused):
        prove(asked)
    assert accounts() == []


def test_the_fifth_try_may_still_be_right():
    asked = ask()
    for _ in range(4):
        with pytest.raises(CodeRefused):
            prove(asked, code=wrong(code_in(asked)))
    assert prove(asked).email == LIN


# --- nobody locks an owner out ----------------------------------------------------------------------------------


@pytest.mark.asvs("6.3.1")
def test_what_strangers_ask_and_guess_touches_no_code_of_mine():
    mine = ask(purpose=FIND)
    for _ in range(15):
        theirs = ask(purpose=FIND)
        for _ in range(5):
            with pytest.raises(CodeRefused):
                prove(theirs, LIN, FIND, wrong(code_in(theirs)))
    assert prove(mine, LIN, FIND).email == LIN
    later = ask(purpose=FIND)
    assert prove(later, LIN, FIND).email == LIN, "and I may ask again"


@pytest.mark.asvs("6.3.1")
def test_one_place_asks_five_codes_in_fifteen_minutes_and_ten_a_day_for_one_address(frozen_clock):
    source = a_source()
    for _ in range(5):
        ask(source=source)
    db.session.commit()
    with pytest.raises(TooManyTries) as refusal:
        ask(purpose=FIND, source=source)
    assert refusal.value.retry_at == frozen_clock + timedelta(minutes=15)
    assert db.session.scalar(select(db.func.count()).select_from(ChallengeRow)) == 5, "no sixth code was made"
    ask("other@example.com", source=source)
    assert prove(ask()).email == LIN, "the owner, elsewhere, is not locked out"
    with clock.frozen(frozen_clock + timedelta(minutes=15)):
        for _ in range(5):
            ask(source=source)
    with clock.frozen(frozen_clock + timedelta(minutes=45)), pytest.raises(TooManyTries) as refusal:
        ask(source=source)
    assert refusal.value.retry_at == frozen_clock + timedelta(days=1)
    with clock.frozen(frozen_clock + timedelta(days=1)):
        ask(source=source)


@pytest.mark.asvs("6.3.1")
def test_at_a_known_browser_nothing_of_strangers_counts():
    """Not even of those in the same network."""
    guest = a_guest(LIN)
    device, source = a_known_browser(guest), a_source()
    for number in range(20):
        ask(f"somebody{number}@example.com", source=source)
    for number in range(30):
        with pytest.raises(CodeRefused):
            prove(ask(f"other{number}@example.com"), f"other{number}@example.com", code="x", source=source)
    with pytest.raises(TooManyTries):
        ask(purpose=FIND, source=source)
    asked = ask(purpose=FIND, source=source, device=device)
    with pytest.raises(TooManyTries):
        prove(asked, LIN, FIND, source=source)
    assert prove(asked, LIN, FIND, source=source, device=device) == guest
    for _ in range(4):
        ask(purpose=FIND, source=source, device=device)
    with pytest.raises(TooManyTries):
        ask(purpose=FIND, source=source, device=device)


def test_a_browser_is_known_to_its_own_account_only():
    device, source = a_known_browser(a_customer("other@example.com")), a_source()
    for _ in range(5):
        ask(source=source, device=device)
    with pytest.raises(TooManyTries):
        ask(source=source, device=device)


@pytest.mark.asvs("6.3.1")
def test_a_flood_from_everywhere_ends_at_a_hundred_codes_and_a_link_still_helps(frozen_clock):
    guest = a_guest(LIN)
    device = a_known_browser(guest)
    mine = ask(purpose=FIND)
    for _ in range(98):  # with the guest's own and mine
        ask(purpose=FIND)
    made = db.session.scalar(select(db.func.count()).select_from(ChallengeRow))
    with pytest.raises(CodesUsedUp) as refusal:
        ask(purpose=FIND)
    assert refusal.value.retry_at == frozen_clock + timedelta(days=1)
    assert db.session.scalar(select(db.func.count()).select_from(ChallengeRow)) == made, "none was made"
    assert prove(mine, LIN, FIND) == guest, "the codes that were mailed still work"
    assert prove(ask(purpose=FIND, device=device), LIN, FIND, device=device) == guest
    link = services.request_password_reset(LIN, a_source(), "en")
    assert services.reset_password(str(link.context["token"]), "four patient storks")[0].id == guest.id


@pytest.mark.asvs("6.3.1")
def test_a_flood_of_links_ends_at_ten_and_the_newest_of_them_still_works(frozen_clock):
    guest = a_guest(LIN)
    services.request_password_reset(LIN, a_source(), "en")
    with clock.frozen(frozen_clock + timedelta(minutes=5)):
        links = [services.request_password_reset(LIN, a_source(), "en") for _ in range(9)]
    with clock.frozen(frozen_clock + timedelta(minutes=30, seconds=-1)):
        with pytest.raises(LinksOnTheirWay):
            services.request_password_reset(LIN, a_source(), "en")
        with pytest.raises(LinksOnTheirWay):
            services.request_password_reset(LIN, a_source(), "en", device="a browser of somebody else")
        changed, _notice = services.reset_password(str(links[-1].context["token"]), "four patient storks")
    assert changed.id == guest.id


@pytest.mark.asvs("6.3.1")
def test_registrations_use_up_no_link_for_a_new_password():
    a_customer(LIN)
    for _ in range(9):  # with the customer's own
        services.register_customer(LIN, "four patient storks", "Lin", a_source(), "en")
    with pytest.raises(LinksOnTheirWay):
        services.register_customer(LIN, "four patient storks", "Lin", a_source(), "en")
    assert services.request_password_reset(LIN, a_source(), "en").kind == "password_reset"


def test_twenty_codes_in_fifteen_minutes_for_one_source():
    source = a_source()
    for number in range(20):
        ask(f"lin{number}@example.com", source=source)
    with pytest.raises(TooManyTries):
        ask("victim@example.com", source=source)
    for _ in range(5):
        ask("victim@example.com")


def test_an_ipv4_address_written_as_an_ipv6_one_counts_as_itself():
    for number in range(40):
        ask(f"lin{number}@example.com", source=f"::ffff:198.18.77.{number}")


def test_thirty_wrong_codes_from_one_source_whatever_the_addresses():
    source = a_source()
    for number in range(30):
        email = f"nobody{number}@example.com"
        with pytest.raises(CodeRefused):
            prove(ask(email), email, code="x", source=source)
    asked = ask()
    with pytest.raises(TooManyTries):
        prove(asked, source=source)
    assert prove(asked).email == LIN


def test_right_codes_use_up_nothing():
    source = a_source()
    for number in range(31):
        email = f"lin{number}@example.com"
        prove(ask(email), email, source=source)


def test_whatever_a_page_lets_anybody_try_is_limited_for_each_source():
    source = "2001:db8:1:2::1"
    for _ in range(30):
        services.count_try(Bucket.CHECK_OF_SOURCE, source)
    with pytest.raises(TooManyTries):
        services.count_try(Bucket.CHECK_OF_SOURCE, "2001:db8:1:2:ffff::2")
    services.count_try(Bucket.CHECK_OF_SOURCE, a_source())


def test_a_customers_code_never_opens_an_account_of_staff():
    staff = a_member_of_staff(Role.INSURER_CATALOG, an_insurer(), email="desk@harbour.example")
    asked = ask(staff.email)
    assert (asked.mail.kind, asked.mail.recipient, asked.mail.context) == ("address_in_use", staff.email, {})


def test_even_guessing_it_a_code_opens_no_account_of_staff(monkeypatch):
    monkeypatch.setattr("secrets.randbelow", lambda _end: 123456)
    staff = a_member_of_staff()
    asked = ask(staff.email)
    with pytest.raises(CodeRefused):
        prove(asked, staff.email, code="123456")
    assert queries.account(staff.id).role.is_staff


def test_a_code_made_before_the_address_became_staffs_opens_nothing():
    asked = ask("desk@evenfold.example")
    staff = a_member_of_staff(email="desk@evenfold.example")
    with pytest.raises(CodeRefused):
        prove(asked, staff.email)
    assert queries.account(staff.id).role is Role.ADMIN_SALES


@pytest.mark.asvs("6.3.8")
def test_known_and_unknown_addresses_are_answered_alike():
    a_customer(LIN)
    staff = a_member_of_staff()
    asked = {email: ask(email, FIND) for email in (LIN, staff.email, "nobody@example.com")}
    assert {type(each) for each in asked.values()} == {CodeRequest}
    known, unknown = asked[LIN].mail, asked["nobody@example.com"].mail
    assert (known.kind, known.context.keys()) == (unknown.kind, unknown.context.keys())
    refusals = []
    for email, each in asked.items():
        with pytest.raises(CodeRefused) as refusal:
            prove(each, email, FIND, "")
        refusals.append(str(refusal.value))
    assert len(set(refusals)) == 1


def test_no_mail_address_no_code():
    with pytest.raises(Invalid):
        ask("lin@")
    assert db.session.scalars(select(ChallengeRow)).all() == []


def test_neither_codes_nor_addresses_of_limits_can_be_read_from_the_database():
    source = a_source()
    code = code_in(ask(source=source))
    challenge = db.session.scalars(select(ChallengeRow)).one()
    assert challenge.payload == {"locale": "en"}
    assert len(challenge.secret_hash) == 64
    assert challenge.secret_hash not in {sha256_hex(code.encode()), sha256_hex(f"{challenge.id}{code}".encode())}
    limits = "".join(db.session.execute(text("SELECT accounts_limit::text FROM accounts_limit")).scalars())
    assert limits.count("mail_of") == 3
    assert limits.count("code_of") == 1
    assert LIN not in limits
    assert source not in limits


def outcomes_of_two_at_once(app):
    """Two requests prove one code at the same instant: what became of each."""
    asked = ask()
    db.session.commit()
    both_ready, outcomes = Barrier(2), []

    def race(source):
        with use_scope(Scope.all()), app.app_context():
            both_ready.wait()
            try:
                prove(asked, source=source)
                db.session.commit()
                outcomes.append("proven")
            except CodeRefused:
                db.session.rollback()
                outcomes.append("refused")
            finally:
                db.session.remove()

    threads = [Thread(target=race, args=(a_source(),)) for _ in range(2)]
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
    codes = {purpose: ask(purpose=purpose) for purpose in (ENTRY, FIND)}
    db.session.commit()
    both_ready, found = Barrier(2), []

    def race(purpose, source):
        with use_scope(Scope.all()), app.app_context():
            both_ready.wait()
            found.append(prove(codes[purpose], LIN, purpose, source=source).id)
            db.session.commit()
            db.session.remove()

    threads = [Thread(target=race, args=(purpose, a_source())) for purpose in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len(set(found)) == 1
    assert accounts() == [LIN]
