"""Pure decisions about contracts."""

import re
from collections.abc import Container, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from marketplace.catalog.values import Frequency, Profile, Risk, Term
from marketplace.kernel.dates import add_months
from marketplace.kernel.errors import Invalid
from marketplace.kernel.money import Money
from marketplace.kernel.transitions import Table
from marketplace.policy.values import (
    CoverPeriod,
    CoverState,
    DocumentEvent,
    DocumentState,
    Ending,
    Ground,
    Instalment,
    IssuePolicy,
    NotForSale,
    PaperKind,
    PaperMatch,
    PersonRole,
)

CHECK_CODE_LENGTH = 8  # 24**8 codes, about 37 bits: far beyond what the limits of the check page let anyone try
# A day of the contract begins and ends where the insurer's market is.
ZONES: Mapping[Profile, str] = {
    Profile.CN_PERSONAL: "Asia/Shanghai",
    Profile.CN_NONLIFE: "Asia/Shanghai",
    Profile.EU_NONLIFE: "Europe/Brussels",
    Profile.UK: "Europe/London",
}

_S, _E = DocumentState, DocumentEvent
DOCUMENT_LIFE: Table[DocumentState, DocumentEvent] = Table(
    DocumentState,
    DocumentEvent,
    {
        (_S.DUE, _E.RENDERED): _S.RENDERED,
        (_S.DUE, _E.SEALED): "there is nothing to seal yet",
        (_S.DUE, _E.UNPRINTABLE): _S.FAILED,
        (_S.DUE, _E.ASKED_AGAIN): "it is being made",
        (_S.RENDERED, _E.RENDERED): "it is set already",
        (_S.RENDERED, _E.SEALED): _S.SEALED,
        (_S.RENDERED, _E.UNPRINTABLE): "it is set already",
        (_S.RENDERED, _E.ASKED_AGAIN): "it is being made",
        (_S.SEALED, _E.RENDERED): "a sealed document is never made again",
        (_S.SEALED, _E.SEALED): "a document is sealed once",
        (_S.SEALED, _E.UNPRINTABLE): "a sealed document is never made again",
        (_S.SEALED, _E.ASKED_AGAIN): "a sealed document is never made again",
        (_S.FAILED, _E.RENDERED): "somebody has to look at it first",
        (_S.FAILED, _E.SEALED): "there is nothing to seal",
        (_S.FAILED, _E.UNPRINTABLE): "it is known to be unprintable",
        (_S.FAILED, _E.ASKED_AGAIN): _S.DUE,
    },
)

_PREFIXES = {PaperKind.RECEIPT: "RC", PaperKind.REFUND_LETTER: "RL"}
SEAL_HOLDS = "sealed"
_UNKNOWN = {"no-seal": Ground.NO_SEAL, "unreadable": Ground.UNREADABLE}

OURS = "EF"
_OURS_WITHIN = re.compile(r"(?<![0-9A-Z])EF-(?:(?!EF-)[0-9A-Z-])+?-\d{4}-\d{6}(?![0-9A-Z])")
_WORD = re.compile(r"[0-9A-Z][0-9A-Z-]{0,63}")
_NUMBER = re.compile(r"[0-9A-Z][0-9A-Z-]{2,38}[0-9A-Z]")
_LENGTHS = range(4, 41)
_PREFIX = re.compile(r"[A-Z][0-9A-Z]*(-[0-9A-Z]+)*-?")
LONGEST_PREFIX = 24
DIGITS = range(3, 13)
_SEPARATORS = re.compile(r"[^0-9A-Z]+")


def withdrawable_until(concluded_at: datetime, days: int | None, zone: str) -> datetime:
    """When the cooling-off period is over: with the last moment of its last day where the contract is at home; at once
    where there is none. It runs from the conclusion, as the document follows within seconds.
    """
    if not days:
        return concluded_at
    last = concluded_at.astimezone(ZoneInfo(zone)).date() + timedelta(days=days)
    return datetime.combine(last + timedelta(days=1), time.min, ZoneInfo(zone)).astimezone(UTC)


def policy_number(insurer_code: str, year: int, sequence: int) -> str:
    """Such as EF-HARBOUR-2026-000042."""
    return f"EF-{insurer_code.upper()}-{year:04d}-{sequence:06d}"


def paper_number(kind: PaperKind, year: int, sequence: int) -> str:
    """Such as RC-2026-000042, for a paper that has a number of its own."""
    return f"{_PREFIXES[kind]}-{year:04d}-{sequence:06d}"


def allotted_number(prefix: str, digits: int, sequence: int) -> str:
    """Such as HL26-004711, of an insurer's own range."""
    return f"{prefix}{sequence:0{digits}d}"


def require_range(prefix: str, first: str, last: str) -> None:
    """Refuse what is no range of an insurer's numbers: as many digits from first to last, under a prefix in capitals
    that is not ours. Raises Invalid naming each fault.
    """
    faults: dict[str, str] = {}
    if len(prefix) > LONGEST_PREFIX or not _PREFIX.fullmatch(prefix):
        faults["prefix"] = "a prefix is capitals, digits and single hyphens, at most 24, and begins with a letter"
    elif compact_number(prefix).startswith(OURS):
        faults["prefix"] = f"numbers that begin with {OURS} are the marketplace's own"
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        faults["last"] = "first and last are digits"
    elif len(first) != len(last) or len(last) not in DIGITS or first > last:
        faults["last"] = "first and last have as many digits, 3 to 12, and go upwards"
    if faults:
        raise Invalid(faults)


def compact_number(text: str) -> str:
    """What a person typed for a policy number: capitals, without blanks, dashes and hyphens."""
    return _SEPARATORS.sub("", text.upper())


