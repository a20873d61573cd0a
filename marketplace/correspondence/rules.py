"""Pure decisions about messages."""

from marketplace.correspondence.values import PASSING, SECRET_KINDS, MessageEvent, MessageKind, MessageState
from marketplace.kernel.transitions import Table

FIRST_PAUSE = 5
LONGEST_PAUSE = 1800
MOST_ATTEMPTS = 120  # with half an hour between them, more than two days

_S, _E = MessageState, MessageEvent
LIFE: Table[MessageState, MessageEvent] = Table(
    MessageState,
    MessageEvent,
    {
        (_S.QUEUED, _E.COMPOSED): _S.READY,
        (_S.QUEUED, _E.TAKEN): "it has no words yet",
        (_S.QUEUED, _E.PUT_OFF): "it has no words yet",
        (_S.QUEUED, _E.GIVEN_UP): "it has no words yet",
        (_S.QUEUED, _E.ASKED_AGAIN): "it is on its way",
        (_S.QUEUED, _E.FORGOTTEN): _S.FAILED,
        (_S.QUEUED, _E.CAME_BACK): "it has not left",
        (_S.READY, _E.COMPOSED): "its words are set",
        (_S.READY, _E.TAKEN): _S.SENT,
        (_S.READY, _E.PUT_OFF): _S.READY,
        (_S.READY, _E.GIVEN_UP): _S.FAILED,
        (_S.READY, _E.ASKED_AGAIN): "it is on its way",
        (_S.READY, _E.FORGOTTEN): _S.FAILED,
        (_S.READY, _E.CAME_BACK): "it has not left",
        (_S.SENT, _E.COMPOSED): "its words are set",
        (_S.SENT, _E.TAKEN): "it was sent",
        (_S.SENT, _E.PUT_OFF): "it was sent",
        (_S.SENT, _E.GIVEN_UP): "it was sent",
        (_S.SENT, _E.ASKED_AGAIN): "it was sent",
        (_S.SENT, _E.FORGOTTEN): _S.SENT,
        (_S.SENT, _E.CAME_BACK): _S.BOUNCED,
        (_S.FAILED, _E.COMPOSED): "its words are set",
        (_S.FAILED, _E.TAKEN): "it was given up",
        (_S.FAILED, _E.PUT_OFF): "it was given up",
        (_S.FAILED, _E.GIVEN_UP): "it was given up",
        (_S.FAILED, _E.ASKED_AGAIN): _S.READY,
        (_S.FAILED, _E.FORGOTTEN): _S.FAILED,
        (_S.FAILED, _E.CAME_BACK): "it was given up",
        (_S.BOUNCED, _E.COMPOSED): "its words are set",
        (_S.BOUNCED, _E.TAKEN): "it came back",
        (_S.BOUNCED, _E.PUT_OFF): "it came back",
        (_S.BOUNCED, _E.GIVEN_UP): "it came back",
        (_S.BOUNCED, _E.ASKED_AGAIN): _S.READY,
        (_S.BOUNCED, _E.FORGOTTEN): _S.BOUNCED,
        (_S.BOUNCED, _E.CAME_BACK): "it came back already",
    },
)


def pause_after(attempts: int) -> int | None:
    """Seconds until the next try after `attempts` failed ones (5, 10, 20 … 1800), or None: give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return int(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 16)))


def is_for_good(status: str | None) -> bool:
    """Whether the address itself takes no mail (class 5 of RFC 3463), as against one that could not be reached in
    time.
    """
    return status is not None and status.startswith("5.")


def can_be_resent(state: MessageState) -> bool:
    return isinstance(LIFE.rows[state, MessageEvent.ASKED_AGAIN], MessageState)


def forgets_words(kind: MessageKind, *, keeps_copies: bool) -> bool:
    """Codes and links that let somebody in are not kept once their message has left, except in a demonstration."""
    return kind in SECRET_KINDS and not keeps_copies


def forgets_everything(kind: MessageKind, *, keeps_copies: bool) -> bool:
    """A passing message keeps neither its words nor to whom it went once it has left, except in a demonstration."""
    return kind in PASSING and not keeps_copies
