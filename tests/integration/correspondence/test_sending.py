"""A message from the business transaction to the mail server: once each, the same bytes on every try, nothing lost."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import text

from marketplace.correspondence import queries, rules, services
from marketplace.correspondence.jobs import compose_message, send_message
from marketplace.correspondence.values import (
    Attachment,
    MessageKind,
    MessageNotFound,
    MessageSent,
    MessageState,
    NotResendable,
    TrailOf,
)
from marketplace.infra import jobs, mail, storage, vault
from marketplace.infra.db import db
from marketplace.infra.dkim import Signer
from marketplace.infra.mail import MailRefused, MailUnavailable, SmtpSettings, SmtpTransport
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Unavailable
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import EntryType
from tests.factories.correspondence import a_message
from tests.factories.traceability import a_journey
from tests.fakes.dkim_receiver import verified
from tests.fakes.mail_server import free_port, mail_server

PDF = b"%PDF-1.7 sealed\r\n"
SENDER = "Evenfold <service@evenfold.example>"

pytestmark = pytest.mark.usefixtures("database")


class Post:
    """A transport that answers as it is told and remembers what it was given."""

    def __init__(self, *, keeps_copies: bool = False) -> None:
        self.keeps_copies = keeps_copies
        self.errors: list[Exception] = []
        self.given: list[bytes] = []
        self.envelopes: set[tuple[str, str]] = set()

    def deliver(self, eml: bytes, *, sender: str, recipient: str) -> None:
        self.given.append(eml)
        self.envelopes.add((sender, recipient))
        if self.errors:
            raise self.errors.pop(0)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    monkeypatch.setattr(mail, "_post", None)
    monkeypatch.setattr(jobs, "_subscribers", {MessageSent: ("a.subscriber",)})
    transport = Post()
    mail.configure(transport, SENDER)
    return transport


def deferred() -> list[tuple[str, dict]]:
    """The jobs that wait, in order."""
    rows = db.session.execute(text("SELECT task_name, args FROM procrastinate_jobs ORDER BY id"))
    return [(row.task_name, row.args) for row in rows]


def run(name: str) -> None:
    """Run the oldest waiting job of that name as a worker does."""
    db.session.commit()
    row = db.session.execute(
        text("SELECT id, args FROM procrastinate_jobs WHERE task_name = :name ORDER BY id"), {"name": name}
    ).first()
    db.session.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": row.id})
    db.session.commit()
    jobs.run_once(jobs.known_tasks()[name], **row.args)


def queued(command=None) -> UUID:
    """The id of a message that was queued and committed."""
    assert services.queue(command or a_message())
    db.session.commit()
    return queries.inbox(1)[0].id


def ready(command=None) -> UUID:
    message_id = queued(command)
    run("correspondence.compose_message")
    return message_id


def test_a_message_is_queued_composed_and_sent(post: Post) -> None:
    message_id = queued()
    assert queries.message(message_id).state is MessageState.QUEUED
    assert deferred() == [("correspondence.compose_message", {"message_id": str(message_id)})]
    run("correspondence.compose_message")
    assert queries.message(message_id).state is MessageState.READY
    assert post.given == []
    run("correspondence.send_message")
    message = queries.message(message_id)
    assert (message.state, message.attempts) == (MessageState.SENT, 1)
    assert post.given == [queries.message_eml(message_id)]
    assert post.envelopes == {("service@evenfold.example", "li.na@customer.example")}
    assert queries.message_parts(message_id).message_id == f"<{message_id}@evenfold.example>"
    assert deferred() == [("a.subscriber", {"fact": {"message_id": str(message_id)}})]


def test_what_is_rolled_back_is_not_mailed(post: Post) -> None:
    assert services.queue(a_message())
    db.session.rollback()
    assert queries.inbox() == ()
    assert deferred() == []


def test_asking_twice_for_one_subject_mails_once(post: Post) -> None:
    first = a_message(subject_key="policy 42")
    assert services.queue(first) is True
    assert services.queue(a_message(subject_key="policy 42", recipient="else@customer.example")) is False
    db.session.commit()
    assert [each.recipient for each in queries.inbox()] == [first.recipient]
    assert len(deferred()) == 1


def test_a_job_that_runs_again_changes_and_sends_nothing(post: Post) -> None:
    message_id = ready()
    eml = queries.message_eml(message_id)
    compose_message(message_id)
    assert queries.message_eml(message_id) == eml
    run("correspondence.send_message")
    send_message(message_id)
    compose_message(message_id)
    assert len(post.given) == 1
    assert queries.message(message_id).attempts == 1


def test_a_crash_after_the_server_took_it_sends_the_same_bytes_again(post: Post) -> None:
    message_id = ready()
    send_message(message_id)
    db.session.rollback()  # the worker died before it could say so
    send_message(message_id)
    db.session.commit()
    assert post.given[0] == post.given[1]
    assert queries.message(message_id).state is MessageState.SENT


@pytest.mark.asvs("16.5.2")
def test_a_server_that_is_down_is_tried_again_later_with_the_same_bytes(post: Post) -> None:
    post.errors = [MailUnavailable("down"), MailUnavailable("still down")]
    message_id = ready()
    pauses = []
    for _ in range(2):
        run("correspondence.send_message")
        pauses.append(
            db.session.execute(
                text("SELECT extract(epoch FROM scheduled_at - now()) FROM procrastinate_jobs")
            ).scalar_one()
        )
        assert queries.message(message_id).state is MessageState.READY
    assert [round(float(pause)) for pause in pauses] == [5, 10]
    run("correspondence.send_message")
    assert queries.message(message_id).state is MessageState.SENT
    assert queries.message(message_id).attempts == 3
    assert len(set(post.given)) == 1


def test_a_mail_is_signed_once_and_every_try_sends_that(post: Post, tmp_path: Path) -> None:
    key = generate_private_key(65537, 2048)
    file = tmp_path / "dkim.key"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    mail.configure(post, SENDER, signer=Signer("evenfold.example", "autumn", file))
    assert mail.problems() == []
    post.errors = [MailUnavailable("down")]
    pdf = Attachment("保单-1.pdf", "application/pdf", storage.put(PDF))
    message_id = ready(a_message(attachments=(pdf,), locale="zh_Hans_CN"))
    run("correspondence.send_message")
    run("correspondence.send_message")
    assert len(post.given) == 2
    assert set(post.given) == {queries.message_eml(message_id)}
    assert verified(post.given[0], key.public_key(), "autumn") is not None
    assert queries.message_parts(message_id).files[0].content == PDF


def test_without_its_key_nothing_is_composed_and_the_job_is_tried_again(post: Post, tmp_path: Path) -> None:
    mail.configure(post, SENDER, signer=Signer("evenfold.example", "autumn", tmp_path / "nowhere"))
    message_id = queued()
    assert mail.problems() == ["DKIM_KEY cannot be read (No such file or directory)"]
    with pytest.raises(Unavailable):
        compose_message(message_id)
    db.session.rollback()
    assert queries.message(message_id).state is MessageState.QUEUED
    assert post.given == []


def test_a_refused_message_fails_at_once_raises_an_alarm_and_can_be_sent_again(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.errors = [MailRefused("no such user")]
    message_id = ready()
    run("correspondence.send_message")
    assert queries.message(message_id).state is MessageState.FAILED
    assert deferred() == []
    assert "ALARM" in caplog.text
    assert "li.na@customer.example" not in caplog.text
    services.resend(message_id)
    run("correspondence.send_message")
    assert queries.message(message_id).state is MessageState.SENT
    assert len(set(post.given)) == 1


def test_after_days_of_trying_the_message_fails_with_an_alarm(post: Post, monkeypatch, caplog) -> None:
    monkeypatch.setattr(rules, "MOST_ATTEMPTS", 2)
    post.errors = [MailUnavailable("down"), MailUnavailable("down")]
    message_id = ready()
    run("correspondence.send_message")
    run("correspondence.send_message")
    assert queries.message(message_id).state is MessageState.FAILED
    assert "ALARM" in caplog.text


def test_a_message_on_its_way_or_sent_is_not_sent_again(post: Post) -> None:
    message_id = ready()
    with pytest.raises(NotResendable):
        services.resend(message_id)
    run("correspondence.send_message")
    with pytest.raises(NotResendable):
        services.resend(message_id)
    assert len(post.given) == 1


@pytest.mark.parametrize("kind", [MessageKind.APPLICATION_CODE, MessageKind.PASSWORD_RESET])
def test_codes_and_links_do_not_stay_readable_once_sent(post: Post, kind: MessageKind) -> None:
    message_id = ready(a_message(kind))
    assert post.given == []
    run("correspondence.send_message")
    message = queries.message(message_id)
    assert (message.subject, message.readable) == (None, False)
    with pytest.raises(MessageNotFound):
        queries.message_eml(message_id)
    kept = db.session.execute(text("SELECT m::text FROM correspondence_message m")).scalar_one()
    assert "482913" not in kept
    assert "/reset/abc" not in kept
    assert "482913" not in str(deferred())


def test_a_demonstration_keeps_codes_for_its_inbox(post: Post) -> None:
    post.keeps_copies = True
    message_id = ready(a_message(MessageKind.APPLICATION_CODE))
    run("correspondence.send_message")
    assert "482913" in queries.message_parts(message_id).text


def test_a_farewell_forgets_to_whom_it_went_once_it_has_left(post: Post) -> None:
    message_id = ready(a_message(MessageKind.ACCOUNT_CLOSED))
    assert queries.message(message_id).recipient == "li.na@customer.example"
    run("correspondence.send_message")
    assert {recipient for _, recipient in post.envelopes} == {"li.na@customer.example"}
    message = queries.message(message_id)
    assert (message.state, message.recipient, message.subject, message.readable) == (MessageState.SENT, "", None, False)
    assert message.sent_at is not None
    assert queries.messages_for("li.na@customer.example", [], message.queued_at) == ()
    kept = db.session.execute(
        text("SELECT recipient, recipient_index, context, subject, eml FROM correspondence_message")
    ).one()
    assert set(kept) == {None}
    db.session.commit()
    vault.forget()
    with pytest.raises(vault.DataDestroyed):
        vault.open(message_id, "anything", b"\x01")


def test_a_farewell_that_nobody_takes_is_forgotten_too(post: Post) -> None:
    post.errors = [MailRefused("no such user")]
    message_id = ready(a_message(MessageKind.ACCOUNT_CLOSED))
    run("correspondence.send_message")
    message = queries.message(message_id)
    assert (message.state, message.recipient) == (MessageState.FAILED, "")
    with pytest.raises(NotResendable):
        services.resend(message_id)


def test_a_farewell_that_is_put_off_still_knows_where_to_go(post: Post) -> None:
    post.errors = [MailUnavailable("down")]
    message_id = ready(a_message(MessageKind.ACCOUNT_CLOSED))
    run("correspondence.send_message")
    assert queries.message(message_id).recipient == "li.na@customer.example"
    run("correspondence.send_message")
    assert len(set(post.given)) == 1
    assert queries.message(message_id).recipient == ""


def test_what_went_to_an_address_before_is_another_persons(post: Post, frozen_clock: datetime) -> None:
    application_id = uuid4()
    queued(a_message(MessageKind.PASSWORD_CHANGED))
    about = TrailOf(a_journey(), application_id)
    services.queue(a_message(MessageKind.APPLICATION_REFERRED, trail=about))
    with clock.frozen(frozen_clock + timedelta(hours=1)):
        services.queue(a_message(MessageKind.NEW_DEVICE))
        db.session.commit()
        found = queries.messages_for("li.na@customer.example", [application_id], clock.now())
    assert [message.kind for message, _ in found] == ["application_referred", "new_device"]


def test_other_messages_stay_readable(post: Post) -> None:
    message_id = ready()
    run("correspondence.send_message")
    assert queries.message(message_id).readable is True


def test_the_policy_travels_attached_and_its_sending_is_in_the_trail(post: Post) -> None:
    journey_id, application_id = a_journey(), uuid4()
    attachment = Attachment("保单-EF-HARBOUR-2026-000042.pdf", "application/pdf", storage.put(PDF))
    message_id = ready(a_message(attachments=(attachment,), trail=TrailOf(journey_id, application_id)))
    run("correspondence.send_message")
    (file,) = queries.message_parts(message_id).files
    assert (file.name, file.media_type, file.content) == (attachment.name, "application/pdf", PDF)
    (entry,) = journey_entries(journey_id)
    assert (entry.type, entry.application_id) == (EntryType.POLICY_MAILED, application_id)
    assert entry.body["eml_sha256"] == sha256_hex(queries.message_eml(message_id))
    assert "li.na" not in str(entry.body)


@pytest.mark.parametrize("kind", [MessageKind.APPLICATION_DECLINED, MessageKind.REFUND_MADE])
def test_every_other_mail_of_a_journey_is_in_its_trail_too(post: Post, kind: MessageKind) -> None:
    journey_id, application_id = a_journey(), uuid4()
    message_id = ready(a_message(kind, trail=TrailOf(journey_id, application_id)))
    run("correspondence.send_message")
    (entry,) = journey_entries(journey_id)
    assert (entry.type, entry.application_id) == (EntryType.MAIL_SENT, application_id)
    assert (entry.body["kind"], entry.body["eml_sha256"]) == (kind, sha256_hex(queries.message_eml(message_id)))
    assert "li.na" not in str(entry.body)


def test_a_mail_that_was_not_taken_is_not_in_the_trail(post: Post) -> None:
    journey_id = a_journey()
    post.errors = [mail.MailRefused("550 nobody here")]
    ready(a_message(MessageKind.APPLICATION_DECLINED, trail=TrailOf(journey_id)))
    run("correspondence.send_message")
    assert journey_entries(journey_id) == ()


def test_the_inbox_shows_the_newest_first_and_can_be_narrowed(post: Post) -> None:
    ids = [queued(a_message(recipient=f"{who}@customer.example")) for who in ("a", "b", "a")]
    assert [each.id for each in queries.inbox()] == ids[::-1]
    assert [each.id for each in queries.inbox(limit=1)] == [ids[2]]
    assert [each.id for each in queries.inbox(recipient="a@customer.example")] == [ids[2], ids[0]]
    assert queries.message_about(MessageKind.POLICY_ISSUED, "unknown") is None


def test_a_real_server_goes_down_comes_back_and_gets_every_message_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_subscribers", {MessageSent: ()})
    port = free_port()
    monkeypatch.setattr(mail, "_post", None)
    mail.configure(SmtpTransport(SmtpSettings("127.0.0.1", port, tls="none")), SENDER)
    ids = [ready(a_message(locale=locale)) for locale in ("en", "zh_Hans_CN")]
    for _ in ids:
        run("correspondence.send_message")
    assert {queries.message(each).state for each in ids} == {MessageState.READY}
    with mail_server(port) as mailbox:
        mailbox.answers.append("451 not yet")
        for _ in range(3):
            run("correspondence.send_message")
    assert {queries.message(each).state for each in ids} == {MessageState.SENT}
    assert sorted(eml for _, eml in mailbox.taken) == sorted(queries.message_eml(each) for each in ids)
    assert deferred() == []
