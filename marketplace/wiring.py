"""The one place that knows everyone: which jobs each fact defers, and which adapter stands behind each port."""

from email.utils import parseaddr
from typing import Any

from config import Settings, StorageSettings
from marketplace.accounts import jobs as accounts_jobs
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.values import AccessEnded, InsurerSuspended, InvitationWithdrawn, StaffInvited
from marketplace.application import jobs as application_jobs
from marketplace.application import rules as application_rules
from marketplace.application.values import (
    ApplicantAsked,
    ApplicationHeld,
    ApplicationMoved,
    ApplicationOpened,
    ApplicationSubmitted,
)
from marketplace.checkout import jobs as checkout_jobs
from marketplace.checkout import rules as checkout_rules
from marketplace.checkout.values import OrderIssued, OrderLapsed, OrderNotIssuable, OrderPlaced
from marketplace.consultation import jobs as consultation_jobs
from marketplace.consultation.rules import states as consultation_rules
from marketplace.consultation.values import QuestionAnswered
from marketplace.correspondence import jobs as correspondence_jobs
from marketplace.correspondence import rules as correspondence_rules
from marketplace.correspondence.values import MessageBounced, MessageSent
from marketplace.disclosure import jobs as disclosure_jobs
from marketplace.infra import (
    dkim,
    identity,
    keys,
    letterhead,
    mail,
    payment_gateway,
    returns,
    seals,
    storage,
    stripe_gateway,
    vault,
    watchlist,
)
from marketplace.infra.identity.demonstration import DemonstrationVerifier
from marketplace.infra.storage.folder import Folder
from marketplace.infra.storage.objects import PATIENCE, Objects
from marketplace.infra.stripe_gateway.identity import StripeIdentity
from marketplace.kernel import money
from marketplace.kernel.addresses import mailbox
from marketplace.kernel.transitions import Table
from marketplace.listing import jobs as listing_jobs
from marketplace.listing import rules as listing_rules
from marketplace.oversight import jobs as oversight_jobs
from marketplace.payment import jobs as payment_jobs
from marketplace.payment import services as payment
from marketplace.payment.rules import keeping, transferring
from marketplace.payment.rules import settling as payment_rules
from marketplace.payment.values import (
    CardKept,
    IdentityCheckMoved,
    PaymentExpired,
    PaymentFailed,
    PaymentSucceeded,
    RefundSucceeded,
)
from marketplace.policy import jobs as policy_jobs
from marketplace.policy import rules as policy_rules
from marketplace.policy.services import numbers
from marketplace.policy.services.numbers import PolicyIssuer
from marketplace.policy.values import PaperFinished, PolicyDocumentReady, PolicyEnded, PolicyIssued
from marketplace.privacy import jobs as privacy_jobs
from marketplace.privacy.values import ApplicationErased
from marketplace.quoting.values import JourneyCompared
from marketplace.screening import jobs as screening_jobs
from marketplace.screening import rules as screening_rules
from marketplace.servicing import jobs as servicing_jobs
from marketplace.servicing import rules as servicing_rules
from marketplace.traceability.jobs import keeping as traceability_recordings
from marketplace.traceability.jobs import referencing as traceability_references
from marketplace.traceability.jobs import stamping as traceability_stamps
from marketplace.traceability.jobs import watching as traceability_jobs

# Importing these makes their jobs and tables known.
FEATURES = (
    accounts_jobs,
    application_jobs,
    checkout_jobs,
    consultation_jobs,
    correspondence_jobs,
    disclosure_jobs,
    listing_jobs,
    oversight_jobs,
    payment_jobs,
    policy_jobs,
    privacy_jobs,
    screening_jobs,
    servicing_jobs,
    traceability_jobs,
    traceability_recordings,
    traceability_references,
    traceability_stamps,
)

# Fact type -> names of the jobs that it defers. A fact without a subscriber carries its reason.
SUBSCRIBERS: dict[type, tuple[str, ...]] = {
    InsurerSuspended: ("checkout.close_orders",),
    StaffInvited: ("correspondence.invite_staff",),
    InvitationWithdrawn: ("correspondence.tell_withdrawn",),
    AccessEnded: ("correspondence.tell_access_ended",),
    JourneyCompared: ("oversight.note_comparison",),
    ApplicationOpened: ("oversight.note_opened",),
    ApplicationHeld: ("screening.open_for_list",),
    ApplicationSubmitted: ("application.tell_outcome", "oversight.note_submitted", "screening.note_application"),
    ApplicationMoved: ("application.tell_moved", "oversight.note_moved"),
    ApplicantAsked: ("application.tell_asked",),
    OrderPlaced: ("oversight.note_ordered",),
    OrderIssued: ("checkout.order_receipt",),  # and each of its contracts is a PolicyIssued
    OrderNotIssuable: ("oversight.note_not_issuable",),
    OrderLapsed: ("oversight.note_lapsed",),
    IdentityCheckMoved: ("application.settle_identity",),
    PaymentSucceeded: (
        "checkout.take_payment",
        "servicing.take_payment",
        "oversight.note_paid",
        "screening.note_payment",
    ),
    PaymentFailed: ("servicing.note_failure",),  # on the road of a purchase the customer stays on the payment page
    PaymentExpired: (),  # checkout.sweep lapses orders by their own expiry
    CardKept: ("servicing.tell_card_kept",),
    RefundSucceeded: (
        "checkout.note_refund",
        "servicing.tell_refunded",
        "oversight.note_refunded",
        "screening.note_refund",
    ),
    PolicyIssued: ("policy.make_document", "servicing.take_up", "oversight.note_issued"),
    PolicyEnded: ("servicing.drop",),
    PolicyDocumentReady: ("checkout.send_policy",),
    MessageBounced: ("checkout.note_bounced",),
    MessageSent: ("checkout.note_mailed", "oversight.note_mailed"),
    QuestionAnswered: ("consultation.tell_answered",),
    PaperFinished: ("checkout.send_paper",),
    ApplicationErased: ("oversight.note_erased", "privacy.forget_identity", "privacy.forget_traces"),
}


