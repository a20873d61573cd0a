"""`python -m tests.faults.mailbox FD FOLDER`: a mail server that listens on an open socket and keeps what it takes.

Each message is a file of its own, in a folder named by its recipient, and is on the disk before it is taken.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Keeping:
    """What the server does with a message."""

    folder: Path

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's
        for recipient in envelope.rcpt_tos:
            place = self.folder / recipient
            place.mkdir(parents=True, exist_ok=True)
            name = f"{time.time_ns()}"
            with (place / f".{name}").open("wb") as file:
                file.write(envelope.original_content or b"")
                file.flush()
                os.fsync(file.fileno())
            (place / f".{name}").rename(place / f"{name}.eml")
        return "250 OK"


def mails(folder: Path, recipient: str = "*") -> Iterator[bytes]:
    """What was taken, in its order; for one recipient, or for all."""
    for path in sorted(folder.glob(f"{recipient}/*.eml"), key=lambda each: each.name):
        yield path.read_bytes()


async def serve(listener: socket.socket, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Keeping(folder), hostname="localhost"), sock=listener)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])))
