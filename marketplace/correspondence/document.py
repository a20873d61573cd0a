"""A message as it travels: MIME with a plain text, an HTML part and its attachments (RFC 5322, 2045, 2231)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime
from typing import Any

from marketplace.correspondence.values import AttachedFile, MessageKind, MessageParts
from marketplace.infra import rendering
from marketplace.infra.formatting import use_locale


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything of a message but its words. `queued_at` (aware) becomes its date, whenever it is sent."""

    kind: MessageKind
    sender: str
    recipient: str
    message_id: str
    queued_at: datetime
    locale: str


def compose(envelope: Envelope, context: Mapping[str, Any], files: tuple[AttachedFile, ...]) -> tuple[str, bytes]:
    """Subject and bytes (CRLF) of the message. A line break in a header cannot occur: the subject is one line of words,
    addresses are parsed, and `email` refuses the rest.
    """
    subject, text, html = _words(envelope.kind, envelope.locale, context)
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = envelope.sender
    message["To"] = Address(addr_spec=envelope.recipient)
    message["Subject"] = subject
    message["Date"] = format_datetime(envelope.queued_at)
    message["Message-ID"] = envelope.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    encoding = "quoted-printable" if text.isascii() else "base64"
    message.set_content(text, cte=encoding)
    message.add_alternative(html, subtype="html", cte=encoding)
    for file in files:
        main, _, sub = file.media_type.partition("/")
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    # Last: adding parts moves every Content- header into the first of them.
    message["Content-Language"] = envelope.locale.replace("_", "-")
    return subject, message.as_bytes()


def _words(kind: MessageKind, locale: str, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, plain text and HTML; the two bodies come from one template and two sets of parts."""
    with use_locale(locale):
        subject = " ".join(rendering.render(f"{kind}/subject.txt", context, html=False).split())
        bodies = {
            form: rendering.render(
                f"{kind}/body.jinja",
                {
                    **context,
                    "subject": subject,
                    "layout": f"layouts/{form}.jinja",
                    "parts": f"parts/{form}.jinja",
                },
                html=form == "html",
            )
            for form in ("text", "html")
        }
    return subject, bodies["text"].strip() + "\n", bodies["html"]


def take_apart(eml: bytes) -> MessageParts:
    """What a reader's program shows of a finished message."""
    message = BytesParser(_class=EmailMessage, policy=policy.SMTP).parsebytes(eml)
    return MessageParts(
        subject=str(message["Subject"]),
        sender=str(message["From"]),
        recipient=str(message["To"]),
        message_id=str(message["Message-ID"]),
        sent_on=message["Date"].datetime,
        text=_body(message, "plain"),
        html=_body(message, "html"),
        files=tuple(
            AttachedFile(part.get_filename() or "", part.get_content_type(), part.get_content())
            for part in message.iter_attachments()
        ),
    )


def _body(message: EmailMessage, form: str) -> str:
    part = message.get_body((form,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")
