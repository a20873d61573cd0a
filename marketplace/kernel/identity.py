"""Words for proving who somebody is: what a person says of themself, the document they show, and what does not fit."""

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

_MIDDLE_DOTS = str.maketrans(dict.fromkeys("•・‧∙⋅", "·"))  # between the parts of a name, typed in many ways
LAST_SHOWN = 4


class DocumentKind(StrEnum):
    """A card with a citizen identity number (GB 11643), or a passport (ICAO Doc 9303)."""

    RESIDENT_CARD = "resident_card"
    PASSPORT = "passport"


class Flaw(StrEnum):
    """Why an identity was not found to be proven."""

    NUMBER_MALFORMED = "number_malformed"
    REGION_UNKNOWN = "region_unknown"
    CHECK_DIGIT = "check_digit"
    BIRTH_DIFFERS = "birth_differs"
    SEX_DIFFERS = "sex_differs"
    NAME_DIFFERS = "name_differs"
    VALIDITY_MISSING = "validity_missing"
    VALIDITY_DIFFERS = "validity_differs"
    EXPIRED = "expired"
    NOT_ADULT = "not_adult"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who somebody says they are; `sex` (`female`, `male`) where it was told."""

    name: str
    birth_on: date
    sex: str | None = None


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """What stands in it. `number` may be the whole lower line of a passport's machine-readable zone; `valid_until` is
    its last day, None for a card without an end.
    """

    kind: DocumentKind
    name: str
    number: str
    valid_until: date | None = None

    @property
    def last_digits(self) -> str:
        """Enough of the number to recognise the document by."""
        return tidy_number(self.number)[-LAST_SHOWN:]


def tidy_number(number: str) -> str:
    """Capital letters and digits, without the blanks and hyphens that people put between them."""
    return "".join(unicodedata.normalize("NFKC", number).split()).replace("-", "").upper()


def is_same_name(one: str, other: str) -> bool:
    """Whether both spell one name: in any case, with any blanks, composed or not (NFC), with any middle dot."""
    return _spelled(one) == _spelled(other)


def _spelled(name: str) -> str:
    composed = unicodedata.normalize("NFC", name).casefold().translate(_MIDDLE_DOTS)
    return " ".join(unicodedata.normalize("NFC", composed).split())
