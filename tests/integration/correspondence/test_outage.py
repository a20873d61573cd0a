"""A mail server that is gone for an hour, or answers in every way in which it does not take a mail: nothing is lost.

The clock is ours; nobody waits. Each mail arrives once it is taken, under its one Message-ID, with the same bytes.
"""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from uuid import UUID

import pytest
from sqlalchemy import text

from marketplace.correspondence import queries, rules, services
from marketplace.correspondence.values import Attachment, MessageBounced, MessageFilter, MessageSent, MessageState
from marketplace.infra import jobs, mail, storage
from marketplace.infra.db import db
from marketplace.infra.mail import SmtpSettings, SmtpTransport
from marketplace.kernel import clock
from tests.deferred_jobs import drain
from tests.factories.correspondence import a_message
from tests.fakes.mail_server import Mailbox, free_port, mail_server

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
WHO = [f"customer-{number}@customer.example" for number in range(5)]
GREETED, HEARD = b"220 mx.example ESMTP\r\n", b"250 OK\r\n"

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Where mails are sent to; nobody listens there yet."""
    monkeypatch.setattr(mail, "_post", None)
    monkeypatch.setattr(jobs, "_subscribers", {MessageSent: (), MessageBounced: ()})
    at = free_port()
    settings = SmtpSettings("127.0.0.1", at, tls="none", timeout_seconds=0.2)
    mail.configure(SmtpTransport(settings), "Evenfold <service@evenfold.example>", "returns@evenfold.example")
    return at


@pytest.fixture
def ids(port: int) -> list[UUID]:
    """Five mails with a paper under a Chinese name, written and waiting."""
    paper = Attachment("保单-EF-HARBOUR-2026-000042.pdf", "application/pdf", storage.put(b"%PDF-1.7 sealed\r\n"))
    with clock.frozen(NOON):
        for recipient in WHO:
            assert services.queue(a_message(recipient=recipient, attachments=(paper,), locale="zh_Hans_CN"))
        db.session.commit()
    return [next(each.id for each in queries.inbox() if each.recipient == who) for who in WHO]


@contextmanager
def rude_server(port: int, says: list[bytes]) -> Iterator[list[bytes]]:
    """One that answers each line of the client with the next of these, and then hangs up; what it was told."""
    told: list[bytes] = []

    class Rude(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            first, *others = says
            self.wfile.write(first)
            for answer in others:
                told.append(self.rfile.readline())
                self.wfile.write(answer)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True

    with Server(("127.0.0.1", port), Rude) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent_server(port: int) -> Iterator[None]:
    """One that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", port), backlog=64):
        yield


@contextmanager
def putting_off_server(port: int) -> Iterator[None]:
    """One that knows nobody yet (greylisting)."""
    with mail_server(port) as mailbox:
        mailbox.recipient_answers = ["450 4.7.1 come again later"] * 1000
        yield
        assert mailbox.taken == []


TROUBLES = {
    "nobody listens": None,
    "it greets nobody": lambda port: rude_server(port, [b"421 too busy\r\n"]),
    "it hangs up after the greeting": lambda port: rude_server(port, [GREETED]),
    "it hangs up after the sender": lambda port: rude_server(port, [GREETED, HEARD, HEARD]),
    "it hangs up in the middle of the mail": lambda port: rude_server(
        port, [GREETED, HEARD, HEARD, HEARD, b"354 go on\r\n"]
    ),
    "it refuses the sender": lambda port: rude_server(port, [GREETED, HEARD, b"550 not you\r\n", HEARD, HEARD]),
    "it says nothing": silent_server,
    "it puts everybody off": putting_off_server,
}


def minutes_pass(first: int, last: int) -> None:
    """Do what is due at each of these minutes after noon."""
    for minute in range(first, last + 1):
        with clock.frozen(NOON + timedelta(minutes=minute)):
            drain("correspondence")


def states() -> dict[MessageState, int]:
    db.session.commit()
    return {state: number for state, number in queries.state_counts(NOON - timedelta(days=1)).items() if number}


