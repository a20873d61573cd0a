"""The mail server: finished messages go out as they are (RFC 5321), or stay in a demonstration.

`deliver` returns when the server has taken the message, and raises `MailUnavailable` (try again) or `MailRefused`
(this recipient or this message never will be taken).
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Literal, Protocol

from marketplace.infra import metrics
from marketplace.infra.dkim import Signer
from marketplace.infra.returns import Report, Returns
from marketplace.kernel.errors import Refused, Unavailable

PERMANENT = 500  # reply codes from 500 on are final (RFC 5321, 4.2.1)


class MailUnavailable(Unavailable):
    """The mail server does not take mail at the moment."""

    code = "mail:unavailable"


class MailRefused(Refused):
    """The mail server will not take this message for this recipient."""

    code = "mail:refused"


class Transport(Protocol):
    """`keeps_copies` says that messages stay readable here after delivery, codes and links included."""

    keeps_copies: bool

    def deliver(self, eml: bytes, *, sender: str, recipient: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where the server is. `timeout_seconds` bounds each step of the conversation."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str = ""
    password: str = ""
    timeout_seconds: float = 20.0


class SmtpTransport:
    """One connection for each message; certificates are checked against the machine's trusted roots."""

    keeps_copies = False

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    def deliver(self, eml: bytes, *, sender: str, recipient: str) -> None:
        with _our_errors(), self._connection() as server:
            server.sendmail(sender, [recipient], eml)

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        at = self._settings
        if at.tls == "implicit":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                at.host, at.port, timeout=at.timeout_seconds, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(at.host, at.port, timeout=at.timeout_seconds)
        with server:
            if at.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if at.username:
                server.login(at.username, at.password)
            yield server


class DemonstrationTransport:
    """Delivers nothing: the stored message is what the demonstration's inbox shows."""

    keeps_copies = True

    def deliver(self, eml: bytes, *, sender: str, recipient: str) -> None:
        """Nothing leaves this machine."""


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as refusal:
        ((code, _),) = refusal.recipients.values()
        raise (MailRefused if code >= PERMANENT else MailUnavailable)(f"recipient refused ({code})") from refusal
    except smtplib.SMTPDataError as refusal:
        code = refusal.smtp_code
        raise (MailRefused if code >= PERMANENT else MailUnavailable)(f"message refused ({code})") from refusal
    except smtplib.SMTPException as failure:  # signing in, greeting, encryption: our set-up, which can be mended
        raise MailUnavailable(type(failure).__name__) from failure
    except OSError as failure:
        raise MailUnavailable(type(failure).__name__) from failure


@dataclass(frozen=True, slots=True)
class _Post:
    transport: Transport
    sender: str
    return_path: str
    returns: Returns | None
    signer: Signer | None


_post: _Post | None = None


def configure(
    transport: Transport,
    sender: str,
    return_path: str = "",
    returns: Returns | None = None,
    signer: Signer | None = None,
) -> None:
    """For the wiring: how mail leaves, from whom (`Name <address>`), where what cannot be delivered comes back (empty:
    to the sender), how that mailbox is read (None: not at all), and who signs (None: a relay, or nobody).
    """
    global _post  # noqa: PLW0603  one for each process, set at start
    if "@" not in parseaddr(sender)[1]:
        raise ValueError("the sender of mails needs an address")
    _post = _Post(transport, sender, return_path or parseaddr(sender)[1], returns, signer)


def _configured() -> _Post:
    if _post is None:
        raise MailUnavailable("mail is not configured")
    return _post


def sender() -> str:
    """The From of every mail."""
    return _configured().sender


def sender_address() -> str:
    return parseaddr(sender())[1]


def keeps_copies() -> bool:
    return _configured().transport.keeps_copies


def problems() -> list[str]:
    """Why this process cannot write mails, in words for whoever runs it; empty when it can."""
    signer = _configured().signer
    problem = signer.problem() if signer else None
    return [problem] if problem else []


def signed(eml: bytes) -> bytes:
    """A finished message with our domain's signature before it, where we sign ourselves. Raises Unavailable."""
    signer = _configured().signer
    return eml if signer is None else signer.sign(eml)


def deliver(eml: bytes, recipient: str) -> None:
    """Hand a finished message (CRLF line ends) to the mail server."""
    with metrics.timed(metrics.NEIGHBOURS, "mail"):
        post = _configured()
        post.transport.deliver(eml, sender=post.return_path, recipient=recipient)


def returned() -> Iterator[Report]:
    """What mail servers sent back and nobody has read yet; nothing where no mailbox is set. Raises
    ReturnsUnavailable.
    """
    returns = _configured().returns
    return iter(()) if returns is None else returns.reports()
