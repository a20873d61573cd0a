"""The mail server as it answers: taken, not now, never, not there."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from marketplace.infra.mail import MailRefused, MailUnavailable, SmtpSettings, SmtpTransport
from tests.fakes.mail_server import Mailbox, free_port, mail_server

EML = b"Subject: hello\r\nMessage-ID: <1@evenfold.example>\r\n\r\nA line\r\n.\r\n.dots\r\nLast\r\n"
FROM, TO = "service@evenfold.example", "li.na@customer.example"


@pytest.fixture
def mailbox():
    with mail_server() as box:
        yield box


def transport(mailbox: Mailbox, **changes) -> SmtpTransport:
    return SmtpTransport(SmtpSettings(mailbox.host, mailbox.port, **({"tls": "none"} | changes)))


def test_the_server_gets_the_very_bytes(mailbox: Mailbox) -> None:
    transport(mailbox).deliver(EML, sender=FROM, recipient=TO)
    assert mailbox.taken == [([TO], EML)]


@pytest.mark.parametrize("answer", ["421 closing", "451 try later", "452 full"])
def test_not_now_may_be_tried_again(mailbox: Mailbox, answer: str) -> None:
    mailbox.answers.append(answer)
    with pytest.raises(MailUnavailable):
        transport(mailbox).deliver(EML, sender=FROM, recipient=TO)
    assert mailbox.taken == []
    transport(mailbox).deliver(EML, sender=FROM, recipient=TO)
    assert mailbox.taken == [([TO], EML)]


def test_never_is_final(mailbox: Mailbox) -> None:
    mailbox.answers.append("554 not here")
    with pytest.raises(MailRefused):
        transport(mailbox).deliver(EML, sender=FROM, recipient=TO)


@pytest.mark.parametrize(("answer", "error"), [("550 no such user", MailRefused), ("450 greylisted", MailUnavailable)])
def test_a_recipient_may_be_unknown_or_put_off(mailbox: Mailbox, answer: str, error: type[Exception]) -> None:
    mailbox.recipient_answers.append(answer)
    with pytest.raises(error):
        transport(mailbox).deliver(EML, sender=FROM, recipient=TO)
    assert mailbox.taken == []


def test_a_server_that_is_not_there_may_come_back() -> None:
    with pytest.raises(MailUnavailable):
        SmtpTransport(SmtpSettings("127.0.0.1", free_port(), tls="none")).deliver(EML, sender=FROM, recipient=TO)


@pytest.mark.asvs("13.1.3")
def test_a_server_that_never_answers_is_left_after_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = SmtpSettings("127.0.0.1", silent.getsockname()[1], tls="none", timeout_seconds=0.2)
        with pytest.raises(MailUnavailable):
            SmtpTransport(settings).deliver(EML, sender=FROM, recipient=TO)


@pytest.mark.asvs("12.3.1")
def test_nothing_is_sent_in_the_clear_when_encryption_is_asked_for(mailbox: Mailbox) -> None:
    with pytest.raises(MailUnavailable):
        transport(mailbox, tls="starttls").deliver(EML, sender=FROM, recipient=TO)
    assert mailbox.taken == []


@pytest.fixture
def guarded(certificate: Path) -> Iterator[Mailbox]:
    """A server that takes mail only after STARTTLS and from whoever knows the password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def known(_server: object, _session: object, _envelope: object, _mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data.login == b"evenfold" and data.password == b"right", handled=False)

    with mail_server(tls_context=context, require_starttls=True, auth_required=True, authenticator=known) as box:
        yield box


def test_over_a_trusted_connection_with_the_password_mail_is_taken(
    guarded: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    signed_in = transport(guarded, tls="starttls", username="evenfold", password="right")
    signed_in.deliver(EML, sender=FROM, recipient=TO)
    assert guarded.taken == [([TO], EML)]


def test_a_wrong_password_is_our_mistake_and_may_be_mended(
    guarded: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(MailUnavailable):
        transport(guarded, tls="starttls", username="evenfold", password="wrong").deliver(
            EML, sender=FROM, recipient=TO
        )
    assert guarded.taken == []


@pytest.mark.asvs("12.3.2")
def test_a_server_that_nobody_vouches_for_gets_neither_mail_nor_password(guarded: Mailbox) -> None:
    with pytest.raises(MailUnavailable):
        transport(guarded, tls="starttls", username="evenfold", password="right").deliver(
            EML, sender=FROM, recipient=TO
        )
    assert guarded.taken == []


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[Mailbox]:
    """A server that speaks TLS from the first byte on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with mail_server(ssl_context=context) as box:
        yield box


def test_a_server_that_speaks_tls_from_the_first_byte_gets_the_very_bytes(
    encrypted: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    transport(encrypted, tls="implicit").deliver(EML, sender=FROM, recipient=TO)
    assert encrypted.taken == [([TO], EML)]


@pytest.mark.asvs("12.3.2")
def test_nor_does_one_that_speaks_tls_and_that_nobody_vouches_for(encrypted: Mailbox) -> None:
    with pytest.raises(MailUnavailable):
        transport(encrypted, tls="implicit").deliver(EML, sender=FROM, recipient=TO)
    assert encrypted.taken == []


def test_a_certificate_for_another_name_is_not_taken(
    encrypted: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    elsewhere = SmtpTransport(SmtpSettings("localhost", encrypted.port, tls="implicit"))
    with pytest.raises(MailUnavailable):
        elsewhere.deliver(EML, sender=FROM, recipient=TO)
    assert encrypted.taken == []


@pytest.mark.asvs("13.1.3")
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_server_that_never_shakes_hands_is_left_after_the_time_limit(tls: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = SmtpSettings("127.0.0.1", silent.getsockname()[1], tls=tls, timeout_seconds=0.2)
        with pytest.raises(MailUnavailable):
            SmtpTransport(settings).deliver(EML, sender=FROM, recipient=TO)
