"""The public words of messages. A new message is a line in `NEEDS` and a folder under `templates/mail`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.kernel.errors import Conflict, Invalid, NotFound


class MessageKind(StrEnum):
    APPLICATION_CODE = "application_code"
    CONFIRM_ADDRESS = "confirm_address"
    ADDRESS_IN_USE = "address_in_use"
    PASSWORD_RESET = "password_reset"  # noqa: S105  the name of a message, not a password
    FIND_PURCHASE_CODE = "find_purchase_code"
    CONFIRM_IDENTITY_CODE = "confirm_identity_code"
    NO_ACCOUNT = "no_account"
    NEW_DEVICE = "new_device"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  the name of a message, not a password
    FACTOR_CHANGED = "factor_changed"
    SECOND_STEP_GUESSED = "second_step_guessed"
    POLICY_ISSUED = "policy_issued"
    POLICY_RECEIPT = "policy_receipt"
    PAYMENT_RECEIPT = "payment_receipt"
    APPLICATION_REFERRED = "application_referred"
    APPLICATION_DECLINED = "application_declined"
    INSURED_ASKED = "insured_asked"
    INSURED_ANSWERED = "insured_answered"
    APPLICATION_ACCEPTED = "application_accepted"
    APPLICATION_COUNTERED = "application_countered"
    APPLICATION_POSTPONED = "application_postponed"
    APPLICATION_REFUSED = "application_refused"
    APPLICATION_ASKED = "application_asked"
    REFUND_MADE = "refund_made"
    PREMIUM_ANNOUNCED = "premium_announced"
    PREMIUM_DUE = "premium_due"
    PREMIUM_FAILED = "premium_failed"
    PREMIUM_PAID = "premium_paid"
    CARD_KEPT = "card_kept"
    CONTRACT_WITHDRAWN = "contract_withdrawn"
    CONTRACT_SURRENDERED = "contract_surrendered"
    PAYMENT_NOT_ISSUABLE = "payment_not_issuable"
    DATA_EXPORT_READY = "data_export_ready"
    DATA_REQUEST_ANSWERED = "data_request_answered"
    ACCOUNT_CLOSED = "account_closed"
    COMPARISON_LINK = "comparison_link"
    CONFIRM_APPLICANT = "confirm_applicant"
    APPLICANT_REJECTED = "applicant_rejected"
    JOIN_INSURER = "join_insurer"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    ACCESS_ENDED = "access_ended"
    CONSULTATION_CODE = "consultation_code"
    CONSULTATION_ANSWERED = "consultation_answered"
    SITE_REPORT_ANSWERED = "site_report_answered"


_OF_APPLICATION = frozenset({"name", "application_reference", "product_name", "insurer_name", "application_link"})
_OF_CONTRACT = frozenset({"policy_number", "product_name", "insurer_name", "card", "link"})
_OF_PREMIUM = _OF_CONTRACT | {"amount", "number", "collect_on", "grace_until"}
# What each message must be told. Strings in the message's language; days as ISO 8601; amounts as
# {"minor": int, "currency": str}; `minutes` and `cooling_off_days` whole numbers; links absolute.
NEEDS: Mapping[MessageKind, frozenset[str]] = {
    MessageKind.APPLICATION_CODE: frozenset({"code", "minutes"}),
    MessageKind.FIND_PURCHASE_CODE: frozenset({"code", "minutes"}),
    MessageKind.CONSULTATION_CODE: frozenset({"code", "minutes"}),
    MessageKind.CONSULTATION_ANSWERED: frozenset({"reference", "insurer_name", "link"}),
    MessageKind.SITE_REPORT_ANSWERED: frozenset({"reference", "answer"}),
    MessageKind.CONFIRM_ADDRESS: frozenset({"link", "minutes"}),
    MessageKind.CONFIRM_APPLICANT: frozenset({"link", "days"}),
    MessageKind.APPLICANT_REJECTED: frozenset({"reference", "reason"}),
    MessageKind.JOIN_INSURER: frozenset({"link", "days", "insurer_name"}),
    MessageKind.INVITATION_WITHDRAWN: frozenset({"insurer_name"}),
    MessageKind.ACCESS_ENDED: frozenset({"insurer_name"}),
    MessageKind.ADDRESS_IN_USE: frozenset({"sign_in_link", "reset_link"}),
    MessageKind.PASSWORD_RESET: frozenset({"link", "minutes"}),
    MessageKind.CONFIRM_IDENTITY_CODE: frozenset({"code", "minutes"}),
    MessageKind.NO_ACCOUNT: frozenset({"register_link"}),
    MessageKind.NEW_DEVICE: frozenset({"device", "security_link", "reset_link"}),
    MessageKind.PASSWORD_CHANGED: frozenset({"reset_link"}),
    MessageKind.FACTOR_CHANGED: frozenset({"change", "security_link", "reset_link"}),
    MessageKind.SECOND_STEP_GUESSED: frozenset({"reset_link"}),
    MessageKind.POLICY_ISSUED: frozenset(
        {
            "name", "policy_number", "check_code", "product_name", "insurer_name", "insurer_phone", "insured_names",
            "start_on", "end_on", "zone", "premium", "cooling_off_days", "ended_on", "policy_link", "verify_link",
        }
    ),
    MessageKind.POLICY_RECEIPT: frozenset({"name", "policy_number", "product_name", "trust_policy", "guide_link"}),
    MessageKind.PAYMENT_RECEIPT: frozenset({"receipt_number", "order_reference", "amount"}),
    MessageKind.APPLICATION_REFERRED: _OF_APPLICATION,
    MessageKind.APPLICATION_DECLINED: _OF_APPLICATION,
    MessageKind.APPLICATION_ACCEPTED: _OF_APPLICATION | {"held_until"},
    MessageKind.APPLICATION_COUNTERED: _OF_APPLICATION | {"held_until"},
    MessageKind.APPLICATION_POSTPONED: _OF_APPLICATION | {"again_on"},
    MessageKind.APPLICATION_REFUSED: _OF_APPLICATION,
    MessageKind.APPLICATION_ASKED: _OF_APPLICATION,
    MessageKind.INSURED_ASKED: frozenset(
        {"name", "applicant_name", "product_name", "insurer_name", "link", "days"}
    ),
    MessageKind.INSURED_ANSWERED: frozenset(
        {"name", "insured_name", "agreed", "application_reference", "product_name", "application_link"}
    ),
    MessageKind.REFUND_MADE: frozenset({"order_reference", "amount"}),
    MessageKind.PREMIUM_ANNOUNCED: _OF_PREMIUM,
    MessageKind.PREMIUM_DUE: _OF_PREMIUM,
    MessageKind.PREMIUM_FAILED: _OF_PREMIUM | {"why", "again_on"},
    MessageKind.PREMIUM_PAID: _OF_PREMIUM,
    MessageKind.CARD_KEPT: _OF_CONTRACT,
    MessageKind.CONTRACT_WITHDRAWN: frozenset(
        {
            "policy_number", "product_name", "insurer_name", "insurer_phone", "amount", "withdrawn_at", "zone", "link",
        }
    ),
    MessageKind.CONTRACT_SURRENDERED: frozenset(
        {
            "policy_number", "product_name", "insurer_name", "insurer_phone", "amount", "ends_on", "begun",
            "total", "made", "years", "before_start", "last_year", "link",
        }
    ),
    MessageKind.PAYMENT_NOT_ISSUABLE: frozenset({"order_reference", "product_name", "amount"}),
    MessageKind.DATA_EXPORT_READY: frozenset({"link", "days"}),
    MessageKind.DATA_REQUEST_ANSWERED: frozenset({"reference", "link"}),
    MessageKind.ACCOUNT_CLOSED: frozenset({"contracts", "link"}),
    MessageKind.COMPARISON_LINK: frozenset({"line_name", "reference", "valid_until", "link"}),
}  # fmt: skip

# Whoever reads one of these can act as the recipient, so their words go once they are sent.
SECRET_KINDS = frozenset(
    {
        MessageKind.APPLICATION_CODE,
        MessageKind.FIND_PURCHASE_CODE,
        MessageKind.CONSULTATION_CODE,
        MessageKind.CONFIRM_ADDRESS,
        MessageKind.PASSWORD_RESET,
        MessageKind.CONFIRM_IDENTITY_CODE,
        MessageKind.INSURED_ASKED,
    }
)


# Of these nothing is kept once they have left: nobody is left whose mail a farewell could be, and the next owner of the
# address is another; and whoever gets the address of a comparison need not be who compared.
PASSING = frozenset({MessageKind.ACCOUNT_CLOSED, MessageKind.COMPARISON_LINK})


# What somebody is owed: that one of these does not arrive rings.
OWED = frozenset(
    {
        MessageKind.POLICY_ISSUED,
        MessageKind.APPLICATION_REFERRED,
        MessageKind.APPLICATION_DECLINED,
        MessageKind.APPLICATION_ACCEPTED,
        MessageKind.APPLICATION_COUNTERED,
        MessageKind.APPLICATION_POSTPONED,
        MessageKind.APPLICATION_ASKED,
        MessageKind.REFUND_MADE,
        MessageKind.PREMIUM_ANNOUNCED,
        MessageKind.PREMIUM_DUE,
        MessageKind.PREMIUM_FAILED,
        MessageKind.CONTRACT_WITHDRAWN,
        MessageKind.CONTRACT_SURRENDERED,
        MessageKind.PAYMENT_NOT_ISSUABLE,
        MessageKind.DATA_REQUEST_ANSWERED,
        MessageKind.CONSULTATION_ANSWERED,
    }
)

# That one of these came back starts its clock again: the report that said so is kept as long as the mail.
REPORT_KEPT = frozenset({MessageKind.POLICY_ISSUED})

# What is said elsewhere too, or asks for nothing: not written to an address from which mail came back for good.
DISPENSABLE = frozenset({MessageKind.COMPARISON_LINK, MessageKind.POLICY_RECEIPT})


class MessageState(StrEnum):
    """`sent`: a mail server took it. `failed`: none did, and it is tried no more. `bounced`: it came back."""

    QUEUED = "queued"
    READY = "ready"
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"


class MessageEvent(StrEnum):
    COMPOSED = "composed"
    TAKEN = "taken"
    PUT_OFF = "put_off"
    GIVEN_UP = "given_up"
    ASKED_AGAIN = "asked_again"
    FORGOTTEN = "forgotten"
    CAME_BACK = "came_back"


class ReportOutcome(StrEnum):
    """What became of a report that a mail server sent back. All but the first change nothing."""

    BOUNCED = "bounced"
    DELAYED = "delayed"  # a mail server still tries
    DELIVERED = "delivered"  # nothing failed
    AGAIN = "again"  # the message is known to have come back, or was given up before
    NOT_SENT = "not_sent"  # the message has not left yet, or is on its way again
    UNKNOWN = "unknown"  # it names no message of ours
    UNREADABLE = "unreadable"  # it is no report (RFC 3464), such as an answer of a person or a machine
    TOO_LARGE = "too_large"


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A stored file (`infra.storage`) that travels with the message under `name`."""

    name: str
    media_type: str
    sha256: str

    def __post_init__(self) -> None:
        if _CONTROL.search(self.name) or "/" in self.name or "\\" in self.name:
            raise Invalid({"name": "a file name holds no control characters and no path"})


