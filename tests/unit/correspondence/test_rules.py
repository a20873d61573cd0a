"""When a message is tried again, and when its words are forgotten."""

import pytest

from marketplace.correspondence import rules
from marketplace.correspondence.values import (
    SECRET_KINDS,
    Attachment,
    MessageEvent,
    MessageKind,
    MessageState,
)
from marketplace.kernel.errors import Invalid
from marketplace.kernel.transitions import TransitionRefused
from tests.factories.correspondence import a_message

ARROWS = {
    (MessageState.QUEUED, MessageEvent.COMPOSED): MessageState.READY,
    (MessageState.READY, MessageEvent.TAKEN): MessageState.SENT,
    (MessageState.READY, MessageEvent.PUT_OFF): MessageState.READY,
    (MessageState.READY, MessageEvent.GIVEN_UP): MessageState.FAILED,
    (MessageState.FAILED, MessageEvent.ASKED_AGAIN): MessageState.READY,
    # Whoever it was for is forgotten: what was not sent stays so.
    (MessageState.QUEUED, MessageEvent.FORGOTTEN): MessageState.FAILED,
    (MessageState.READY, MessageEvent.FORGOTTEN): MessageState.FAILED,
    (MessageState.SENT, MessageEvent.FORGOTTEN): MessageState.SENT,
    (MessageState.FAILED, MessageEvent.FORGOTTEN): MessageState.FAILED,
    (MessageState.SENT, MessageEvent.CAME_BACK): MessageState.BOUNCED,
    (MessageState.BOUNCED, MessageEvent.ASKED_AGAIN): MessageState.READY,
    (MessageState.BOUNCED, MessageEvent.FORGOTTEN): MessageState.BOUNCED,
}


@pytest.mark.parametrize(("state", "event"), list(rules.LIFE.pairs()))
def test_every_state_answers_every_event(state: MessageState, event: MessageEvent) -> None:
    if (state, event) in ARROWS:
        assert rules.LIFE.next(state, event) == ARROWS[state, event]
    else:
        with pytest.raises(TransitionRefused):
            rules.LIFE.next(state, event)


def test_pauses_grow_to_half_an_hour_and_outlast_two_days() -> None:
    pauses = [rules.pause_after(attempts) for attempts in range(1, rules.MOST_ATTEMPTS)]
    assert pauses[:6] == [5, 10, 20, 40, 80, 160]
    assert pauses[-1] == 1800
    assert pauses == sorted(pauses)
    assert sum(pauses) > 2 * 24 * 3600
    assert rules.pause_after(rules.MOST_ATTEMPTS) is None


@pytest.mark.parametrize("kind", list(MessageKind))
def test_only_a_demonstration_keeps_codes_and_links(kind: MessageKind) -> None:
    assert rules.forgets_words(kind, keeps_copies=True) is False
    assert rules.forgets_words(kind, keeps_copies=False) is (kind in SECRET_KINDS)


@pytest.mark.parametrize("kind", list(MessageKind))
def test_only_a_demonstration_keeps_to_whom_a_passing_message_went(kind: MessageKind) -> None:
    assert rules.forgets_everything(kind, keeps_copies=True) is False
    assert rules.forgets_everything(kind, keeps_copies=False) is (
        kind in {MessageKind.ACCOUNT_CLOSED, MessageKind.COMPARISON_LINK}
    )


@pytest.mark.parametrize(
    "recipient",
    [
        "li@example.org\r\nBcc: all@example.org",
        "li@example.org, wang@example.org",
        "Li <li@example.org>",
        "no-address",
        "李@example.org",
        "",
    ],
)
def test_an_address_that_is_not_one_address_is_refused(recipient: str) -> None:
    with pytest.raises(Invalid) as refusal:
        a_message(recipient=recipient)
    assert set(refusal.value.fields) == {"recipient"}


def test_a_message_that_is_not_told_everything_is_refused() -> None:
    complete = a_message()
    lacking = {name: value for name, value in complete.context.items() if name not in {"premium", "name"}}
    with pytest.raises(Invalid) as refusal:
        type(complete)(complete.kind, "1", "li@example.org", "en", lacking)
    assert refusal.value.fields == {"context": "policy_issued needs name, premium"}


@pytest.mark.parametrize("name", ["a\r\nb.pdf", "../a.pdf", "a\\b.pdf", "a\x00.pdf"])
def test_a_file_name_holds_no_line_break_and_no_path(name: str) -> None:
    with pytest.raises(Invalid):
        Attachment(name, "application/pdf", "0" * 64)
