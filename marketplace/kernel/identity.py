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
    ABANDONED = "abandoned"
    CONSENT_DECLINED = "consent_declined"
    COUNTRY_UNKNOWN = "country_unknown"
    KIND_UNKNOWN = "kind_unknown"
    NO_CAMERA = "no_camera"
    UNREADABLE = "unreadable"
    FACE_DIFFERS = "face_differs"
    FACE_UNREADABLE = "face_unreadable"
    CANCELED = "canceled"
    UNCLEAR = "unclear"


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


def is_name_in_document(told: str, first: str, last: str) -> bool:
    """Whether this is the name of a document that is read by its parts: the family name first or last, parts of Chinese
    names written together or apart. Case, accents, hyphens and apostrophes do not count: machine-readable lines have
    none (ICAO Doc 9303 part 3, section 6). A part that is missing does.
    """
    letters = letters_of(told)
    return letters in {letters_of(last + first), letters_of(first + last)} and bool(letters)


def letters_of(name: str) -> str:
    """A name without what is written in many ways: case, accents, blanks, hyphens, dots."""
    apart = unicodedata.normalize("NFKD", name).casefold()
    return "".join(each for each in apart if unicodedata.category(each)[0] in "LN")


def _spelled(name: str) -> str:
    composed = unicodedata.normalize("NFC", name).casefold().translate(_MIDDLE_DOTS)
    return " ".join(unicodedata.normalize("NFC", composed).split())
