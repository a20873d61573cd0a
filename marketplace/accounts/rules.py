"""Pure decisions about addresses, passwords, tries and codes.

Sources: OWASP ASVS 5.0.0 chapter 6 (length instead of composition, common and context words refused, limits), and the
figures of the design's reliability study, sections 1 and 4.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from email_validator import EmailNotValidError, validate_email

from marketplace.accounts.values import Bucket, CodePurpose, NewInsurer, NewStaff
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid

# Long enough that a leaked argon2id hash is not worth the guessing, short enough for three words; no rule about
# which characters (ASVS 6.2.1, 6.2.5), and no upper end that a password manager would meet (ASVS 6.2.9).
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
FEWEST_DIFFERENT = 5
LONGEST_NAME = 80
CODE_DIGITS = 6

_COMMON = Path(__file__).with_name("common_passwords.txt")
_OUR_WORDS = frozenset({"evenfold", "hengye", "insurance", "password", "passphrase"})
_SHORTEST_WORD = 4
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f<>@/\\{}]")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_IPV6_NETWORK = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` within `window`, counted from the first try."""

    tries: int
    window: timedelta


LIMITS: Mapping[Bucket, Limit] = {
    Bucket.CODE_OF_ADDRESS: Limit(5, timedelta(minutes=15)),
    Bucket.CODE_OF_SOURCE: Limit(20, timedelta(minutes=15)),
    Bucket.TRY_OF_CODE: Limit(5, timedelta(hours=1)),
    Bucket.TRY_OF_SOURCE: Limit(30, timedelta(minutes=15)),
    Bucket.SIGN_IN_OF_ADDRESS: Limit(10, timedelta(minutes=5)),
    Bucket.SIGN_IN_OF_SOURCE: Limit(10, timedelta(minutes=5)),
    Bucket.CHECK_OF_SOURCE: Limit(30, timedelta(minutes=15)),
}

LIFETIMES: Mapping[CodePurpose, timedelta] = {
    CodePurpose.APPLICATION_EMAIL: timedelta(minutes=10),
    CodePurpose.FIND_PURCHASE: timedelta(minutes=10),
    CodePurpose.CONFIRM_ADDRESS: timedelta(minutes=30),
    CodePurpose.RESET_PASSWORD: timedelta(minutes=30),
}


def exceeded(bucket: Bucket, count: int) -> bool:
    """Whether the `count`-th try of a window is one too many."""
    return count > LIMITS[bucket].tries


def window_ends(bucket: Bucket, window_start: datetime) -> datetime:
    return window_start + LIMITS[bucket].window


def minutes(purpose: CodePurpose) -> int:
    """For how many minutes a code or link works."""
    return int(LIFETIMES[purpose].total_seconds()) // 60


def counted_source(source: str) -> str:
    """The part of a network address that one subscriber holds: an IPv6 /64, or the address itself."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return str(address)


def address(email: str) -> str:
    """The one spelling of a mail address, lower case. Raises Invalid(email)."""
    try:
        parsed = validate_email(email.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise Invalid({"email": _("Please enter an e-mail address such as name@example.com.")}) from None
    return (parsed.ascii_email or parsed.normalized).lower()


def person_name(name: str) -> str:
    """The name as given, without outer blanks. It goes into mails, so nothing in it may pass for a link."""
    stripped = name.strip()
    if not stripped:
        raise Invalid({"name": _("Please enter your name.")})
    if len(stripped) > LONGEST_NAME or _NOT_IN_NAMES.search(stripped) or "www." in stripped.lower():
        raise Invalid({"name": _("Please enter a name of at most %(most)s letters.", most=LONGEST_NAME)})
    return stripped


def check_password(password: str, email: str, name: str = "") -> None:
    """Raises Invalid(password) with the one thing to change. The password is taken as typed, blanks included."""
    if problem := _password_problem(password, email, name):
        raise Invalid({"password": problem})


def _password_problem(password: str, email: str, name: str) -> str | None:
    if len(password) < SHORTEST_PASSWORD:
        return _("Please use at least %(least)s characters; three or four words do well.", least=SHORTEST_PASSWORD)
    if len(password) > LONGEST_PASSWORD:
        return _("Please use at most %(most)s characters.", most=LONGEST_PASSWORD)
    folded = password.casefold()
    if len(set(folded)) < FEWEST_DIFFERENT:
        return _("This password repeats the same few characters. Please choose another.")
    if folded in common_passwords() or _core(folded) in _guessed_first():
        return _("This is one of the first passwords that others would guess. Please choose another.")
    if _core(folded) in _words_of(email, name):
        return _("This password is made of your name or address. Please choose another.")
    return None


def _core(folded: str) -> str:
    """What is left of `Password2024!!` (password) or `qwertyqwerty` (qwerty): the word people dress up."""
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    repeated = re.fullmatch(r"(.+?)[\W\d_]*(?:\1[\W\d_]*)+", bare)
    return repeated[1] if repeated else bare


def _words_of(email: str, name: str) -> frozenset[str]:
    local, _at, domain = email.casefold().partition("@")
    words = {
        email.casefold(),
        local,
        domain,
        domain.partition(".")[0],
        name.casefold(),
        name.casefold().replace(" ", ""),
    }
    words |= set(re.split(r"[\W_]+", f"{local} {name.casefold()}"))
    return frozenset(word for word in words if len(word) >= _SHORTEST_WORD)


@cache
def common_passwords() -> frozenset[str]:
    lines = _COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(line.casefold() for line in lines if line and not line.startswith("#"))


@cache
def _guessed_first() -> frozenset[str]:
    """The words inside common passwords, and our own."""
    cores = {_core(password) for password in common_passwords()}
    return frozenset(core for core in cores if len(core) >= _SHORTEST_WORD) | _OUR_WORDS


def check_insurer(new: NewInsurer) -> None:
    """Raises Invalid for what the pages could not show."""
    faults: dict[str, str] = {}
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,39}", new.code):
        faults["code"] = _("A code has 2 to 40 small letters, digits and hyphens.")
    if not _COLOUR.fullmatch(new.colour):
        faults["colour"] = _("A colour is written #rrggbb in small letters.")
    if len(new.mark) not in {1, 2}:
        faults["mark"] = _("A mark has one or two characters.")
    if faults:
        raise Invalid(faults)


def check_staff(new: NewStaff) -> None:
    """Raises Invalid unless the role is a staff role, with an insurer exactly where the role is an insurer's."""
    if not new.role.is_staff:
        raise Invalid({"role": _("Customers open their accounts themselves.")})
    if new.role.value.startswith("insurer") != (new.insurer_id is not None):
        raise Invalid({"insurer_id": _("Staff of an insurer, and nobody else, belong to an insurer.")})
