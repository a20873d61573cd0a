"""Addresses of machines, databases, logs and mailboxes, as settings give them, and of people, as desks see them."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

UNGUARDED = "DATABASE_…URL to another machine needs ?sslmode=verify-full"
NO_ORIGIN = "LOG_ORIGIN is a name without blanks and without +, such as insurance.example/log"
LOCAL = "local"
IMAPS = 993
_PLAIN_NAME = re.compile(r"[a-z0-9.-]{1,120}")


def masked(email: str) -> str:
    """Enough of an address for a desk to recognise it, too little to write to it: `l…@customer.example`."""
    name, _, host = email.partition("@")
    return f"{name[:1]}…@{host}"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A folder of mails at a server that speaks IMAP under TLS."""

    host: str
    port: int
    user: str
    folder: str


def mailbox(url: str) -> Mailbox | None:
    """The mailbox that `imaps://user@host[:port][/folder]` names (an @ in the user is written %40), or None."""
    try:
        parts = urlsplit(url)
        port = parts.port or IMAPS
    except ValueError:
        return None
    folder = unquote(parts.path.removeprefix("/")) or "INBOX"
    spelled = all(each.isprintable() and not set(each) & set('"\\') for each in (folder, unquote(parts.username or "")))
    if parts.scheme != "imaps" or not parts.hostname or not parts.username or parts.password or not spelled:
        return None
    return Mailbox(parts.hostname, port, unquote(parts.username), folder)


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_guarded(database_url: str) -> bool:
    """Whether what is said to this database stays on the machine or travels under a verified certificate."""
    parts = urlsplit(database_url)
    asked = parse_qs(parts.query)
    hosts = [host for host in (parts.hostname, *asked.get("host", ())) if host]
    local = all(host.startswith("/") or is_loopback(host) for host in hosts)
    return local or asked.get("sslmode") == ["verify-full"]


def origin_of_log(given: str, public_url: str) -> str:
    """The name of the evidence log: as given, else after the site."""
    return given or f"{urlsplit(public_url).hostname or ''}/log"


def is_origin_of_log(name: str) -> bool:
    """Whether it can be the name of a key and the first line of a checkpoint (c2sp.org/signed-note)."""
    return bool(name) and name.isprintable() and not any(each.isspace() or each == "+" for each in name)


def time_authorities(setting: str) -> dict[str, str]:
    """Who stamps the time (RFC 3161), by name: addresses with a comma between, each called by its host. The word
    `local`, or nothing at all, is the authority of one's own, which has no address.
    """
    given = [each.strip() for each in setting.split(",")] if setting.strip() else [LOCAL]
    return {(urlsplit(each).hostname or each): ("" if each == LOCAL else each) for each in given}


def are_time_authorities(setting: str) -> bool:
    """Whether no two have one name, and each name can be one of a file."""
    named = time_authorities(setting)
    return len(named) == setting.count(",") + 1 and all(map(_PLAIN_NAME.fullmatch, named))