@dataclass(frozen=True, slots=True)
class TrailOf:
    """The journey in whose trail the sending is recorded."""

    journey_id: UUID
    application_id: UUID | None = None
    insurer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """One message to one person. `subject_key` names what it is about; with `kind` it makes the message unique.

    Raises Invalid for an address no mail can go to, or a context that lacks what the kind needs.
    """

    kind: MessageKind
    subject_key: str
    recipient: str
    locale: str
    context: Mapping[str, Any]
    attachments: tuple[Attachment, ...] = ()
    trail: TrailOf | None = field(default=None)

    def __post_init__(self) -> None:
        faults: dict[str, str] = {}
        if not self.recipient.isascii() or not _ADDRESS.fullmatch(self.recipient):
            faults["recipient"] = "not an address that mail can go to"
        if lacking := sorted(NEEDS[self.kind] - self.context.keys()):
            faults["context"] = f"{self.kind} needs {', '.join(lacking)}"
        if faults:
            raise Invalid(faults)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as desks see it. `subject` is None until its words are set."""

    id: UUID
    kind: MessageKind
    subject_key: str
    recipient: str
    locale: str
    subject: str | None
    state: MessageState
    attachments: tuple[Attachment, ...]
    queued_at: datetime
    sent_at: datetime | None
    attempts: int
    readable: bool
    last_failure: str | None = None
    bounced_at: datetime | None = None
    bounce_status: str | None = None

    @property
    def about(self) -> str:
        """What it is about, however often that was written of: `<subject>/<number>` is the subject's again."""
        return self.subject_key.partition("/")[0]


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages a desk asks for. `troubled`: those that failed, came back, or were put off at least once."""

    troubled: bool = True
    state: MessageState | None = None
    kind: MessageKind | None = None


@dataclass(frozen=True, slots=True)
class MessageOutline:
    """A message without a word of it; `recipient` is masked, or empty once it is forgotten. `resendable`: its words are
    kept and it did not arrive.
    """

    id: UUID
    kind: MessageKind
    state: MessageState
    recipient: str
    queued_at: datetime
    sent_at: datetime | None
    attempts: int
    last_failure: str | None
    bounced_at: datetime | None
    bounce_status: str | None
    resendable: bool


@dataclass(frozen=True, slots=True)
class FoundMessages:
    """One page of messages; `number` counts from 1."""

    messages: tuple[MessageOutline, ...]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True, slots=True)
class AttachedFile:
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class MessageParts:
    """A finished message taken apart again, as a reader's program would show it."""

    subject: str
    sender: str
    recipient: str
    message_id: str
    sent_on: datetime
    text: str
    html: str
    files: tuple[AttachedFile, ...]


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a mail server says of one message of ours (RFC 3464). `status` is a code such as 5.1.1 (RFC 3463)."""

    message_id: str
    action: str
    status: str


@dataclass(frozen=True, slots=True)
class MessageBounced:
    """A mail server could not deliver a message that was sent."""

    message_id: UUID


@dataclass(frozen=True, slots=True)
class MessageSent:
    """The mail server took a message."""

    message_id: UUID


class MessageNotFound(NotFound):
    """There is no such message, or its words are no longer kept."""

    code = "correspondence:message-not-found"


class NotResendable(Conflict):
    """Only a message that failed or came back, and whose words are still kept, can be sent again."""

    code = "correspondence:not-resendable"
