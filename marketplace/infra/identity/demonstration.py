"""A verifier for demonstrations: what a document can say by itself is checked, and no register is asked.

Citizen identity numbers by GB 11643-1999 (place, date of birth, order, check character of ISO 7064 MOD 11-2); the lower
line of a passport's machine-readable zone by ICAO Doc 9303 part 4 (check digits of part 3, 4.9).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent

from marketplace.infra.identity import Verdict
from marketplace.kernel.dates import add_years, age_on
from marketplace.kernel.identity import Claim, DocumentKind, Flaw, IdentityDocument, is_same_name, tidy_number

ADULT_AGE = 18
# Cards of residents from Hong Kong, Macao and Taiwan (State Council, 2018) have these places, whenever they were born.
# `stdnum` knows the first two for years since the handover only, the third not at all.
_PLACES_WITHOUT_COUNTIES = ("810000", "820000", "830000")
_PLACE = 6
_BIRTH = slice(6, 14)
_CARD = re.compile(r"\d{17}[\dX]", re.ASCII)
_PRINTED = re.compile(r"[A-Z0-9]{6,9}", re.ASCII)
_LINE = re.compile(
    r"(?P<number>[A-Z0-9<]{9})(?P<number_digit>\d)[A-Z<]{3}(?P<birth>\d{6})(?P<birth_digit>\d)(?P<sex>[FMX<])"
    r"(?P<end>\d{6})(?P<end_digit>\d)(?P<personal>[A-Z0-9<]{14})(?P<personal_digit>[\d<])(?P<all_digit>\d)",
    re.ASCII,
)
_WEIGHTS = (7, 3, 1)
_SEXES = {"F": "female", "M": "male"}
_SPECIMEN_PLACE = "110101"
_SPECIMEN_ORDERS = {"female": "998", "male": "999"}
_LONGEST_VALIDITY = 10  # years; passports are of ten at most (ICAO Doc 9303 part 2)


@dataclass(frozen=True, slots=True)
class _Said:
    """What the number itself tells; None where it tells nothing."""

    birth_on: date | None = None
    sex: str | None = None
    valid_until: date | None = None


class _FlawFound(Exception):
    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw)
        self.flaw = flaw


class DemonstrationVerifier:
    """Looks at the document alone."""

    method = "demonstration"

    def verify(self, claim: Claim, document: IdentityDocument, today: date, key: str) -> Verdict:
        """The same document always has the same flaws, so `key` is only what the check is called by."""
        try:
            said = _said_by(document, today)
        except _FlawFound as found:
            return Verdict(f"demo-{key}", found.flaw)
        return Verdict(f"demo-{key}", next(_flaws(claim, document, said, today), None))

    def specimen(self, claim: Claim) -> str:
        return specimen_number(claim.birth_on, claim.sex or "female")


def specimen_number(born_on: date, sex: str = "female") -> str:
    """A citizen identity number of somebody born on this day, within the last hundred years, that fits every rule and
    is nobody's: GB 11643 keeps the orders 996 to 999 for people older than that.
    """
    known = f"{_SPECIMEN_PLACE}{born_on:%Y%m%d}{_SPECIMEN_ORDERS[sex]}"
    return known + ric.calc_check_digit(f"{known}0")


def _said_by(document: IdentityDocument, today: date) -> _Said:
    number = tidy_number(document.number)
    if document.kind is DocumentKind.RESIDENT_CARD:
        return _card(number)
    if _PRINTED.fullmatch(number):
        return _Said()
    return _machine_readable(number, today)


def _flaws(claim: Claim, document: IdentityDocument, said: _Said, today: date) -> Iterator[Flaw]:
    """In the order in which a person would look."""
    if not is_same_name(document.name, claim.name):
        yield Flaw.NAME_DIFFERS
    if said.birth_on not in {None, claim.birth_on}:
        yield Flaw.BIRTH_DIFFERS
    if said.sex is not None and claim.sex is not None and said.sex != claim.sex:
        yield Flaw.SEX_DIFFERS
    if None not in {said.valid_until, document.valid_until} and said.valid_until != document.valid_until:
        yield Flaw.VALIDITY_DIFFERS
    until = said.valid_until or document.valid_until
    if until is None and document.kind is DocumentKind.PASSPORT:
        yield Flaw.VALIDITY_MISSING
    if until is not None and until < today:
        yield Flaw.EXPIRED
    if age_on(today, claim.birth_on) < ADULT_AGE:
        yield Flaw.NOT_ADULT


def _card(number: str) -> _Said:
    """Of 18 characters: six of the place, eight of the day of birth, three of the order, one to check them."""
    if not _CARD.fullmatch(number):
        raise _FlawFound(Flaw.NUMBER_MALFORMED)
    if ric.calc_check_digit(number) != number[-1]:
        raise _FlawFound(Flaw.CHECK_DIGIT)
    try:
        if number[:_PLACE] not in _PLACES_WITHOUT_COUNTIES:
            ric.validate(number)
        born_on = ric.get_birth_date(number)
    except (InvalidComponent, KeyError) as error:  # KeyError: a province that has no counties
        raise _FlawFound(Flaw.REGION_UNKNOWN if _is_day(number[_BIRTH]) else Flaw.NUMBER_MALFORMED) from error
    return _Said(born_on, "male" if int(number[-2]) % 2 else "female")


def _is_day(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def _machine_readable(line: str, today: date) -> _Said:
    """The lower line of a passport's machine-readable zone, 44 characters."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise _FlawFound(Flaw.NUMBER_MALFORMED)
    parts = found.groupdict()
    whole = line[:10] + line[13:20] + line[21:43]
    checked = ("number", "birth", "end", "personal")
    digits = all(check_digit(parts[each]) == parts[f"{each}_digit"].replace("<", "0") for each in checked)
    if not digits or check_digit(whole) != parts["all_digit"]:
        raise _FlawFound(Flaw.CHECK_DIGIT)
    latest_end = add_years(today, _LONGEST_VALIDITY + 1)
    return _Said(_day(parts["birth"], today), _SEXES.get(parts["sex"]), _day(parts["end"], latest_end))


def check_digit(characters: str) -> str:
    """ICAO Doc 9303 part 3, 4.9: digits are themselves, A is 10 … Z is 35, the filler `<` is 0; weights 7, 3, 1."""
    values = (0 if each == "<" else int(each, 36) for each in characters)
    return str(sum(value * _WEIGHTS[place % 3] for place, value in enumerate(values)) % 10)


def _day(digits: str, latest: date) -> date:
    """Of two digits of the year each: the last such day that is not after `latest`."""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    century = latest.year - latest.year % 100
    try:
        found = date(century + year, month, day)
        return found if found <= latest else date(century - 100 + year, month, day)
    except ValueError as error:
        raise _FlawFound(Flaw.NUMBER_MALFORMED) from error
