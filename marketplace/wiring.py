"""The one place that knows everyone: which jobs each fact defers, and which adapter stands behind each port."""

from email.utils import parseaddr

from config import Settings
from marketplace.infra import keys, letterhead, mail, seals, storage, stripe_gateway

# Fact type -> names of the jobs that it defers. A fact without a subscriber carries its reason.
SUBSCRIBERS: dict[type, tuple[str, ...]] = {}


def connect(settings: Settings) -> None:
    """Hand each neighbour what the settings say. Called once at start by `app.create_app`."""
    keys.configure(settings.secret_key.get_secret_value())
    storage.configure(settings.storage_folder)
    seals.configure(settings.seals_folder, settings.timestamp_url)
    mail.configure(_mail_transport(settings), settings.mail_from)
    stripe_gateway.configure(_stripe(settings))
    letterhead.configure(
        letterhead.Letterhead(
            public_url=settings.public_url,
            support_email=parseaddr(settings.mail_from)[1],
            licence_number=settings.licence_number,
            demonstration=settings.demonstration,
        )
    )


def _mail_transport(settings: Settings) -> mail.Transport:
    if settings.mail_transport == "demonstration":
        return mail.DemonstrationTransport()
    return mail.SmtpTransport(
        mail.SmtpSettings(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_tls,
            settings.smtp_username,
            settings.smtp_password.get_secret_value(),
        )
    )


def _stripe(settings: Settings) -> stripe_gateway.Gateway:
    return stripe_gateway.Gateway(
        settings.stripe_secret_key.get_secret_value(),
        settings.stripe_webhook_secret.get_secret_value(),
        livemode=not settings.demonstration,
        api_base=settings.stripe_api_base,
    )
