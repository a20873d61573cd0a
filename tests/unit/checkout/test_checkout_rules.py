"""The road of an order as a table, its total, and what a contract names."""

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.application.values import People, Person, Relationship
from marketplace.catalog.values import Frequency, Payment, PaymentMethod
from marketplace.checkout.rules import (
    ORDERS,
    RELATIONSHIPS,
    OrderEvent,
    is_finished,
    is_overdue,
    methods_of,
    persons_of,
    total_of,
)
from marketplace.checkout.values import MixedCurrencies, NoMethodInCommon, NothingOrdered, OrderState
from marketplace.kernel.money import Money
from marketplace.kernel.transitions import TransitionRefused
from marketplace.payment.values import Holding
from marketplace.policy.values import PersonRole, PolicyPerson

# Columns: open, paid, issued, not_issuable, refunded, lapsed. A dash is a refusal.
TABLE = """
paid          paid    paid          issued  not_issuable  refunded  not_issuable
issued        -       issued        issued  -             -         -
cannot_issue  -       not_issuable  -       not_issuable  refunded  -
refunded      -       -             -       refunded      refunded  -
lapsed        lapsed  -             -       -             -         lapsed
"""
ROWS = [
    (words[0], state, after)
    for words in (line.split() for line in TABLE.strip().splitlines())
    for state, after in zip(OrderState, words[1:], strict=True)
]
LIN = Person("Lin Yue", date(1992, 5, 1))
BAO = Person("Lin Bao", date(2020, 6, 1))


@pytest.mark.parametrize(("event", "state", "after"), ROWS)
def test_each_event_in_each_state(event: str, state: OrderState, after: str) -> None:
    if after == "-":
        with pytest.raises(TransitionRefused):
            ORDERS.next(state, OrderEvent(event))
    else:
        assert ORDERS.next(state, OrderEvent(event)) is OrderState(after)


def test_the_written_table_is_whole() -> None:
    assert {(state, OrderEvent(event)) for event, state, _ in ROWS} == set(ORDERS.pairs())


def test_no_road_leads_from_a_contract_to_a_refund_or_back() -> None:
    after_contract = {ORDERS.rows[OrderState.ISSUED, event] for event in OrderEvent}
    after_refund = {ORDERS.rows[state, event] for state in (OrderState.NOT_ISSUABLE, OrderState.REFUNDED)
                    for event in OrderEvent}  # fmt: skip
    assert {after for after in after_contract if isinstance(after, OrderState)} == {OrderState.ISSUED}
    assert OrderState.ISSUED not in after_refund


# Columns as above. Nothing is owed and nothing can come any more: yes, or no.
FINISHED = """
nothing  yes  no  yes  no  yes  yes
moving   no   no  no   no  no   no
held     no   no  yes  no  no   no
"""


@pytest.mark.parametrize(
    ("holding", "state", "finished"),
    [
        (words[0], state, finished)
        for words in (line.split() for line in FINISHED.strip().splitlines())
        for state, finished in zip(OrderState, words[1:], strict=True)
    ],
)
def test_an_order_is_finished_when_nothing_is_owed(holding: str, state: OrderState, finished: str) -> None:
    assert is_finished(state, Holding(holding)) is (finished == "yes")


def test_the_total_is_the_sum_of_the_premiums_in_one_currency() -> None:
    assert total_of([Money(10_600, "CNY"), Money(5_300, "CNY")]) == Money(15_900, "CNY")
    with pytest.raises(MixedCurrencies):
        total_of([Money(1, "CNY"), Money(1, "USD")])
    with pytest.raises(NothingOrdered):
        total_of([])


def test_an_order_is_paid_by_what_all_of_it_takes() -> None:
    card, alipay, wechat = PaymentMethod
    wide, narrow = (Payment(Frequency.SINGLE, methods=methods) for methods in ((wechat, card, alipay), (alipay, card)))
    assert methods_of([wide]) == (card, alipay, wechat)
    assert methods_of([wide, narrow]) == (card, alipay)
    with pytest.raises(NoMethodInCommon):
        methods_of([narrow, Payment(Frequency.SINGLE, methods=(wechat,))])


def test_who_insures_themself_is_named_in_both_parts() -> None:
    assert persons_of(People(LIN, Relationship.SELF)) == (
        PolicyPerson(PersonRole.APPLICANT, "Lin Yue", LIN.birth_on),
        PolicyPerson(PersonRole.INSURED, "Lin Yue", LIN.birth_on),
    )


def test_another_insured_person_is_named_with_the_relationship() -> None:
    assert persons_of(People(LIN, Relationship.CHILD, BAO)) == (
        PolicyPerson(PersonRole.APPLICANT, "Lin Yue", LIN.birth_on),
        PolicyPerson(PersonRole.INSURED, "Lin Bao", BAO.birth_on, RELATIONSHIPS[Relationship.CHILD]),
    )


def test_every_relationship_has_words_in_both_languages() -> None:
    assert set(RELATIONSHIPS) == set(Relationship)
    assert all(words.zh for words in RELATIONSHIPS.values() if words is not None)


def test_a_paid_order_is_given_up_after_a_day() -> None:
    noon = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
    assert not is_overdue(noon, noon + timedelta(hours=24))
    assert is_overdue(noon, noon + timedelta(hours=24, seconds=1))