def assert_each_arrived_once(mailbox: Mailbox, ids: list[UUID]) -> None:
    assert sorted(recipient for (recipient,), _ in mailbox.taken) == WHO
    for (recipient,), eml in mailbox.taken:
        message_id = ids[WHO.index(recipient)]
        assert eml == queries.message_eml(message_id)
        assert message_from_bytes(eml)["Message-ID"] == f"<{message_id}@evenfold.example>"
        (file,) = queries.message_parts(message_id).files
        assert (file.name, file.content) == ("保单-EF-HARBOUR-2026-000042.pdf", b"%PDF-1.7 sealed\r\n")


@pytest.mark.parametrize("trouble", TROUBLES)
def test_an_hour_without_a_mail_server_loses_and_doubles_nothing(port: int, ids: list[UUID], trouble: str) -> None:
    begin = TROUBLES[trouble]
    if begin is None:
        minutes_pass(0, 60)
    else:
        with begin(port):
            minutes_pass(0, 60)
    assert states() == {MessageState.READY: len(ids)}
    written = [queries.message_eml(each) for each in ids]
    tries = {queries.message(each).attempts for each in ids}
    assert min(tries) >= 8, "it was tried all the while"
    assert max(tries) <= 12, "with growing pauses"
    troubled = queries.outlines(MessageFilter(), 1, 25)
    assert troubled.total == len(ids), "staff see them"
    with mail_server(port) as mailbox:
        minutes_pass(61, 95)
    assert states() == {MessageState.SENT: len(ids)}
    assert_each_arrived_once(mailbox, ids)
    assert [queries.message_eml(each) for each in ids] == written, "the bytes of the first try"
    assert queries.outlines(MessageFilter(), 1, 25).total == 0
    with mail_server(port) as mailbox:
        minutes_pass(96, 130)
    assert mailbox.taken == [], "and never again"


def test_a_server_that_took_it_and_died_before_it_said_so_gets_the_same_again(port: int, ids: list[UUID]) -> None:
    """Nobody can know whether it has it: the reader's program sees one Message-ID."""
    all_of_it = [GREETED, HEARD, HEARD, HEARD, b"354 go on\r\n"]
    with rude_server(port, [*all_of_it, *([b""] * 400)]):
        minutes_pass(0, 1)
    assert states() == {MessageState.READY: len(ids)}
    with mail_server(port) as mailbox:
        minutes_pass(2, 30)
    assert_each_arrived_once(mailbox, ids)


def test_who_is_refused_for_good_fails_once_is_shown_and_keeps_nobody_else(
    port: int, ids: list[UUID], caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server(port) as mailbox:
        mailbox.recipient_answers = ["550 5.1.1 no such user"]
        minutes_pass(0, 60)
        assert states() == {MessageState.SENT: len(ids) - 1, MessageState.FAILED: 1}
        assert len(mailbox.taken) == len(ids) - 1
    (failed,) = queries.outlines(MessageFilter(), 1, 25).messages
    assert (failed.state, failed.attempts, failed.last_failure) == (MessageState.FAILED, 1, "recipient refused (550)")
    assert failed.resendable is True
    assert caplog.text.count("ALARM") == 1
    services.resend(failed.id)
    with mail_server(port) as after:
        minutes_pass(61, 62)
    (((recipient,), eml),) = after.taken
    assert (recipient, eml) == (queries.message(failed.id).recipient, queries.message_eml(failed.id))
    assert states() == {MessageState.SENT: len(ids)}


def test_a_message_that_is_refused_for_good_is_not_tried_again(port: int, ids: list[UUID]) -> None:
    with mail_server(port) as mailbox:
        mailbox.answers = ["554 5.7.1 refused"] * len(ids)
        minutes_pass(0, 60)
    assert mailbox.taken == []
    assert states() == {MessageState.FAILED: len(ids)}
    assert {queries.message(each).attempts for each in ids} == {1}
    assert db.session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")) == 0


def test_two_days_of_trying_are_the_most(port: int, ids: list[UUID]) -> None:
    spent = timedelta(seconds=sum(rules.pause_after(each) or 0 for each in range(1, rules.MOST_ATTEMPTS)))
    assert timedelta(days=2) < spent < timedelta(days=3)
