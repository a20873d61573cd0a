"""What the person typed on the payment page, checked."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.stripe_simulator.cards import BY_NUMBER, TestCard, passes_luhn
from sandbox.stripe_simulator.hosted.wording import Wording
from sandbox.stripe_simulator.resources.payment_methods import Payer

NUMBER_LENGTHS = range(13, 20)
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class CardForm:
    """Fields as text. A card number is only ever shown again when it is a published test card's."""

    email: str = ""
    number: str = ""
    expiry: str = ""
    cvc: str = ""
    name: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> "CardForm":
        return cls(**{field: sent.get(field, "").strip()[:LONGEST_TEXT] for field in cls.__slots__})

    @property
    def digits(self) -> str:
        return re.sub(r"[\s-]", "", self.number)

    @property
    def card(self) -> TestCard | None:
        return BY_NUMBER.get(self.digits)

    @property
    def expires(self) -> tuple[int, int] | None:
        """(month, year with century)."""
        match = re.fullmatch(r"(0?[1-9]|1[0-2])\s*[/-]?\s*(?:20)?(\d\d)", self.expiry)
        return (int(match[1]), 2000 + int(match[2])) if match else None

    def payer(self) -> Payer:
        return Payer(expires=self.expires or (0, 0), name=self.name or None, email=self.email)

    def problems(self, words: Wording, now: float) -> dict[str, str]:
        """Field to sentence, in the order of the page; empty when the card can be tried."""
        today = time.gmtime(now)
        expires = self.expires
        cvc_length = 4 if self.card is not None and self.card.brand == "amex" else 3
        found: dict[str, str] = {}
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", self.email):
            found["email"] = words.email_wrong
        if (
            not self.digits.isascii()
            or not self.digits.isdigit()
            or len(self.digits) not in NUMBER_LENGTHS
            or not passes_luhn(self.digits)
        ):
            found["number"] = words.number_wrong
        elif self.card is None:
            found["number"] = words.number_not_test
        if expires is None or (expires[1], expires[0]) < (today.tm_year, today.tm_mon):
            found["expiry"] = words.expiry_wrong
        if not re.fullmatch(rf"[0-9]{{{cvc_length}}}", self.cvc):
            found["cvc"] = words.cvc_wrong
        return found
