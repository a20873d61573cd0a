"""Pure decisions of consultation: states, clocks in working hours, what may be public."""

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.consultation.rules import clocks, publishing
from marketplace.consultation.rules.states import PUBLIC, THREADS
from marketplace.consultation.values import (
    Fault,
    PublicEvent,
    PublicState,
    Said,
    ThreadEvent,
    ThreadState,
)
from marketplace.kernel.transitions import TransitionRefused

SHANGHAI = "Asia/Shanghai"


def weekday(day: date) -> bool:
    return day.weekday() < 5


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Of November 2026 in Shanghai; the 23rd is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        (at(23, 9), at(23, 13)),
        (at(23, 3), at(23, 13)),
        (at(23, 13), at(23, 17)),
        (at(23, 13, 1), at(24, 9, 1)),
        (at(23, 16), at(24, 12)),
        (at(23, 17), at(24, 13)),
        (at(23, 23, 59), at(24, 13)),
        (at(27, 15), at(30, 11)),
        (at(28, 12), at(30, 13)),
    ],
)
def test_four_hours_are_counted_while_people_work(asked: datetime, due: datetime) -> None:
    assert clocks.due_at(asked, weekday, SHANGHAI) == due


@pytest.mark.parametrize(
    ("rate", "due", "expected"),
    [(None, 0, False), (0.0, 19, False), (0.94, 20, True), (0.95, 20, False), (1.0, 500, False)],
)
def test_a_share_rings_below_95_per_cent(*, rate: float | None, due: int, expected: bool) -> None:
    assert clocks.rings(rate, due) is expected


def test_only_who_asked_is_answered_and_only_a_proven_address_asks() -> None:
    for state, event in ((ThreadState.ANSWERED, ThreadEvent.ANSWERED), (ThreadState.UNCONFIRMED, ThreadEvent.ANSWERED)):
        with pytest.raises(TransitionRefused):
            THREADS.next(state, event)
    assert THREADS.next(ThreadState.ANSWERED, ThreadEvent.ASKED) is ThreadState.WAITING


@pytest.mark.parametrize("state", [PublicState.REFUSED, PublicState.WITHDRAWN])
@pytest.mark.parametrize("event", list(PublicEvent))
def test_what_is_refused_or_withdrawn_stays_so(state: PublicState, event: PublicEvent) -> None:
    with pytest.raises(TransitionRefused):
        PUBLIC.next(state, event)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("Write to li.na@example.com", Fault.ADDRESS),
        ("Write to li.na＠example.com", Fault.ADDRESS),
        ("See www.example.com", Fault.LINK),
        ("See https://x.y", Fault.LINK),
        ("Call 13800138000", Fault.NUMBER),
        ("Call 138-0013-8000", Fault.NUMBER),
        ("电话１３８００１３８０００", Fault.NUMBER),
        ("Call 138.1234.5678", Fault.NUMBER),
        ("Call 138–1234–5678", Fault.NUMBER),
        ("Call (021) 6234 5678", Fault.NUMBER),
        ("电话一三八零零一三八零零零", Fault.NUMBER),
        ("电话壹叁捌〇〇壹叁捌〇〇〇", Fault.NUMBER),
        ("See t.me/x", Fault.LINK),
        ("See foo.io for more", Fault.LINK),
        ("详见 foo.io。", Fault.LINK),
        ("WeChat: lina1992", Fault.ACCOUNT),
        ("加我微信lina1992", Fault.ACCOUNT),
        ("请加QQ群", Fault.ACCOUNT),
        ("Telegram @lina", Fault.ACCOUNT),
        ("Your application A-7KMF-94QC", Fault.REFERENCE),
        ("This is the best cover", Fault.PRAISE),
        ("这是最好的产品", Fault.PRAISE),
        ("", Fault.HALF),
        ("It is 90 days.", None),
        ("Up to 1,000,000 yuan, from the first day.", None),
        ("最高赔付100万元，等待期90天。", None),
        ("Pay by WeChat Pay, 或用微信支付。", None),
        ("Cover from 1.12.2026, e.g. for travel.", None),
        ("From the first of December, i.e. the first day.Then it ends.", None),
        ("自2026年12月1日起，一万二千三百元。", None),
        ("10.00–20.00 yuan", None),
        ("Version 1.2 of the clauses, paragraph 7.3", None),
    ],
)
def test_what_leads_to_a_person_or_praises_is_found(words: str, fault: Fault | None) -> None:
    found = publishing.faults({"en": Said("How long is it?", words)})
    assert found == ({} if fault is None else {"answer_en": fault})


def test_a_language_is_written_whole_or_not_at_all() -> None:
    nothing, whole = Said("", ""), Said("How long?", "90 days.")
    assert publishing.faults({"en": nothing, "zh_Hans_CN": nothing}) == {"question_en": Fault.NOTHING}
    assert publishing.faults({"en": whole, "zh_Hans_CN": nothing}) == {}
    assert publishing.faults({"en": whole, "zh_Hans_CN": Said("多久？", "")}) == {"answer_zh_Hans_CN": Fault.HALF}
