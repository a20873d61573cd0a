"""Which passwords, addresses, names and numbers of tries are allowed."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts import rules
from marketplace.accounts.services import checks
from marketplace.accounts.values import Bucket, CodePurpose, Fault, NewInsurer, NewStaff, Role
from marketplace.kernel.errors import Invalid
from marketplace.kernel.text import LocalizedText

EMAIL, NAME = "lin.yue@example.com", "Lin Yue"
DAY = 24 * 60


def fault_of(password):
    return rules.password_fault(password, EMAIL, NAME)


@pytest.mark.asvs("6.2.5")
@pytest.mark.parametrize(
    "password",
    [
        "three calm herons",
        "correct horse battery staple",
        "  leading and trailing blanks  ",
        "ночь улица фонарь аптека",
        "春眠不觉晓处处闻啼鸟夜来风雨声",
        "x9!" * 4 + "kQ7",
        "a long one that a manager made " * 8,
    ],
)
def test_long_enough_is_good_enough_whatever_the_characters(password):
    assert fault_of(password) is None


@pytest.mark.asvs("6.2.1", "6.2.9")
def test_length_counts_characters_from_both_ends():
    assert fault_of("calm herons") is Fault.PASSWORD_SHORT
    assert fault_of("calm herons!") is None
    assert fault_of("calm herons!" + "o" * 244) is None
    assert fault_of("calm herons!" + "o" * 245) is Fault.PASSWORD_LONG


@pytest.mark.asvs("6.2.4")
def test_every_common_password_is_refused():
    for password in rules.common_passwords():
        assert fault_of(password) is not None


@pytest.mark.asvs("6.2.4")
def test_the_list_of_common_passwords_is_long_enough_to_matter():
    common = rules.common_passwords()
    assert len(common) >= 3000
    assert {"password", "123456", "qwerty123456", "1qaz2wsx3edc", "iloveyou"} <= common


@pytest.mark.asvs("6.1.2", "6.2.11")
@pytest.mark.parametrize(
    "password",
    [
        "Password2024!!",
        "qwertyqwerty",
        "Qwerty123456!",
        "iloveyou-iloveyou",
        "!!!monkey!!!!",
        "Evenfold2026!",
        "sunshine 2026",
    ],
)
def test_a_common_word_dressed_up_is_still_common(password):
    assert fault_of(password) is Fault.PASSWORD_COMMON


@pytest.mark.asvs("6.2.11")
@pytest.mark.parametrize("password", ["lin.yue@example.com", "Lin Yue 20261122", "linyue-linyue", "2026example2026"])
def test_name_and_address_make_no_password(password):
    assert fault_of(password) is Fault.PASSWORD_PERSONAL


@pytest.mark.parametrize("password", ["aaaaaaaaaaaaaaa", "121212121212", "abcdabcdabcd", "............"])
def test_a_few_characters_again_and_again_make_no_password(password):
    assert fault_of(password) is Fault.PASSWORD_REPEATS


@given(st.text(max_size=300))
def test_whatever_is_typed_the_rule_answers_and_lets_only_a_fitting_length_pass(password):
    assert fault_of(password) is not None or 12 <= len(password) <= 256


def test_an_address_has_one_spelling():
    assert rules.spelled("  Lin.Yue@Example.COM ") == "lin.yue@example.com"
    assert rules.spelled("lin@例子.example") == "lin@xn--fsqu00a.example"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("nobody @ nowhere, a@b, @example.com, lin@", ()),
        ("'Lin.Yue@Example.COM', and <li_na+shop@example.com>.", ("lin.yue@example.com", "li_na+shop@example.com")),
        ("邮箱lin@example.com的客户，或lin＠example.com。", ("lin@example.com", "lin@example.xn--com-ng0fp40a4w5a")),
        ("mailto:lin@例子.example", ("lin@xn--fsqu00a.example",)),
        ("lin@example.com lin@EXAMPLE.com", ("lin@example.com",)),
    ],
)
def test_the_addresses_in_a_text_are_found_in_their_one_spelling(text, found):
    assert rules.addresses_in(text) == found


@pytest.mark.parametrize(
    "email",
    [
        "",
        "lin",
        "lin@",
        "@example.com",
        "lin@example.com\r\nBcc: all@example.com",
        "lin yue@example.com",
        "林@example.com",
        "a" * 250 + "@example.com",
    ],
)
def test_what_is_no_address_is_told_so(email):
    assert rules.spelled(email) is None


def test_a_name_is_kept_as_given():
    assert rules.name_fault("  林 悦 ") is None
    assert rules.name_fault("Anne-Marie O’Neill") is None
    assert rules.name_fault("J.R.R. Tolkien Jr.") is None
    assert rules.name_fault("J.Smith") is None
    assert checks.person_name("  林 悦 ") == "林 悦"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 81,
        "win at https://bad.example",
        "www.bad.example",
        "<b>Lin</b>",
        "Lin\nYue",
        "a@b.example",
        "Prize at evil.com",
        "T.co",
        "EVIL.COM",
        "中奖.中国",
    ],
)
def test_a_name_cannot_pass_for_an_address(name):
    assert rules.name_fault(name) is (Fault.NAME_UNFIT if name.strip() else Fault.NAME_MISSING)


@pytest.mark.asvs("6.1.1", "2.1.3")
def test_limits_of_proofs_are_those_that_were_decided():
    decided = {
        Bucket.MAIL_OF_SOURCE: (20, 15),
        Bucket.MAIL_OF_PAIR: (5, 15),
        Bucket.MAIL_OF_PAIR_DAILY: (10, DAY),
        Bucket.MAIL_OF_BROWSER: (5, 15),
        Bucket.MAIL_OF_SESSION: (5, 15),
        Bucket.CODE_OF_ADDRESS: (100, DAY),
        Bucket.LINK_OF_ADDRESS: (10, 30),
        Bucket.TRY_OF_CODE: (5, 60),
        Bucket.TRY_OF_SOURCE: (30, 15),
        Bucket.SIGN_IN_OF_PAIR: (10, 5),
        Bucket.SIGN_IN_OF_SOURCE: (30, 5),
        Bucket.SIGN_IN_OF_ADDRESS: (50, 60),
        Bucket.FACTOR_OF_ACCOUNT: (10, 15),
        Bucket.FACTOR_OF_ACCOUNT_HOURLY: (20, 60),
        Bucket.FACTOR_OF_ACCOUNT_DAILY: (50, DAY),
        Bucket.FACTOR_TOLD: (1, DAY),
        Bucket.CHECK_OF_SOURCE: (30, 15),
    }
    for bucket, (tries, minutes) in decided.items():
        assert rules.LIMITS[bucket] == rules.Limit(tries, timedelta(minutes=minutes))


def test_the_last_allowed_try_is_allowed():
    assert not rules.exceeded(Bucket.TRY_OF_CODE, 5)
    assert rules.exceeded(Bucket.TRY_OF_CODE, 6)
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert rules.window_ends(Bucket.MAIL_OF_PAIR, noon) == noon + timedelta(minutes=15)


def test_while_no_more_links_are_mailed_one_that_was_still_works():
    """The last one that was mailed is younger than the window, which ends no later than that link."""
    window = rules.LIMITS[Bucket.LINK_OF_ADDRESS].window
    links = {CodePurpose.CONFIRM_ADDRESS, CodePurpose.RESET_PASSWORD}
    assert all(window <= rules.LIFETIMES[purpose] for purpose in links)


def test_all_codes_of_an_address_leave_five_hundred_guesses_in_a_million_a_day():
    codes, tries = rules.LIMITS[Bucket.CODE_OF_ADDRESS], rules.LIMITS[Bucket.TRY_OF_CODE].tries
    assert (codes.tries * tries, codes.window) == (500, timedelta(days=1))


def test_no_code_outlives_the_count_of_its_tries():
    long_links = {CodePurpose.CONFIRM_APPLICANT: 2 * 24 * 60}
    short = rules.LIFETIMES.keys() - long_links  # of a link of 256 bits no tries need counting
    assert all(rules.LIFETIMES[purpose] <= rules.LIMITS[Bucket.TRY_OF_CODE].window for purpose in short)
    assert {purpose: rules.minutes(purpose) for purpose in CodePurpose} == long_links | {
        CodePurpose.APPLICATION_EMAIL: 10,
        CodePurpose.FIND_PURCHASE: 10,
        CodePurpose.CONFIRM_ADDRESS: 30,
        CodePurpose.RESET_PASSWORD: 30,
        CodePurpose.CONFIRM_IDENTITY: 10,
        CodePurpose.CONSULTATION_EMAIL: 10,
    }


def test_a_subscriber_with_many_addresses_is_one_source():
    assert rules.counted_source("2001:db8:1:2:3:4:5:6") == rules.counted_source("2001:db8:1:2:ffff::1")
    assert rules.counted_source("2001:db8:1:2::1") != rules.counted_source("2001:db8:1:3::1")
    assert rules.counted_source("198.18.0.1") != rules.counted_source("198.18.0.2")
    assert rules.counted_source("unknown") == "unknown"


@pytest.mark.asvs("6.3.1")
def test_an_ipv4_address_written_as_an_ipv6_one_is_that_ipv4_address():
    """All of them lie in one /64, which would be everybody's one source."""
    assert rules.counted_source("::ffff:198.18.0.1") == rules.counted_source("198.18.0.1")
    assert rules.counted_source("::ffff:198.18.0.1") != rules.counted_source("::ffff:198.18.0.2")
    assert rules.counted_source("::FFFF:C612:1") == "198.18.0.1"


