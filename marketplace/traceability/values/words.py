"""The vocabulary of the trail: what an entry says happened, who did it, how they came. `EntryType` is the only one."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid5


class Channel(StrEnum):
    """How the customer came to the pages: alone, helped by a person, or at a terminal of the institution."""

    SELF = "self"
    ASSISTED = "assisted"
    TERMINAL = "terminal"


class ActorRole(StrEnum):
    """In which capacity somebody acted. The desk's own roles are in `accounts`."""

    VISITOR = "visitor"
    CUSTOMER = "customer"
    INSURER = "insurer"
    PRACTITIONER = "practitioner"
    ADMIN = "admin"
    SYSTEM = "system"
    PROVIDER = "provider"


class EntryType(StrEnum):
    """What an entry says happened, as `subject:act`."""

    COMPARISON_MADE = "comparison:made"
    SCHEME_MADE = "scheme:made"
    COMPARISON_SHOWN = "comparison:shown"
    PRODUCT_SHOWN = "product:shown"
    ENTRY_SHOWN = "entry:shown"
    ENTRY_ACKNOWLEDGED = "entry:acknowledged"
    PRIVACY_NOTICE_ACKNOWLEDGED = "privacy_notice:acknowledged"
    CLIENT_NOTICE_ACKNOWLEDGED = "client_notice:acknowledged"
    CODE_SENT = "code:sent"
    EMAIL_VERIFIED = "email:verified"
    NEEDS_STATED = "needs:stated"
    SUITABILITY_JUDGED = "suitability:judged"
    OWN_WILL_CONFIRMED = "own_will:confirmed"
    PAGE_SHOWN = "page:shown"
    PAGE_LEFT = "page:left"
    PAGE_REFUSED = "page:refused"
    RECORDING_KEPT = "recording:kept"
    RECORDING_CUT = "recording:cut"
    FIELD_ENTERED = "field:entered"
    ANSWER_GIVEN = "answer:given"
    IDENTITY_REFUSED = "identity:refused"
    IDENTITY_VERIFIED = "identity:verified"
    INSURED_ASKED = "insured:asked"
    INSURED_CONSENTED = "insured:consented"
    INSURED_REFUSED = "insured:refused"
    DOCUMENT_OPENED = "document:opened"
    DOCUMENT_CONFIRMED = "document:confirmed"
    OFFER_REPLACED = "offer:replaced"
    EXCLUSIONS_CONFIRMED = "exclusions:confirmed"
    HEALTH_NOTICE_ACKNOWLEDGED = "health_notice:acknowledged"
    HEALTH_CONSENT_GIVEN = "health_consent:given"
    HEALTH_CONSENT_WITHDRAWN = "health_consent:withdrawn"
    APPLICATION_SUBMITTED = "application:submitted"
    UNDERWRITING_DECIDED = "underwriting:decided"
    UNDERWRITING_ASKED = "underwriting:asked"
    UNDERWRITING_ANSWERED = "underwriting:answered"
    COUNTER_OFFER_MADE = "counter_offer:made"
    COUNTER_OFFER_ACCEPTED = "counter_offer:accepted"
    COUNTER_OFFER_REFUSED = "counter_offer:refused"
    PAYMENT_STARTED = "payment:started"
    PAYMENT_LEFT = "payment:left"
    PAYMENT_RETURNED = "payment:returned"
    PAYMENT_SUCCEEDED = "payment:succeeded"
    PAYMENT_FAILED = "payment:failed"
    REFUND_WISHED = "refund:wished"
    REFUND_APPROVED = "refund:approved"
    REFUND_REFUSED = "refund:refused"
    REFUND_REQUESTED = "refund:requested"
    REFUND_SUCCEEDED = "refund:succeeded"
    REFUND_FAILED = "refund:failed"
    PAYMENT_DISPUTED = "payment:disputed"
    DISPUTE_CLOSED = "dispute:closed"
    CONTRACT_CONCLUDED = "contract:concluded"
    POLICY_SIGNED = "policy:signed"
    POLICY_MAILED = "policy:mailed"
    MAIL_SENT = "mail:sent"
    MAIL_BOUNCED = "mail:bounced"
    POLICY_VIEWED = "policy:viewed"
    PREMIUMS_PLANNED = "premium:planned"
    PREMIUM_ANNOUNCED = "premium:announced"
    PREMIUM_DUE = "premium:due"
    PREMIUM_PAID = "premium:paid"
    PREMIUM_FAILED = "premium:failed"
    PREMIUM_OVERDUE = "premium:overdue"
    CARD_CONSENTED = "card:consented"
    CARD_KEPT = "card:kept"
    CARD_STOPPED = "card:stopped"
    WITHDRAWAL_CONFIRMED = "withdrawal:confirmed"
    SURRENDER_CONFIRMED = "surrender:confirmed"
    CONTRACT_ENDED = "contract:ended"
    CONSULTATION_ASKED = "consultation:asked"
    CONSULTATION_ANSWERED = "consultation:answered"
    PUBLICATION_CONSENTED = "publication:consented"
    PUBLICATION_CONSENT_WITHDRAWN = "publication:consent_withdrawn"
    HOLD_OPENED = "hold:opened"
    HOLD_CLOSED = "hold:closed"
    DATA_RESTRICTED = "data:restricted"
    ERASURE_REFUSED = "erasure:refused"
    DATA_ERASED = "data:erased"
    SALE_VIEWED = "sale:viewed"
    EVIDENCE_READ = "evidence:read"
    LOG_KEY_ROTATED = "log:key_rotated"
    LOG_STAMPED = "log:stamped"
    PAGES_RELEASED = "pages:released"
    ANNOUNCEMENT_RELEASED = "announcement:released"


