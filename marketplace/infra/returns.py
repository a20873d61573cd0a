"""The mailbox to which undeliverable mails come back, read over IMAP (RFC 9051) under TLS.

A report stays there until it was put away; who reads it again after a crash finds it again.
"""

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from marketplace.kernel.addresses import Mailbox
from marketplace.kernel.errors import Unavailable

LARGEST = 4 * 1024 * 1024
"""Bytes of a report that is read. Most give the whole message back; ours are smaller by far."""
MOST_AT_ONCE = 200
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class ReturnsUnavailable(Unavailable):
    """The mailbox of returns cannot be read at the moment."""

    code = "mail:returns-unavailable"


@dataclass(frozen=True, slots=True)
class Report:
    """A mail that lies there. `content` is None where it is larger than `LARGEST`."""

    content: bytes | None
    _put_away: Callable[[bool], None]

    def put_away(self, *, keep: bool) -> None:
        """Delete it, or keep it there marked for a person to look at; neither is read again."""
        self._put_away(keep)


class Returns(Protocol):
    def reports(self) -> Iterator[Report]: ...


class ImapReturns:
    """One connection for each reading; certificates are checked against the machine's trusted roots."""

    def __init__(self, at: Mailbox, password: str, timeout_seconds: float = 20.0) -> None:
        self._at, self._password, self._timeout = at, password, timeout_seconds

    def reports(self) -> Iterator[Report]:
        """What nobody has read yet, oldest first, some at a time. Raises ReturnsUnavailable."""
        with _our_errors(), self._connection() as box:
            (found,) = _answer(box.uid("SEARCH", "UNSEEN", "UNDELETED"))
            for uid in (found or b"").decode().split()[:MOST_AT_ONCE]:
                yield Report(_content(box, uid), _putting_away(box, uid))

    @contextmanager
    def _connection(self) -> Iterator[imaplib.IMAP4]:
        at = self._at
        box = imaplib.IMAP4_SSL(at.host, at.port, ssl_context=ssl.create_default_context(), timeout=self._timeout)
        try:
            box.login(at.user, self._password)
            _answer(box.select(f'"{at.folder}"'))
            yield box
            box.close()  # what is marked as deleted goes
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                box.logout()


def _content(box: imaplib.IMAP4, uid: str) -> bytes | None:
    """Without marking it as seen. It is asked how large it is before it is fetched."""
    (told,) = _answer(box.uid("FETCH", uid, "(RFC822.SIZE)"))
    size = _SIZE.search(told if isinstance(told, bytes) else b"")
    if size is None or int(size[1]) > LARGEST:
        return None
    (fetched, *_) = _answer(box.uid("FETCH", uid, "(BODY.PEEK[])"))
    return bytes(fetched[1]) if isinstance(fetched, tuple) else None


def _putting_away(box: imaplib.IMAP4, uid: str) -> Callable[[bool], None]:
    def put_away(keep: bool) -> None:  # noqa: FBT001  called by the report alone
        _answer(box.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen \Flagged)" if keep else r"(\Seen \Deleted)"))

    return put_away


def _answer(given: tuple[str, list[Any]]) -> list[Any]:
    state, data = given
    if state != "OK":
        raise ReturnsUnavailable(f"the mailbox of returns answers {state}")
    return data


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except (imaplib.IMAP4.error, OSError) as failure:
        raise ReturnsUnavailable(type(failure).__name__) from failure
