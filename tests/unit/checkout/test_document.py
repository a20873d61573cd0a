"""What a letter about a refund says is true of it: why, of which payment, and whether it was sent before."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from marketplace.checkout.document import Paid, refund_letter
from marketplace.checkout.values import Order, OrderState
from marketplace.kernel.money import Money
from marketplace.payment.values import (
    WISHED,
    Attempt,
    AttemptState,
    Purpose,
    Refund,
    RefundReason,
    RefundState,
)
from tests.factories.policy import AGENCY

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PAID = Money(10_600, "CNY")


def a_letter(reason: RefundReason, locale: str = "en", before: str | None = None) -> dict:
    """About a payment that came in a day after the one that the order counts."""
    order = Order(
        id=uuid4(),
        reference="O-7KMF-94QC",
        account_id=uuid4(),
        state=OrderState.ISSUED,
        locale=locale,
        total=PAID,
        journey_id=uuid4(),
        lines=(),
        created_at=NOON,
        expires_at=NOON + timedelta(days=30),
        paid_at=NOON,
        reason=None,
    )
    attempt = Attempt(
        id=uuid4(),
        purpose=Purpose.NEW_BUSINESS,
        subject_id=order.id,
        reference=order.reference,
        number=2,
        amount=PAID,
        state=AttemptState.REFUNDED,
        url=None,
        journey_id=order.journey_id,
        created_at=NOON,
        expires_at=NOON,
        received=PAID,
        succeeded_at=None,
        settled_at=NOON + timedelta(days=1),
    )
    refund = Refund(uuid4(), attempt.id, PAID, reason, RefundState.SUCCEEDED, NOON, NOON + timedelta(days=2), 1, None)
    return refund_letter("RL-2026-000007", Paid(order, attempt, "Lin Yue"), refund, AGENCY, before)


@pytest.mark.requirement("O13-43")
@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_each_reason_is_told_in_a_sentence_of_its_own(locale: str) -> None:
    told = {reason: a_letter(reason, locale)["paragraphs"][0] for reason in RefundReason}
    assert len(set(told.values())) == len(RefundReason)
    assert all(words.isascii() is (locale == "en") for words in told.values())


@pytest.mark.parametrize("reason", WISHED)
def test_who_has_a_contract_is_not_told_that_nothing_was_bought(reason: RefundReason) -> None:
    letter = str(a_letter(reason))
    assert "Nothing was bought" not in letter
    assert "not the one that was asked for" not in letter


def test_a_letter_names_the_day_of_its_own_payment() -> None:
    facts = {fact["label"]: fact["value"] for fact in a_letter(RefundReason.SECOND_PAYMENT)["facts"]}
    assert (facts["Paid on"], facts["Sent on"]) == ("November 23, 2026", "November 24, 2026")


def test_a_letter_about_a_second_sending_names_the_one_before() -> None:
    letter = a_letter(RefundReason.GOODWILL, before="RL-2026-000003")
    assert "our letter RL-2026-000003" in letter["paragraphs"][0]
    assert "sent it once more" not in str(a_letter(RefundReason.GOODWILL))
