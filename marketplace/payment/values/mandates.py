"""A card that a customer lets us keep for the later premiums of one contract."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.traceability.values import Actor


class MandateState(StrEnum):
    """`asked`: the customer agreed and is to give the card on the provider's page. `lapsed`: none was given there."""

    ASKED = "asked"
    KEPT = "kept"
    STOPPED = "stopped"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Card:
    """What may be said of a card: `brand` as the provider names it, the last four digits, and until when it is good."""

    brand: str
    last4: str
    month: int
    year: int


@dataclass(frozen=True, slots=True)
class AskMandate:
    """The customer of a contract agrees to `wording_sha256`: a card may be kept and charged for its later premiums.
    `page_version_id` names the page on which that was agreed to, in the visit `visit_id`; `journey_id` is the sale's.
    """

    contract_id: UUID
    wording_sha256: str
    email: str
    locale: str
    success_url: str
    cancel_url: str
    journey_id: UUID
    application_id: UUID
    insurer_id: UUID
    actor: Actor
    page_version_id: str | None = None
    visit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Mandate:
    """`card` is None before it is given, and once what was known of it is erased."""

    id: UUID
    contract_id: UUID
    state: MandateState
    card: Card | None
    asked_at: datetime
    kept_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CardKept:
    """The provider keeps the card of a customer for us."""

    mandate_id: UUID
    contract_id: UUID
