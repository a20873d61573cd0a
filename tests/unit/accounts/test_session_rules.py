"""How long a session lasts, when a proof is fresh, which codes and names are taken."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from marketplace.accounts import rules
from marketplace.accounts.values import FactorKind, Role, Session

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOBODY = UUID(int=0)


def a_session(role: Role, *, whole: bool = True) -> Session:
    ends = NOON + rules.session_limits(role, whole=whole).absolute
    return Session(NOBODY, NOBODY, whole, NOON, NOON, NOON, ends, "")


@pytest.mark.asvs("7.1.1", "7.3.1")
@pytest.mark.parametrize(
    ("role", "whole", "idle"),
    [(Role.CUSTOMER, True, 30 * MINUTE), (Role.ADMIN_SALES, True, 15 * MINUTE), (Role.ADMIN_SALES, False, 10 * MINUTE)],
)
def test_a_session_ends_when_it_is_not_used(role: Role, whole: bool, idle: timedelta) -> None:  # noqa: FBT001  a table
    session = a_session(role, whole=whole)
    assert rules.session_lives(session, role, NOON + idle - MINUTE)
    assert not rules.session_lives(session, role, NOON + idle)


@pytest.mark.asvs("7.1.1", "7.3.2")
@pytest.mark.parametrize(("role", "most"), [(Role.CUSTOMER, 12 * HOUR), (Role.INSURER_ADMIN, 8 * HOUR)])
def test_a_session_in_use_ends_all_the_same(role: Role, most: timedelta) -> None:
    session = replace(a_session(role), last_seen_at=NOON + most - MINUTE)
    assert rules.session_lives(session, role, NOON + most - MINUTE)
    assert not rules.session_lives(session, role, NOON + most)


def test_every_role_of_staff_needs_a_second_factor_and_no_customer_does() -> None:
    needing = {role for role in Role if not rules.is_whole(role, None)}
    assert needing == set(Role) - {Role.CUSTOMER}
    assert all(rules.is_whole(role, NOON) for role in Role)


@pytest.mark.asvs("7.5.1")
def test_a_proof_is_fresh_for_ten_minutes_and_never_in_a_half_open_session() -> None:
    session = a_session(Role.CUSTOMER)
    assert rules.is_fresh(session, NOON + 10 * MINUTE)
    assert not rules.is_fresh(session, NOON + 10 * MINUTE + timedelta(seconds=1))
    assert not rules.is_fresh(replace(session, whole=False), NOON)


@pytest.mark.asvs("6.5.5")
def test_codes_of_the_present_thirty_seconds_and_of_its_neighbours_are_taken() -> None:
    assert list(rules.steps_allowed(datetime.fromtimestamp(3000, UTC))) == [99, 100, 101]
    assert list(rules.steps_allowed(datetime.fromtimestamp(3029.9, UTC))) == [99, 100, 101]
    assert list(rules.steps_allowed(datetime.fromtimestamp(3030, UTC))) == [100, 101, 102]


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0", "Firefox, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
         "Chrome, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
         "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
         "Safari, iPhone"),
        ("curl/8.5.0", ""),
        ("<script>" * 100, ""),
    ],
)  # fmt: skip
def test_a_browser_is_told_in_words_we_know(user_agent: str, words: str) -> None:
    assert rules.device_words(user_agent) == words


def test_a_second_step_has_the_name_it_was_given_or_its_kind() -> None:
    assert rules.factor_name(" work \n laptop\x00 ", FactorKind.PASSKEY) == "work laptop"
    assert rules.factor_name("x" * 500, FactorKind.PASSKEY) == "x" * 60
    assert rules.factor_name(" ", FactorKind.PASSKEY) == "passkey"


@pytest.mark.asvs("6.5.4")
def test_recovery_codes_are_long_and_may_be_typed_as_people_do() -> None:
    assert 24**rules.RECOVERY_CODE_LENGTH > 2**40
    assert rules.recovery_shown("ACDEFGHJKM") == "ACDEF-GHJKM"
    assert rules.recovery_spelled(" acdef-ghjkm ") == "ACDEFGHJKM"
    assert rules.recovery_spelled("ACDEF GHJKM") == "ACDEFGHJKM"
