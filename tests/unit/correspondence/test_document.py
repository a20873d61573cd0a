"""What a message says, in both languages and both forms, and that nothing in it can break out of its place."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import html5lib
import pytest

from marketplace.correspondence.document import Envelope, compose, take_apart
from marketplace.correspondence.values import NEEDS, AttachedFile, Attachment, MessageKind
from marketplace.infra import letterhead, rendering
from marketplace.kernel.errors import Invalid
from tests.factories.correspondence import CONTEXTS

QUEUED_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PDF = AttachedFile("保单-EF-HARBOUR-2026-000042.pdf", "application/pdf", b"%PDF-1.7 \x00\xff\r\n.\r\n")
SPECIMEN = "SPECIMEN"
WITHOUT_FILES = (
    b"From: a\r\nTo: b\r\nSubject: c\r\nDate: d\r\nMessage-ID: e\r\nAuto-Submitted: f\r\nMIME-Version: g\r\n"
    b"Content-Type: h\r\nContent-Language: i\r\n\r\n"
)
"""The names of the fields that a mail of ours has."""


@pytest.fixture(autouse=True)
def agency(monkeypatch: pytest.MonkeyPatch) -> None:
    head = letterhead.Letterhead("http://localhost:8000", "service@evenfold.example", "", demonstration=True)
    monkeypatch.setattr(letterhead, "_letterhead", head)


def envelope(kind: MessageKind = MessageKind.POLICY_ISSUED, locale: str = "en") -> Envelope:
    return Envelope(
        kind,
        "Evenfold <service@evenfold.example>",
        "li.na@customer.example",
        "<42@evenfold.example>",
        QUEUED_AT,
        locale,
    )


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
@pytest.mark.parametrize("kind", list(MessageKind))
def test_every_message_has_a_subject_both_forms_and_the_demonstration_notice(kind: MessageKind, locale: str) -> None:
    subject, eml = compose(envelope(kind, locale), CONTEXTS[kind], ())
    parts = take_apart(eml)
    assert parts.subject == subject
    assert "\n" not in subject
    assert SPECIMEN in parts.text
    assert SPECIMEN in parts.html
    assert "service@evenfold.example" in parts.text
    assert "{{" not in parts.text + parts.html
    assert "%(" not in parts.text + parts.html
    html5lib.HTMLParser(strict=True).parse(parts.html)


@pytest.mark.parametrize("kind", list(MessageKind))
def test_what_the_message_is_told_stands_in_both_forms(kind: MessageKind) -> None:
    parts = take_apart(compose(envelope(kind), CONTEXTS[kind], ())[1])
    for name in NEEDS[kind] & {"code", "link", "policy_number", "check_code", "order_reference", "application_link"}:
        assert CONTEXTS[kind][name] in parts.text + parts.subject
        assert CONTEXTS[kind][name] in parts.html


def test_every_kind_has_its_folder_and_no_folder_is_forgotten() -> None:
    folders = {path.parent.name for path in Path(rendering.TEMPLATES).glob("*/body.jinja")}
    assert folders == {kind.value for kind in MessageKind}
    assert set(NEEDS) == set(MessageKind)


@pytest.mark.requirement("O13-27")
def test_the_policy_mail_says_what_was_bought_how_to_withdraw_and_how_to_check() -> None:
    parts = take_apart(compose(envelope(), CONTEXTS[MessageKind.POLICY_ISSUED], (PDF,))[1])
    assert parts.subject == "Your policy EF-HARBOUR-2026-000042: Harbour Term 20"
    for said in (
        "Policy number: EF-HARBOUR-2026-000042",
        "Insurer: Harbour Life Insurance Co.",
        "Insured: Li Na, 张伟",
        "Period of cover: from December 1, 2026, 00:00, to November 30, 2046, 24:00 (Beijing time)",
        "1,284.00",
        "electronic policy",
        "Within 15 days after receiving this policy you can withdraw",
        "check code 7KMF94QC",
        "http://localhost:8000/policies/42",
        "http://localhost:8000/verify",
        "400-000-0001",
    ):
        assert said in parts.text


def test_without_a_cooling_off_period_the_mail_says_so() -> None:
    context = CONTEXTS[MessageKind.POLICY_ISSUED] | {"cooling_off_days": 0}
    parts = take_apart(compose(envelope(), context, ())[1])
    assert "This contract has no cooling-off period." in parts.text
    assert "This contract has no cooling-off period." in parts.html
    assert "you can withdraw" not in parts.text


def test_an_attachment_arrives_byte_for_byte_under_its_chinese_name() -> None:
    parts = take_apart(compose(envelope(), CONTEXTS[MessageKind.POLICY_ISSUED], (PDF,))[1])
    assert parts.files == (PDF,)


@pytest.mark.asvs("1.3.11")
@pytest.mark.parametrize(
    "name",
    ["保险单" * 60 + ".pdf", '保单 "副本"; x=1.pdf', 'a;b=c".pdf', "ünïcödé'保单''.pdf", "保单\u2028Bcc x.pdf"],
)
def test_no_name_of_a_file_breaks_out_of_its_place(name: str) -> None:
    file = AttachedFile(name, "application/pdf", PDF.content)
    _, eml = compose(envelope(), CONTEXTS[MessageKind.POLICY_ISSUED], (file,))
    assert take_apart(eml).files == (file,)
    message = message_from_bytes(eml, policy=policy.SMTP)
    assert set(message.keys()) == set(message_from_bytes(WITHOUT_FILES, policy=policy.SMTP).keys())
    assert max(len(line) for line in eml.split(b"\r\n")) <= 998


@pytest.mark.asvs("1.3.11")
@pytest.mark.parametrize("name", ["a\r\nBcc: c@d.example", "a\x00b", "../../etc/passwd", "a\\b"])
def test_a_name_with_a_line_break_or_a_path_is_no_name(name: str) -> None:
    with pytest.raises(Invalid):
        Attachment(name, "application/pdf", "0" * 64)


def test_the_head_is_complete_and_the_lines_end_as_the_mail_server_wants() -> None:
    _, eml = compose(envelope(), CONTEXTS[MessageKind.POLICY_ISSUED], (PDF,))
    message = message_from_bytes(eml, policy=policy.SMTP)
    assert message["Message-ID"] == "<42@evenfold.example>"
    assert message["Date"].datetime == QUEUED_AT
    assert message["From"] == "Evenfold <service@evenfold.example>"
    assert message["To"] == "li.na@customer.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "en"
    assert eml.count(b"\n") == eml.count(b"\r\n")
    assert eml.isascii()
    assert max(len(line) for line in eml.split(b"\r\n")) <= 998


@pytest.mark.asvs("1.3.11")
def test_a_line_break_in_a_name_cannot_add_a_header() -> None:
    context = CONTEXTS[MessageKind.POLICY_ISSUED] | {"product_name": "Term\r\nBcc: everyone@example.org\r\n\r\nHi"}
    subject, eml = compose(envelope(), context, ())
    message = message_from_bytes(eml, policy=policy.SMTP)
    assert message["Bcc"] is None
    assert subject.endswith("Term Bcc: everyone@example.org Hi")
    assert message["Subject"] == subject


@pytest.mark.asvs("1.3.11")
def test_a_line_break_in_the_recipient_is_refused() -> None:
    forged = replace(envelope(), recipient="a@b.example\r\nBcc: c@d.example")
    with pytest.raises(ValueError, match="cannot contain CR or LF"):
        compose(forged, CONTEXTS[MessageKind.POLICY_ISSUED], ())


def test_a_name_with_markup_stays_a_name() -> None:
    context = CONTEXTS[MessageKind.POLICY_ISSUED] | {"name": "<script>alert(1)</script>", "policy_number": "<b>1</b>"}
    parts = take_apart(compose(envelope(), context, ())[1])
    assert "<script" not in parts.html
    assert "<b>" not in parts.html
    assert "&lt;script&gt;" in parts.html
    assert "<script>alert(1)</script>" in parts.text  # plain text shows it as it is


def test_outside_a_demonstration_nothing_is_called_a_specimen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = letterhead.Letterhead("https://evenfold.example", "service@evenfold.example", "L-1", demonstration=False)
    monkeypatch.setattr(letterhead, "_letterhead", real)
    parts = take_apart(compose(envelope(), CONTEXTS[MessageKind.POLICY_ISSUED], ())[1])
    assert SPECIMEN not in parts.text + parts.html
