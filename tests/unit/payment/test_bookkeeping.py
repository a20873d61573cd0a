"""Every event is posted in balance, whatever it is about; premiums go to insurers whole (O13-24)."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.values import CommissionTerm
from marketplace.kernel.money import Money
from marketplace.payment.rules import bookkeeping
from marketplace.payment.rules.bookkeeping import Line, is_balanced
from marketplace.payment.values import LedgerAccount, LedgerEvent, Share

HARBOUR = UUID(int=1)
amounts = st.integers(1, 10**12).map(lambda minor: Money(minor, "CNY"))


@given(st.sampled_from(sorted(bookkeeping.MOVES)), amounts)
def test_what_moves_money_balances(event: LedgerEvent, amount: Money) -> None:
    assert is_balanced(bookkeeping.move(event, amount))
    assert is_balanced(bookkeeping.move(event, -amount)), "and what is taken back"


def test_every_event_says_what_it_posts() -> None:
    to_an_insurer = {LedgerEvent.TRANSFER_SENT, LedgerEvent.TRANSFER_REVERSED}
    assert bookkeeping.MOVES.keys() | {LedgerEvent.PREMIUM, LedgerEvent.DISPUTE_LOST} | to_an_insurer == set(
        LedgerEvent
    )


@given(amounts)
def test_what_leaves_for_an_insurer_is_owed_no_more(amount: Money) -> None:
    lines = bookkeeping.passed_on(HARBOUR, amount)
    assert is_balanced(lines)
    assert lines == (
        Line(LedgerAccount.INSURER_PAYABLE, amount, HARBOUR),
        Line(LedgerAccount.PROVIDER_BALANCE, -amount),
    )
    assert is_balanced(bookkeeping.passed_on(HARBOUR, -amount)), "and what comes back from it"


@pytest.mark.requirement("O13-24")
@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10_000)), min_size=1, max_size=5))
def test_a_premium_is_owed_whole_and_what_is_kept_of_it_stands_beside_it(orders: list[tuple[int, int]]) -> None:
    shares = [
        Share(UUID(int=number), premium := Money(minor, "CNY"), a_term(points).of(premium))
        for number, (minor, points) in enumerate(orders)
    ]
    lines = bookkeeping.premiums(shares)
    assert is_balanced(lines) or not any(share.premium for share in shares)
    for share in shares:
        owed = [line.amount.minor for line in lines if line.insurer_id == share.insurer_id]
        assert -sum(owed) == share.premium.minor
        owed_first = [line for line in lines if line.insurer_id == share.insurer_id and line.amount.minor < 0]
        assert not share.premium or owed_first[0] == Line(
            LedgerAccount.INSURER_PAYABLE, -share.premium, share.insurer_id
        )
    assert sum(line.amount.minor for line in lines if line.account is LedgerAccount.COMMISSION) == -sum(
        share.commission.minor for share in shares
    )


shares_of = st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 10_000)), min_size=1, max_size=4)


@given(shares_of, st.lists(st.integers(1, 100), min_size=1, max_size=4))
def test_what_goes_back_of_contracts_comes_out_of_both_in_proportion_and_all_of_it_out_of_all(
    premiums: list[tuple[int, int]], cuts: list[int]
) -> None:
    """In as many parts as it may be: the last takes exactly what is left."""
    left = [
        Share(UUID(int=number), premium := Money(minor, "CNY"), a_term(points).of(premium))
        for number, (minor, points) in enumerate(premiums)
    ]
    whole = sum(share.premium.minor for share in left)
    parts = [whole * cut // (sum(cuts) * 2) for cut in cuts]
    for part in [*filter(None, parts), whole - sum(parts)]:
        lines = bookkeeping.returned(Money(part, "CNY"), left, LedgerAccount.REFUNDS_PAYABLE)
        assert is_balanced(lines)
        assert all(line.amount.minor > 0 for line in lines[:-1]), "nobody is given anything"
        left = [share for each in left if (share := less(each, lines)).premium]
    assert left == []


def less(share: Share, lines: tuple[Line, ...]) -> Share:
    taken = {line.account: line.amount for line in lines if line.insurer_id == share.insurer_id}
    nothing = Money.zero("CNY")
    ours = taken.get(LedgerAccount.COMMISSION, nothing)
    theirs = taken.get(LedgerAccount.INSURER_PAYABLE, nothing)
    return Share(share.insurer_id, share.premium - ours - theirs, share.commission - ours)


def test_more_than_is_left_is_not_to_be_had() -> None:
    share = Share(HARBOUR, Money(1_000, "CNY"), Money(150, "CNY"))
    for minor in (1_001, 0, -1):
        with pytest.raises(ValueError, match="not to be had"):
            bookkeeping.returned(Money(minor, "CNY"), [share], LedgerAccount.REFUNDS_PAYABLE)


@given(shares_of, st.integers(1, 10**10))
def test_what_a_bank_takes_beyond_what_the_contracts_have_is_our_loss(
    premiums: list[tuple[int, int]], minor: int
) -> None:
    left = [
        Share(UUID(int=number), premium := Money(each, "CNY"), a_term(points).of(premium))
        for number, (each, points) in enumerate(premiums)
    ]
    whole, taken = Money(sum(each for each, _ in premiums), "CNY"), Money(minor, "CNY")
    lines = bookkeeping.lost(taken, Money.zero("CNY"), Money.zero("CNY"), left)
    assert is_balanced(lines)
    ours = sum(line.amount.minor for line in lines if line.account is LedgerAccount.DISPUTE_LOSSES)
    assert ours == max(0, (taken - whole).minor)
    assert bookkeeping.to_be_had(taken, left).minor == minor - ours


@given(amounts)
def test_goodwill_takes_nothing_from_an_insurer(amount: Money) -> None:
    lines = bookkeeping.goodwill(amount)
    assert is_balanced(lines)
    assert {line.insurer_id for line in lines} == {None}


@pytest.mark.parametrize(
    ("minor", "points", "kept"), [(10_000, 1500, 1500), (5, 1000, 0), (15, 1000, 2), (25, 1000, 2), (1, 10_000, 1)]
)
def test_a_commission_is_to_the_nearest_cent(minor: int, points: int, kept: int) -> None:
    assert a_term(points).of(Money(minor, "CNY")) == Money(kept, "CNY")


@pytest.mark.parametrize(
    "lines",
    [
        (Line(LedgerAccount.BANK, Money(1, "CNY")),),
        (Line(LedgerAccount.BANK, Money(1, "CNY")), Line(LedgerAccount.PROVIDER_BALANCE, Money(-2, "CNY"))),
        (Line(LedgerAccount.BANK, Money(1, "CNY")), Line(LedgerAccount.PROVIDER_BALANCE, Money(-1, "EUR"))),
        (Line(LedgerAccount.BANK, Money(0, "CNY")), Line(LedgerAccount.PROVIDER_BALANCE, Money(0, "CNY"))),
        (),
    ],
)
def test_what_does_not_balance_is_known(lines: tuple[Line, ...]) -> None:
    assert not is_balanced(lines)


def a_term(points: int) -> CommissionTerm:
    day = date(2026, 11, 1)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return CommissionTerm(UUID(int=9), HARBOUR, "travel", points, day, at, UUID(int=8), at, UUID(int=7))
