"""A real SMTP server in this process that keeps what it takes and can be told to refuse."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """What arrived, byte for byte; `answers` are given first, one for each message, before it says yes."""

    host: str = "127.0.0.1"
    port: int = 0
    answers: list[str] = field(default_factory=list)
    recipient_answers: list[str] = field(default_factory=list)
    taken: list[tuple[list[str], bytes]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.recipient_answers:
            return self.recipient_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        content = envelope.original_content or b""
        self.taken.append((list(envelope.rcpt_tos), content))
        return "250 OK"


def free_port() -> int:
    """A port of this machine that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mail_server(port: int | None = None, **demands: Any) -> Iterator[Mailbox]:
    """A server on this port of this machine, or on a free one. `demands` are those of `aiosmtpd.smtp.SMTP`."""
    mailbox = Mailbox(port=port or free_port())
    controller = Controller(mailbox, hostname=mailbox.host, port=mailbox.port, **demands)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
