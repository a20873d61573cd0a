"""A mail that was taken may still come back: who was to get it, staff and the next mail to that address know of it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.correspondence import queries, services
from marketplace.correspondence.jobs import read_reports
from marketplace.correspondence.models import MessageRow
from marketplace.correspondence.services import returning
from marketplace.correspondence.values import (
    DeliveryReport,
    MessageBounced,
    MessageKind,
    MessageSent,
    MessageState,
    NotResendable,
    ReportOutcome,
    TrailOf,
)
from marketplace.infra import jobs, mail, metrics, returns, storage, vault
from marketplace.infra.db import db
from marketplace.infra.returns import ImapReturns, ReturnsUnavailable
from marketplace.kernel.addresses import Mailbox
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import NotFound
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import EntryType, TrailUnavailable
from tests.deferred_jobs import drain, waiting
from tests.factories.correspondence import a_message
from tests.factories.delivery_reports import a_report
from tests.factories.traceability import a_journey
from tests.fakes.imap_server import PASSWORD, Folder, imap_server

SENDER, RETURNS = "Evenfold <service@evenfold.example>", "returns@evenfold.example"

pytestmark = pytest.mark.usefixtures("database")


class Post:
    """Takes everything."""

    keeps_copies = False

    def __init__(self) -> None:
        self.given: list[tuple[str, str, bytes]] = []

    def deliver(self, eml: bytes, *, sender: str, recipient: str) -> None:
        self.given.append((sender, recipient, eml))


@pytest.fixture
def folder(certificate: Path) -> Iterator[Folder]:
    with imap_server(certificate) as mailbox:
        yield mailbox


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch, folder: Folder, certificate: Path) -> Post:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(mail, "_post", None)
    monkeypatch.setattr(jobs, "_subscribers", {MessageSent: (), MessageBounced: ("a.subscriber",)})
    transport = Post()
    at = Mailbox(folder.host, folder.port, "returns", "INBOX")
    mail.configure(transport, SENDER, RETURNS, ImapReturns(at, PASSWORD, timeout_seconds=2.0))
    return transport


def sent(command=None) -> UUID:
    assert services.queue(command or a_message())
    drain("correspondence")
    return queries.inbox(1)[0].id


def header(message_id: UUID) -> str:
    return f"<{message_id}@evenfold.example>"


def counted(outcome: ReportOutcome) -> float:
    return metrics.RETURNS.labels(outcome.value)._value.get()  # type: ignore[no-any-return]


def test_what_cannot_be_delivered_comes_back_to_an_address_of_its_own(post: Post) -> None:
    sent()
    ((sender, recipient, eml),) = post.given
    assert (sender, recipient) == (RETURNS, "li.na@customer.example")
    assert b"From: Evenfold <service@evenfold.example>" in eml


def test_a_mail_that_came_back_is_known_with_its_code_rings_and_is_in_the_trail(
    post: Post, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    journey_id, application_id = a_journey(), uuid4()
    message_id = sent(a_message(trail=TrailOf(journey_id, application_id)))
    report = a_report(header(message_id))
    folder.put(report)
    read_reports()
    message = queries.message(message_id)
    assert (message.state, message.bounce_status) == (MessageState.BOUNCED, "5.1.1")
    assert message.bounced_at is not None
    assert message.sent_at is not None
    assert f"ALARM message {message_id} (policy_issued) came back: 5.1.1" in caplog.text
    assert "li.na" not in caplog.text
    *_, entry = journey_entries(journey_id)
    assert (entry.type, entry.application_id) == (EntryType.MAIL_BOUNCED, application_id)
    assert entry.body == {
        "kind": "policy_issued",
        "message_id": header(message_id),
        "status": "5.1.1",
        "report_sha256": sha256_hex(report),
    }
    assert waiting().count("a.subscriber") == 1
    assert folder.mails == {}, "it is not read again"


def test_the_report_that_starts_the_clock_again_is_kept_as_long_as_the_contract(post: Post, folder: Folder) -> None:
    application_id = uuid4()
    message_id = sent(a_message(trail=TrailOf(a_journey(), application_id)))
    report = a_report(header(message_id))
    folder.put(report)
    read_reports()
    assert storage.get(sha256_hex(report), application_id) == report
    vault.destroy(application_id)
    db.session.commit()
    with pytest.raises(vault.DataDestroyed):
        storage.get(sha256_hex(report), application_id)


def test_a_report_on_what_was_erased_is_noted_and_not_kept(post: Post, folder: Folder) -> None:
    application_id = uuid4()
    message_id = sent(a_message(trail=TrailOf(a_journey(), application_id)))
    services.forget_application(application_id)
    vault.destroy(application_id)
    db.session.commit()
    report = a_report(header(message_id))
    folder.put(report)
    read_reports()
    assert queries.message(message_id).state is MessageState.BOUNCED
    with pytest.raises(NotFound):
        storage.get(sha256_hex(report))


def test_other_reports_are_not_kept(post: Post, folder: Folder) -> None:
    message_id = sent(a_message(MessageKind.REFUND_MADE))
    report = a_report(header(message_id))
    folder.put(report)
    read_reports()
    assert queries.message(message_id).state is MessageState.BOUNCED
    with pytest.raises(NotFound):
        storage.get(sha256_hex(report))


def test_a_mail_that_came_back_can_be_sent_again_with_the_same_bytes(post: Post, folder: Folder) -> None:
    message_id = sent()
    folder.put(a_report(header(message_id)))
    read_reports()
    services.resend(message_id)
    drain("correspondence")
    assert queries.message(message_id).state is MessageState.SENT
    assert len(post.given) == 2
    assert len(set(post.given)) == 1


def test_what_somebody_is_not_owed_comes_back_without_ringing(post: Post, folder: Folder, caplog) -> None:
    message_id = sent(a_message(MessageKind.PASSWORD_RESET))
    folder.put(a_report(header(message_id)))
    read_reports()
    assert queries.message(message_id).state is MessageState.BOUNCED
    assert "ALARM" not in caplog.text
    with pytest.raises(NotResendable):
        services.resend(message_id)


@pytest.mark.parametrize(("status", "written"), [("5.1.1", False), ("5.7.1", False), ("4.4.7", True), ("", False)])
def test_an_address_that_takes_no_mail_gets_only_what_is_needed(
    post: Post,
    folder: Folder,
    status: str,
    written: bool,  # noqa: FBT001  of the table above
) -> None:
    message_id = sent()
    folder.put(a_report(header(message_id), status=status))
    read_reports()
    assert services.queue(a_message(MessageKind.COMPARISON_LINK)) is written
    assert services.queue(a_message(MessageKind.COMPARISON_LINK, recipient="LI.NA@customer.example")) is written
    assert services.queue(a_message(MessageKind.COMPARISON_LINK, recipient="another@customer.example")) is True
    assert services.queue(a_message(MessageKind.APPLICATION_CODE)) is True, "whoever mended the mailbox gets in"
    assert services.queue(a_message(MessageKind.POLICY_ISSUED)) is True


def test_where_a_mail_arrived_since_everything_is_written_again(post: Post, folder: Folder) -> None:
    message_id, other = sent(), sent(a_message(recipient="another@customer.example"))
    for each in (message_id, other):
        folder.put(a_report(header(each)))
    read_reports()
    assert queries.comes_back("li.na@customer.example")
    sent(a_message(MessageKind.APPLICATION_CODE))
    assert not queries.comes_back("li.na@customer.example")
    assert services.queue(a_message(MessageKind.COMPARISON_LINK)) is True
    assert queries.comes_back("another@customer.example"), "nothing arrived there"
    assert services.queue(a_message(MessageKind.COMPARISON_LINK, recipient="another@customer.example")) is False


def test_what_was_sent_before_it_came_back_says_nothing_of_now(post: Post, folder: Folder) -> None:
    sent(a_message(MessageKind.APPLICATION_CODE))
    folder.put(a_report(header(sent())))
    read_reports()
    assert queries.comes_back("li.na@customer.example")


def test_a_server_that_still_tries_changes_nothing(post: Post, folder: Folder) -> None:
    message_id = sent()
    folder.put(a_report(header(message_id), action="delayed", status="4.4.1"))
    folder.put(a_report(header(message_id), action="relayed", status="2.0.0"))
    read_reports()
    assert queries.message(message_id).state is MessageState.SENT
    assert waiting() == []
    assert folder.mails == {}


def test_a_report_that_is_told_twice_or_again_after_a_crash_changes_nothing(post: Post, folder: Folder) -> None:
    journey_id = a_journey()
    message_id = sent(a_message(trail=TrailOf(journey_id)))
    before = len(journey_entries(journey_id))
    report = a_report(header(message_id))
    assert services.take_report(report) is ReportOutcome.BOUNCED
    db.session.rollback()  # the worker died before it could say so
    folder.put(report)
    folder.put(report)
    read_reports()
    assert queries.message(message_id).state is MessageState.BOUNCED
    assert len(journey_entries(journey_id)) == before + 1
    assert waiting().count("a.subscriber") == 1


def test_where_it_dies_before_the_commit_the_report_stays_in_the_mailbox(
    post: Post, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = sent()
    folder.put(a_report(header(message_id)))
    with monkeypatch.context() as dying:
        dying.setattr(db.session, "commit", lambda: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError, match="killed"):
            read_reports()
    db.session.rollback()
    assert queries.message(message_id).state is MessageState.SENT
    assert len(folder.mails) == 1
    read_reports()
    assert queries.message(message_id).state is MessageState.BOUNCED


def test_a_report_on_what_has_not_left_changes_nothing(post: Post) -> None:
    assert services.queue(a_message())
    db.session.commit()
    message_id = queries.inbox(1)[0].id
    assert services.take_report(a_report(header(message_id))) is ReportOutcome.NOT_SENT
    assert queries.message(message_id).state is MessageState.QUEUED


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (a_report(f"<{uuid4()}@evenfold.example>"), ReportOutcome.UNKNOWN),
        (b"Subject: out of office\r\n\r\nBack on Monday.\r\n", ReportOutcome.UNREADABLE),
        (b"\xff\x00" * 300, ReportOutcome.UNREADABLE),
        (a_report() + b"x" * 2000, ReportOutcome.TOO_LARGE),
    ],
    ids=["forged", "an answer", "noise", "enormous"],
)
def test_what_says_nothing_of_our_mails_is_counted_and_kept_for_a_person(
    post: Post, folder: Folder, monkeypatch: pytest.MonkeyPatch, content: bytes, outcome: ReportOutcome
) -> None:
    message_id = sent()
    before = counted(outcome)
    if outcome is ReportOutcome.TOO_LARGE:
        monkeypatch.setattr(returns, "LARGEST", 1500)
    folder.put(content)
    read_reports()
    read_reports()
    assert queries.message(message_id).state is MessageState.SENT
    assert waiting() == []
    assert counted(outcome) == before + 1, "read once"
    assert (list(folder.mails.values()), folder.flags[1]) == ([content], {r"\Seen", r"\Flagged"})
    assert any("BODY" in each for each in folder.asked) is (outcome is not ReportOutcome.TOO_LARGE)


def test_one_that_cannot_be_read_does_not_keep_the_others_from_being_read(post: Post, folder: Folder) -> None:
    ids = [sent(a_message(recipient=f"{who}@customer.example")) for who in "ab"]
    for content in (b"noise", a_report(header(ids[0])), b"\x00", a_report(header(ids[1]))):
        folder.put(content)
    read_reports()
    assert {queries.message(each).state for each in ids} == {MessageState.BOUNCED}


@pytest.mark.parametrize(
    "forged", ["<a\x00b@evenfold.example>", "<a\x7fb@evenfold.example>", "<\u00fcb@evenfold.example>"]
)
def test_a_name_that_no_database_takes_is_put_away_and_the_next_is_read(
    post: Post, folder: Folder, caplog: pytest.LogCaptureFixture, forged: str
) -> None:
    message_id = sent()
    folder.put(a_report(forged))
    folder.put(a_report(header(message_id)))
    read_reports()
    assert queries.message(message_id).state is MessageState.BOUNCED
    assert (list(folder.mails.values()), folder.flags[1]) == ([a_report(forged)], {r"\Seen", r"\Flagged"})
    assert "could not be taken" not in caplog.text, "it is not even asked for"


def test_what_raises_is_put_away_without_a_trace_and_the_next_is_read(
    post: Post, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [sent(a_message(recipient=f"{who}@customer.example")) for who in "ab"]
    before, noted = counted(ReportOutcome.UNREADABLE), returning._note

    def raising(row: MessageRow, report: DeliveryReport, content: bytes) -> None:
        noted(row, report, content)
        if row.id == ids[0]:
            db.session.execute(text("SELECT 1 / 0"))

    monkeypatch.setattr(returning, "_note", raising)
    for each in ids:
        folder.put(a_report(header(each)))
    read_reports()
    read_reports()
    assert [queries.message(each).state for each in ids] == [MessageState.SENT, MessageState.BOUNCED]
    assert waiting().count("a.subscriber") == 1, "nothing is told of what was taken back"
    assert counted(ReportOutcome.UNREADABLE) == before + 1, "read once"
    assert (len(folder.mails), folder.flags[1]) == (1, {r"\Seen", r"\Flagged"})


def test_what_cannot_be_entered_now_rings_and_stays_unread(
    post: Post, folder: Folder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = sent(a_message(trail=TrailOf(a_journey())))
    folder.put(a_report(header(message_id)))
    with monkeypatch.context() as away:
        away.setattr(returning, "record_act", lambda _: (_ for _ in ()).throw(TrailUnavailable))
        read_reports()
    assert "ALARM what mail servers send back cannot be read" in caplog.text
    assert queries.message(message_id).state is MessageState.SENT
    assert (len(folder.mails), folder.flags.get(1, set())) == (1, set())
    read_reports()
    assert queries.message(message_id).state is MessageState.BOUNCED


@pytest.mark.parametrize("refused", ["LOGIN", "SELECT", "SEARCH", "FETCH", "STORE"])
def test_a_mailbox_that_does_not_answer_rings_and_is_read_the_next_time(
    post: Post, folder: Folder, caplog: pytest.LogCaptureFixture, refused: str
) -> None:
    message_id = sent()
    folder.put(a_report(header(message_id)))
    folder.refuses = refused
    read_reports()
    assert "ALARM what mail servers send back cannot be read" in caplog.text
    assert len(folder.mails) == 1
    folder.refuses = ""
    read_reports()
    assert queries.message(message_id).state is MessageState.BOUNCED
    assert folder.mails == {}


@pytest.mark.asvs("12.3.2")
def test_a_mailbox_that_nobody_vouches_for_gets_no_password(
    post: Post, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ReturnsUnavailable):
        list(mail.returned())
    assert folder.asked == []


def test_without_a_mailbox_nothing_is_read(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    mail.configure(post, SENDER)
    read_reports()
    assert list(services.take_reports()) == []


@pytest.mark.parametrize(
    "change",
    ["state = 'bounced'", "bounced_at = now()", "bounce_status = '5.1.1'", "sent_at = NULL"],
)
def test_the_table_refuses_half_of_it(post: Post, change: str) -> None:
    sent()
    with pytest.raises(IntegrityError):
        db.session.execute(text(f"UPDATE correspondence_message SET {change}"))
    db.session.rollback()
