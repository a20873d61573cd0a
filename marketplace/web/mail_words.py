"""What mails and their states are called, and why one did not arrive, for whoever was to get it and for staff."""

from marketplace.correspondence.values import Message, MessageKind, MessageOutline, MessageState
from marketplace.infra.formatting import lazy_gettext as _l

STATES: dict[MessageState, tuple[str, str]] = {
    MessageState.QUEUED: (_l("to be written"), "plain"),
    MessageState.READY: (_l("on its way"), "plain"),
    MessageState.SENT: (_l("taken by the mail server"), ""),
    MessageState.FAILED: (_l("given up"), "bad"),
    MessageState.BOUNCED: (_l("came back"), "bad"),
}
"""The words, and the class of the tag."""

KINDS: dict[MessageKind, str] = {
    MessageKind.POLICY_ISSUED: _l("Policy"),
    MessageKind.POLICY_RECEIPT: _l("Receipts of the evidence log"),
    MessageKind.PAYMENT_RECEIPT: _l("Receipt of a payment"),
    MessageKind.PAYMENT_NOT_ISSUABLE: _l("Paid, and no contract"),
    MessageKind.REFUND_MADE: _l("Refund"),
    MessageKind.PREMIUM_ANNOUNCED: _l("Premium to come"),
    MessageKind.PREMIUM_DUE: _l("Premium due"),
    MessageKind.PREMIUM_FAILED: _l("Card not charged for a premium"),
    MessageKind.PREMIUM_PAID: _l("Premium paid"),
    MessageKind.CARD_KEPT: _l("A card is kept"),
    MessageKind.CONTRACT_WITHDRAWN: _l("Withdrawal received"),
    MessageKind.CONTRACT_SURRENDERED: _l("Contract ended early"),
    MessageKind.APPLICATION_REFERRED: _l("Application referred to the insurer"),
    MessageKind.APPLICATION_DECLINED: _l("Application declined"),
    MessageKind.INSURED_ASKED: _l("Person insured asked to agree"),
    MessageKind.INSURED_ANSWERED: _l("Answer of the person insured"),
    MessageKind.APPLICATION_ACCEPTED: _l("Application accepted"),
    MessageKind.APPLICATION_COUNTERED: _l("Application accepted on other terms"),
    MessageKind.APPLICATION_POSTPONED: _l("Application postponed"),
    MessageKind.APPLICATION_REFUSED: _l("Other terms refused"),
    MessageKind.APPLICATION_ASKED: _l("Question about an application"),
    MessageKind.APPLICATION_CODE: _l("Code for an application"),
    MessageKind.FIND_PURCHASE_CODE: _l("Code to find a purchase"),
    MessageKind.CONFIRM_IDENTITY_CODE: _l("Code to confirm who it is"),
    MessageKind.CONFIRM_ADDRESS: _l("Link to confirm an address"),
    MessageKind.ADDRESS_IN_USE: _l("The address has an account"),
    MessageKind.NO_ACCOUNT: _l("The address has no account"),
    MessageKind.PASSWORD_RESET: _l("Link to set a password"),
    MessageKind.PASSWORD_CHANGED: _l("Password was changed"),
    MessageKind.NEW_DEVICE: _l("Sign-in from a new device"),
    MessageKind.FACTOR_CHANGED: _l("Second step was changed"),
    MessageKind.SECOND_STEP_GUESSED: _l("Second step was guessed at"),
    MessageKind.DATA_EXPORT_READY: _l("Copy of data is ready"),
    MessageKind.DATA_REQUEST_ANSWERED: _l("Answer about personal data"),
    MessageKind.ACCOUNT_CLOSED: _l("Account was closed"),
    MessageKind.COMPARISON_LINK: _l("Link to a comparison"),
    MessageKind.CONSULTATION_CODE: _l("Code for a question"),
    MessageKind.CONSULTATION_ANSWERED: _l("Answer to a question"),
    MessageKind.SITE_REPORT_ANSWERED: _l("Answer to a report of a false site"),
    MessageKind.CONFIRM_APPLICANT: _l("Link to confirm an insurer's application"),
    MessageKind.APPLICANT_REJECTED: _l("Application of an insurer rejected"),
    MessageKind.JOIN_INSURER: _l("Invitation to an insurer's desk"),
    MessageKind.INVITATION_WITHDRAWN: _l("Invitation withdrawn"),
    MessageKind.ACCESS_ENDED: _l("Access to an insurer's desk ended"),
}

_UNREACHABLE = _l("The mail server of that address could not be reached for a long time.")
_NOT_TAKEN = _l("Our mail server does not take it at the moment.")
_REFUSED = _l("The mail server of that address refused it.")
# The end of a code (RFC 3463), without its class -> what it says; the longest that fits counts.
_REASONS: dict[str, str] = {
    "1.1": _l("There is no such mailbox."),
    "1.10": _l("That domain takes no mail."),
    "1.2": _l("That domain takes no mail."),
    "2.1": _l("That mailbox is closed."),
    "2.2": _l("That mailbox is full."),
    "2.3": _l("It is too large for that mailbox."),
    "3.4": _l("It is too large for that mailbox."),
    "4": _UNREACHABLE,
}


def reason(message: Message | MessageOutline) -> str:
    """Why a message did not arrive, or not at once, as far as the mail servers said."""
    if message.state is MessageState.BOUNCED and message.bounce_status:
        _class, subject, detail = message.bounce_status.split(".")
        return str(_REASONS.get(f"{subject}.{detail}") or _REASONS.get(subject) or _REFUSED)
    if message.state is MessageState.FAILED:
        return str(_REFUSED if "refused" in (message.last_failure or "").lower().split() else _UNREACHABLE)
    return str(_NOT_TAKEN)