OUTLIVES_ERASURE = frozenset(
    {
        EntryType.PAYMENT_SUCCEEDED,
        EntryType.PAYMENT_FAILED,
        EntryType.REFUND_WISHED,
        EntryType.REFUND_APPROVED,
        EntryType.REFUND_REFUSED,
        EntryType.REFUND_REQUESTED,
        EntryType.REFUND_SUCCEEDED,
        EntryType.REFUND_FAILED,
        EntryType.PAYMENT_DISPUTED,
        EntryType.DISPUTE_CLOSED,
        EntryType.CARD_STOPPED,
        EntryType.CONTRACT_ENDED,
        EntryType.MAIL_SENT,
        EntryType.MAIL_BOUNCED,
        EntryType.DATA_ERASED,
        EntryType.SALE_VIEWED,
        EntryType.EVIDENCE_READ,
    }
)
"""What happens without the customer, so also after an erasure: what money does and the mail about it, the end of a
contract, the erasure itself, a look of staff.

It is entered in an erased journey too, without what it says. Nothing else may happen there.
"""


LOOKS = frozenset(
    {
        EntryType.POLICY_VIEWED,
        EntryType.DOCUMENT_OPENED,
        EntryType.PAGE_LEFT,
        EntryType.SALE_VIEWED,
        EntryType.EVIDENCE_READ,
    }
)
"""That somebody looked at a contract, or stopped looking: nothing in its evidence, which ends with its last act."""

RECEIPTED = (EntryType.CONTRACT_CONCLUDED, EntryType.POLICY_SIGNED)
"""Of what the customer is handed a receipt."""

WAITED_FOR = frozenset(RECEIPTED)
"""What somebody waits for to be in the log: the sequencer is told at once, and does not wait for its next turn."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `label` is what a reader of the trail sees: a desk or a part of the system, never a person's name."""

    role: ActorRole
    account_id: UUID | None = None
    label: str = ""


SYSTEM = Actor(ActorRole.SYSTEM, label="marketplace")
PROVIDER = Actor(ActorRole.PROVIDER, label="stripe")
VISITOR = Actor(ActorRole.VISITOR, label="visitor")
INSURED = Actor(ActorRole.VISITOR, label="insured")
"""Who has the link by which an insured person is asked to agree."""


READINGS_OF_CONTRACT, READINGS_OF_VISIT = "evidence_of", "looks_at"
"""By which the attribution of a journey of readings says of what it is."""


def journey_of_readings(of: UUID) -> UUID:
    """The journey in which it is entered who read about a contract, named by its application, or about a visit that led
    to none, named by its journey: one for each, without gaps.
    """
    return uuid5(of, "evidence")


def journey_of_visit(application_id: UUID, session_id: UUID) -> UUID:
    """The journey of a later visit to a contract: one for each in which its customer is signed in."""
    return uuid5(application_id, f"visit:{session_id}")