# Insurers, by their code, that number contracts by a system of their own: a class for each.
ISSUERS: dict[str, PolicyIssuer] = {}

# The state machines, for whoever wants to see them drawn (`marketplace.cli draw`).
MACHINES: dict[str, Table[Any, Any]] = {
    "applicant": party_rules.APPLICANTS,
    "application": application_rules.TRANSITIONS,
    "upload": listing_rules.LIFE,
    "order": checkout_rules.ORDERS,
    "payment": payment_rules.ATTEMPTS,
    "refund": payment_rules.REFUNDS,
    "kept card": keeping.MANDATES,
    "premium": servicing_rules.PREMIUMS,
    "transfer": transferring.TRANSFERS,
    "reversal": transferring.REVERSALS,
    "document": policy_rules.DOCUMENT_LIFE,
    "question": consultation_rules.THREADS,
    "public answer": consultation_rules.PUBLIC,
    "message": correspondence_rules.LIFE,
    "screening case": screening_rules.CASES,
}


def connect(settings: Settings) -> None:
    """Hand each neighbour what the settings say. Called once at start by `app.create_app`."""
    keys.configure(settings.secret_key.get_secret_value())
    vault.configure(vault.RemoteKeeper(settings.keeper_socket))
    storage.configure(store_of(settings))
    seals.configure(settings.seals_folder, settings.timestamp_url)
    mail.configure(
        _mail_transport(settings), settings.mail_from, settings.mail_return_path, _returns(settings), _signer(settings)
    )
    payment_gateway.configure(_stripe(settings))
    payment.configure(money.amounts(settings.refund_limits))
    numbers.configure(ISSUERS)
    identity.configure(_identity_verifier(settings))
    watchlist.configure(None if settings.screening_list is None else watchlist.read(settings.screening_list))
    letterhead.configure(
        letterhead.Letterhead(
            public_url=settings.public_url,
            support_email=parseaddr(settings.mail_from)[1],
            licence_number=settings.licence_number,
            demonstration=settings.demonstration,
            support_phone=settings.support_phone,
            support_hours=settings.support_hours,
            address=settings.agency_address,
        )
    )


def store_of(settings: StorageSettings, patience: float = PATIENCE) -> Objects:
    """Where files lie."""
    if settings.storage_folder is not None:
        return Folder(settings.storage_folder)
    from marketplace.infra.storage import bucket  # noqa: PLC0415  heavy, and a folder needs nothing of it

    name, _, prefix = settings.storage_url.removeprefix("s3://").partition("/")
    address = bucket.Address(
        bucket=name,
        prefix=prefix,
        endpoint=settings.storage_endpoint,
        region=settings.storage_region,
        key_id=settings.storage_key_id,
        secret_key=settings.storage_secret_key.get_secret_value(),
    )
    return bucket.Bucket(address, patience)


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


def _returns(settings: Settings) -> returns.ImapReturns | None:
    at = mailbox(settings.mail_returns_url)
    return None if at is None else returns.ImapReturns(at, settings.mail_returns_password.get_secret_value())


def _signer(settings: Settings) -> dkim.Signer | None:
    if settings.dkim_key is None:
        return None
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]
    return dkim.Signer(domain, settings.dkim_selector, settings.dkim_key)


def _identity_verifier(settings: Settings) -> identity.IdentityVerifier | identity.HostedVerifier | None:
    if settings.identity_verifier == "stripe":
        return StripeIdentity(_stripe(settings, settings.stripe_identity_key.get_secret_value()))
    return DemonstrationVerifier() if settings.identity_verifier == "demonstration" else None


def _stripe(settings: Settings, key: str = "") -> stripe_gateway.Gateway:
    """`key`: another one than the secret key."""
    return stripe_gateway.Gateway(
        key or settings.stripe_secret_key.get_secret_value(),
        settings.stripe_webhook_secret.get_secret_value(),
        livemode=not settings.demonstration,
        api_base=settings.stripe_api_base,
    )