def numbers_in(text: str) -> tuple[str, ...]:
    """What a text holds that may be a policy number, compact, each once: ours however they are spaced; and as insurers
    have numbers of their own, every word with a digit, also what follows a hyphen in it (names of files begin with what
    they are), and also with the digits after it.
    """
    capitals = text.upper()
    ours = _OURS_WITHIN.findall(_SEPARATORS.sub("-", capitals))
    words = _WORD.findall(capitals)
    tails = (word[at:] for word in words for at in (0, *(hyphen.end() for hyphen in re.finditer("-", word))))
    pairs = (word + digits for word, digits in pairwise(words) if digits.isdigit())
    found = (compact_number(each) for each in (*ours, *tails, *pairs))
    return tuple(dict.fromkeys(each for each in found if len(each) in _LENGTHS and re.search(r"\d", each)))


def is_number(number: str) -> bool:
    """Whether a contract may have it: it stands in names of files and in addresses."""
    return _NUMBER.fullmatch(number) is not None


def read_check_code(text: str) -> str:
    """The code a person meant: capitals, without blanks and hyphens."""
    return _SEPARATORS.sub("", text.upper())


def require_complete(command: IssuePolicy) -> None:
    """Refuse a contract whose lines do not add up or that names nobody. Raises Invalid naming each fault."""
    faults: dict[str, str] = {}
    total = sum((line.amount for line in command.premium_lines), Money.zero(command.premium.currency))
    if total != command.premium:
        faults["premium_lines"] = f"the lines add up to {total}, the premium is {command.premium}"
    roles = [person.role for person in command.persons]
    if roles.count(PersonRole.APPLICANT) != 1:
        faults["persons"] = "exactly one applicant is named"
    elif PersonRole.INSURED not in roles:
        faults["persons"] = "an insured person is named"
    if faults:
        raise Invalid(faults)


def zone_of(profile: Profile) -> str:
    """The contract's time zone (IANA name). Raises NotForSale for rates that cannot be bought."""
    if not profile.can_be_bought:
        raise NotForSale
    return ZONES[profile]


def period(term: Term, risk: Risk, start_on: date, zone: str) -> CoverPeriod:
    """First and last day of cover: a year from 1 March lasts until the end of February."""
    return CoverPeriod(start_on, term.end_of(start_on, risk) - timedelta(days=1), zone)


def instalments(start_on: date, frequency: Frequency, times: int, premium: Money) -> tuple[Instalment, ...]:
    """The premiums after the first of `times`, each of `premium`, which is exact for each (PER-03).

    Each falls due on the day of the month on which cover began, or on the last day of a month that has no such day.
    Every day is counted from the first day of cover, never from the day before it: what began on 31 January is due on
    28 February and on 31 March again, and on 29 February where there is one.
    """
    each = frequency.months
    return tuple(Instalment(n + 1, add_months(start_on, n * each), premium) for n in range(1, times if each else 1))


def cover_on(day: date, period: CoverPeriod, ended_on: date | None = None, ending: Ending | None = None) -> CoverState:
    """Both the first and the last day are covered; `day` is a day of the contract's time zone. A contract that came to
    its end covers nothing afterwards, nor before its first day; one that was withdrawn from ends at that moment, and is
    not in force on that day any more.
    """
    if ended_on is not None and (day > ended_on or (day == ended_on and ending == Ending.WITHDRAWN)):
        return CoverState.ENDED
    if day < period.start_on:
        return CoverState.NOT_STARTED
    return CoverState.IN_FORCE if day <= period.end_on else CoverState.ENDED


def match_of(whole: str, beginnings: Container[str], sealed: str) -> PaperMatch:
    """What a file has of the paper that was found for it: by the hashes of the file, of its beginnings, and of the
    paper as it was sealed.
    """
    if whole == sealed:
        return PaperMatch.WHOLE
    return PaperMatch.EXTENDED if sealed in beginnings else PaperMatch.UNSEALED


def ground_of(
    match: PaperMatch, seal: str, *, known_signer: bool = False, erased: bool = False, latest: bool = True
) -> Ground:
    """The answer to a file: valid is only what is ours to the last byte *and* holds its seal, for a few bytes of a
    seal's container are covered by no signature, and what is on record may have been altered.

    `seal` is what `signing.check` found.
    """
    match match:
        case PaperMatch.WHOLE if seal == SEAL_HOLDS:
            return Ground.ERASED if erased else Ground.AS_ISSUED if latest else Ground.REPLACED
        case PaperMatch.EXTENDED:
            return Ground.ADDED_TO
        case PaperMatch.WHOLE | PaperMatch.UNSEALED:
            return Ground.SEAL_BROKEN
    if known_signer:
        return Ground.NOT_ON_RECORD if seal == SEAL_HOLDS else Ground.ALTERED
    return _UNKNOWN.get(seal, Ground.FOREIGN_SEAL)


def require_ending(how: Ending, on: date, period: CoverPeriod, concluded_on: date, today: date) -> None:
    """Refuse an end that cannot be the contract's: what is kept is counted from it (T26-46).

    It is known once it is past, an expiry when its last day is over; nothing ends before it was concluded or after it
    would have run out. All are days of the contract's time zone. Raises Invalid.
    """
    if how is Ending.EXPIRED:
        if on != period.end_on or today <= on:
            raise Invalid({"on": "a contract expires with its last day of cover"})
    elif not concluded_on <= on <= min(today, period.end_on):
        raise Invalid({"on": "a contract ends between its conclusion and its last day of cover, and not in the future"})