def test_an_insurer_can_be_shown():
    name = LocalizedText("A")
    assert rules.insurer_faults(NewInsurer("a1", name, name, "1", "1", "a@a.example", "#00aaff", "A")) == {}
    assert rules.insurer_faults(NewInsurer("A 1", name, name, "1", "1", "a@a.example", "teal", "ABC")) == {
        "code": Fault.INSURER_CODE,
        "colour": Fault.INSURER_COLOUR,
        "mark": Fault.INSURER_MARK,
    }


@pytest.mark.parametrize(
    ("role", "insurer_id", "field"),
    [
        (Role.CUSTOMER, None, "role"),
        (Role.INSURER_CATALOG, None, "insurer_id"),
        (Role.ADMIN_SALES, uuid4(), "insurer_id"),
        (Role.PRACTITIONER, uuid4(), "insurer_id"),
    ],
)
def test_staff_belongs_where_its_role_says(role, insurer_id, field):
    new = NewStaff("a@a.example", "A", role, "three calm herons", insurer_id)
    assert list(rules.staff_faults(new)) == [field]


def test_every_fault_is_said_in_words():
    said = [checks.words(fault) for fault in Fault]
    assert len(set(said)) == len(Fault)
    assert all(sentence.endswith(".") for sentence in said)
    with pytest.raises(Invalid) as refusal:
        checks.new_password("short", EMAIL, NAME)
    assert refusal.value.fields == {
        "password": "Please use at least 12 characters; three or four words do well.",
    }
