"""Pure decisions about addresses, passwords, tries and codes.

Sources: OWASP ASVS 5.0.0 chapter 6 (length instead of composition, common and context words refused, limits), and the
figures of the design's reliability study, sections 1 and 4.
"""

import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from email_validator import EmailNotValidError, validate_email

from marketplace.accounts.values import (
    Bucket,
    CodePurpose,
    Desk,
    FactorKind,
    Fault,
    NewInsurer,
    NewStaff,
    Role,
    Session,
)

# Long enough that a leaked argon2id hash is not worth the guessing, short enough for three words; no rule about
# which characters (ASVS 6.2.1, 6.2.5), and no upper end that a password manager would meet (ASVS 6.2.9).
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
FEWEST_DIFFERENT = 5
LONGEST_NAME = 80
CODE_DIGITS = 6

_COMMON = Path(__file__).parents[1] / "common_passwords.txt"
_OUR_WORDS = frozenset({"evenfold", "hengye", "insurance", "password", "passphrase"})
_SHORTEST_WORD = 4
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f<>@/\\{}]")
# `evil.com` and `t.co`, not `J.R. Smith` nor `J.Smith`.
_LIKE_A_HOST = re.compile(r"[^\W_]\.[a-z]{2,}|[^\W_]{2,}\.[^\W\d_]{2,}")
# With a domain of Latin letters, and with one of any letters.
_ADDRESSES = (
    re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+'&%-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z0-9]{2,63}"),
    re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+'&%-]{0,63}@(?:[\w-]{1,63}\.){1,8}\w{2,63}"),
)
_IPV6_NETWORK = 64
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` within `window`, counted from the first try."""

    tries: int
    window: timedelta


# Mailed proofs. Whoever asks is held to little: by source, and by source and address together. One address takes much,
# because strangers use that up too: as many codes a day as leave five hundred guesses in a million (each code takes
# five), and links only as long as one that was mailed still works. A browser that the account knows and a session of
# its own have each an allowance of their own.
LIMITS: Mapping[Bucket, Limit] = {
    Bucket.MAIL_OF_SOURCE: Limit(20, timedelta(minutes=15)),
    Bucket.MAIL_OF_PAIR: Limit(5, timedelta(minutes=15)),
    Bucket.MAIL_OF_PAIR_DAILY: Limit(10, timedelta(days=1)),
    Bucket.MAIL_OF_BROWSER: Limit(5, timedelta(minutes=15)),
    Bucket.MAIL_OF_SESSION: Limit(5, timedelta(minutes=15)),
    Bucket.CODE_OF_ADDRESS: Limit(100, timedelta(days=1)),
    Bucket.LINK_OF_ADDRESS: Limit(10, timedelta(minutes=30)),
    Bucket.TRY_OF_CODE: Limit(5, timedelta(hours=1)),
    Bucket.TRY_OF_SOURCE: Limit(30, timedelta(minutes=15)),
    Bucket.SIGN_IN_OF_PAIR: Limit(10, timedelta(minutes=5)),
    Bucket.SIGN_IN_OF_SOURCE: Limit(30, timedelta(minutes=5)),
    Bucket.SIGN_IN_OF_ADDRESS: Limit(50, timedelta(hours=1)),
    Bucket.FACTOR_OF_ACCOUNT: Limit(10, timedelta(minutes=15)),
    Bucket.FACTOR_OF_ACCOUNT_HOURLY: Limit(20, timedelta(hours=1)),
    Bucket.FACTOR_OF_ACCOUNT_DAILY: Limit(50, timedelta(days=1)),
    Bucket.FACTOR_TOLD: Limit(1, timedelta(days=1)),
    Bucket.CHECK_OF_SOURCE: Limit(30, timedelta(minutes=15)),
    Bucket.COMPARISON_OF_SOURCE: Limit(60, timedelta(minutes=15)),
    # A mail to whatever address somebody types: enough for a family, too little to be a nuisance.
    Bucket.SHARING_OF_SOURCE: Limit(10, timedelta(minutes=15)),
    Bucket.SHARING_OF_ADDRESS: Limit(5, timedelta(days=1)),
    Bucket.COPY_OF_POLICY: Limit(3, timedelta(days=1)),
    # Enough for slips of the pen and for fetching another document, too little to find a number by trying.
    Bucket.IDENTITY_OF_APPLICATION: Limit(5, timedelta(hours=1)),
    # A mail to somebody who did not ask for it.
    Bucket.INSURED_ASKED_OF_APPLICATION: Limit(5, timedelta(days=1)),
    Bucket.PAYMENT_OF_SOURCE: Limit(30, timedelta(minutes=15)),
    Bucket.RETURN_OF_SOURCE: Limit(30, timedelta(minutes=15)),
    Bucket.WAITING_OF_SOURCE: Limit(600, timedelta(minutes=15)),  # a page that waits asks every two seconds
    Bucket.LEAVING_OF_SOURCE: Limit(3000, timedelta(minutes=15)),  # as many as there are pages read behind one address
    Bucket.RECORDING_OF_SOURCE: Limit(6000, timedelta(minutes=15)),  # twenty a minute and page while something is done
    Bucket.FORM_OF_SOURCE: Limit(300, timedelta(minutes=15)),
    Bucket.REFUSAL_OF_SOURCE: Limit(100, timedelta(minutes=15)),
    Bucket.API_OF_SOURCE: Limit(300, timedelta(minutes=15)),
    Bucket.UPLOAD_OF_KEY: Limit(60, timedelta(hours=1)),
    Bucket.APPLICATION_OF_SOURCE: Limit(10, timedelta(hours=1)),
    # Questions to insurers: people read each of them. A number of the register is looked up, not all of them.
    Bucket.QUESTION_OF_SOURCE: Limit(20, timedelta(minutes=15)),
    Bucket.QUESTION_OF_ACCOUNT: Limit(30, timedelta(days=1)),
    Bucket.LOOKUP_OF_SOURCE: Limit(30, timedelta(minutes=15)),
    Bucket.REPORT_OF_SOURCE: Limit(10, timedelta(hours=1)),  # staff read each of them
}

LIFETIMES: Mapping[CodePurpose, timedelta] = {
    CodePurpose.APPLICATION_EMAIL: timedelta(minutes=10),
    CodePurpose.FIND_PURCHASE: timedelta(minutes=10),
    CodePurpose.CONFIRM_ADDRESS: timedelta(minutes=30),
    CodePurpose.RESET_PASSWORD: timedelta(minutes=30),
    CodePurpose.CONFIRM_IDENTITY: timedelta(minutes=10),
    CodePurpose.CONFIRM_APPLICANT: timedelta(days=2),
    CodePurpose.CONSULTATION_EMAIL: timedelta(minutes=10),
}


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts without a request (`idle`), and in all (`absolute`)."""

    idle: timedelta
    absolute: timedelta


# ASVS 7.1.1 asks for the figures and their reason: NIST SP 800-63B-4 allows one hour and 24 hours for what a customer
# does (2.2.3), 15 minutes and 12 hours where most is at stake (2.3.3); both are kept below that. A half-open session
# (password only) waits for its second step and for nothing else.
CUSTOMER_SESSION = SessionLimits(idle=timedelta(minutes=30), absolute=timedelta(hours=12))
STAFF_SESSION = SessionLimits(idle=timedelta(minutes=15), absolute=timedelta(hours=8))
HALF_OPEN_SESSION = SessionLimits(idle=timedelta(minutes=10), absolute=timedelta(minutes=10))
SEEN_AT_MOST_EVERY = timedelta(minutes=1)
PROOF_IS_FRESH = timedelta(minutes=10)
CEREMONY_LASTS = timedelta(minutes=5)
SESSION_KEPT_AFTER_THE_END = timedelta(days=30)

# Codes of an authenticator app, RFC 6238: six digits, 30 seconds; one step off for a clock that goes wrong.
STEP_SECONDS = 30
STEPS_OFF = 1
RECOVERY_CODES = 10
RECOVERY_CODE_LENGTH = 10  # of 24 characters: 45 bits
LONGEST_FACTOR_NAME = 60


def session_limits(role: Role, *, whole: bool) -> SessionLimits:
    if not whole:
        return HALF_OPEN_SESSION
    return STAFF_SESSION if role.is_staff else CUSTOMER_SESSION


def token_sha256(token: str) -> str:
    """Under which a session is kept; its token is random, so nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_whole(role: Role, second_factor_at: datetime | None) -> bool:
    """Whether all that the role needs was proven: of staff, a second factor."""
    return not role.is_staff or second_factor_at is not None


def session_lives(session: Session, role: Role, now: datetime) -> bool:
    idle = session_limits(role, whole=session.whole).idle
    return now < session.expires_at and now < session.last_seen_at + idle


def is_fresh(session: Session, now: datetime) -> bool:
    """Whether the person proved to be there lately enough for what is sensitive."""
    return session.whole and now - session.proven_at <= PROOF_IS_FRESH


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def device_words(user_agent: str) -> str:
    """`Firefox, Windows`: what the owner of a session knows it by. Empty when the browser says nothing we know."""
    parts = (_BROWSERS, _SYSTEMS)
    return ", ".join(filter(None, (next((name for mark, name in part if mark in user_agent), "") for part in parts)))


def steps_allowed(now: datetime) -> range:
    """The 30 seconds whose codes are taken at this instant, oldest first."""
    step = int(now.timestamp()) // STEP_SECONDS
    return range(step - STEPS_OFF, step + STEPS_OFF + 1)


def factor_name(typed: str, kind: FactorKind) -> str:
    """The name somebody gave a second step, shortened; its kind when they gave none."""
    return " ".join(_CONTROLS.sub(" ", typed).split())[:LONGEST_FACTOR_NAME] or kind.value


def recovery_spelled(typed: str) -> str:
    """A recovery code without what people put between its groups."""
    return re.sub(r"[\s-]", "", typed).upper()


def recovery_shown(code: str) -> str:
    """Two groups of five."""
    half = RECOVERY_CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"


def exceeded(bucket: Bucket, count: int) -> bool:
    """Whether the `count`-th try of a window is one too many."""
    return count > LIMITS[bucket].tries


def window_ends(bucket: Bucket, window_start: datetime) -> datetime:
    return window_start + LIMITS[bucket].window


def minutes(purpose: CodePurpose) -> int:
    """For how many minutes a code or link works."""
    return int(LIFETIMES[purpose].total_seconds()) // 60


def counted_source(source: str) -> str:
    """The part of a network address that one subscriber holds: an IPv6 /64, or the IPv4 address itself.

    An IPv4 address written as an IPv6 one (`::ffff:198.51.100.7`) counts as what it is: one /64 holds all of them.
    """
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return str(address)


def spelled(email: str) -> str | None:
    """The one spelling of a mail address, lower case; None when it is not one that mail can go to."""
    try:
        parsed = validate_email(email.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    return (parsed.ascii_email or parsed.normalized).lower()


def addresses_in(text: str) -> tuple[str, ...]:
    """The mail addresses that a text may mean, in their one spelling, each once. Where letters of another script follow
    without a blank, as in Chinese, that is the address without them and the one with them.
    """
    plain = unicodedata.normalize("NFKC", text)
    found = (spelled(each) for pattern in _ADDRESSES for each in pattern.findall(plain))
    return tuple(dict.fromkeys(each for each in found if each is not None))


def name_fault(name: str) -> Fault | None:
    """What is wrong with a person's name, outer blanks aside. Programs make links of what looks like an address, so
    nothing may; words are not judged, and no mail to an address that was not proven carries any.
    """
    stripped = name.strip()
    if not stripped:
        return Fault.NAME_MISSING
    if len(stripped) > LONGEST_NAME or _NOT_IN_NAMES.search(stripped) or _LIKE_A_HOST.search(stripped):
        return Fault.NAME_UNFIT
    return None


def password_fault(password: str, email: str, name: str = "") -> Fault | None:
    """The one thing to change about a new password, which is taken as typed, blanks included."""
    if len(password) < SHORTEST_PASSWORD:
        return Fault.PASSWORD_SHORT
    if len(password) > LONGEST_PASSWORD:
        return Fault.PASSWORD_LONG
    folded = password.casefold()
    if len(set(folded)) < FEWEST_DIFFERENT:
        return Fault.PASSWORD_REPEATS
    if folded in common_passwords() or _core(folded) in _guessed_first():
        return Fault.PASSWORD_COMMON
    if _core(folded) in _words_of(email, name):
        return Fault.PASSWORD_PERSONAL
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


def insurer_faults(new: NewInsurer) -> dict[str, Fault]:
    """By field: what the pages could not show."""
    checks = {
        "code": (Fault.INSURER_CODE, re.fullmatch(r"(?!apply$)[a-z0-9][a-z0-9-]{1,39}", new.code)),
        "colour": (Fault.INSURER_COLOUR, re.fullmatch(r"#[0-9a-f]{6}", new.colour)),
        "mark": (Fault.INSURER_MARK, len(new.mark) in {1, 2}),
    }
    return {field: fault for field, (fault, fits) in checks.items() if not fits}


def staff_faults(new: NewStaff) -> dict[str, Fault]:
    """By field: a role that is no staff role, or an insurer missing where the role is an insurer's, or too many."""
    if not new.role.is_staff:
        return {"role": Fault.ROLE_OF_CUSTOMER}
    if (new.role.desk is Desk.INSURER) != (new.insurer_id is not None):
        return {"insurer_id": Fault.INSURER_OF_STAFF}
    return {}
