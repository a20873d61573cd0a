"""The steps that people take: submit, approve, send back, accept, refuse, withdraw. Publication is one transaction."""

from uuid import UUID

from marketplace.catalog import services as catalog
from marketplace.infra import jobs, storage
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.listing import queries, rules
from marketplace.listing.services.steps import take
from marketplace.listing.values import ReasonMissing, StoredDraft, UploadEvent
from marketplace.rating import services as rating
from marketplace.traceability.values import Actor


def submit_upload(upload_id: UUID, actor: Actor) -> None:
    """A member of the insurer's staff says that the draft is right. Raises as `steps.take`."""
    row = take(UploadEvent.SUBMIT, upload_id, actor)
    row.submitted_by = actor.account_id
    _count_anew(upload_id)


def approve_upload(upload_id: UUID, actor: Actor) -> None:
    """A second person of the insurer approves it for review by the marketplace. Raises as `steps.take`."""
    row = take(UploadEvent.APPROVE, upload_id, actor)
    row.approved_by = actor.account_id
    _count_anew(upload_id)


def send_back_upload(upload_id: UUID, reason: str, actor: Actor) -> None:
    """A second person of the insurer does not approve it. Raises ReasonMissing, and as `steps.take`."""
    take(UploadEvent.SEND_BACK, upload_id, actor, _required(reason))
    db.session.flush()


def refuse_upload(upload_id: UUID, reason: str, actor: Actor) -> None:
    """A reviewer of the marketplace does not accept it for sale. Raises ReasonMissing, and as `steps.take`."""
    take(UploadEvent.REFUSE, upload_id, actor, _required(reason))
    db.session.flush()


def withdraw_upload(upload_id: UUID, actor: Actor) -> None:
    """The insurer takes it back before it is accepted. Raises as `steps.take`."""
    take(UploadEvent.WITHDRAW, upload_id, actor)
    db.session.flush()


def accept_upload(upload_id: UUID, actor: Actor) -> tuple[UUID, ...]:
    """A reviewer of the marketplace accepts it for sale (O13-45): all that is new in it is published in this one
    transaction, with tariffs, questions and documents, and is sold from its first day on, or from today where that has
    begun. A product that is on sale exactly so stays the version that it is.

    Raises as `steps.take`, SaleOver, and what `catalog.services.publish_version` raises; then nothing is published.
    """
    row = take(UploadEvent.ACCEPT, upload_id, actor)
    row.published_at, row.published_by = clock.now(), actor.account_id
    version_ids = tuple(
        queries.unchanged_version(row.insurer_id, draft) or _publish(row.insurer_id, draft, actor)
        for draft in queries.drafts_of(upload_id)
    )
    row.version_ids = [str(version_id) for version_id in version_ids]
    db.session.flush()
    return version_ids


def _required(reason: str) -> str:
    if not reason.strip():
        raise ReasonMissing({"reason": "is missing"})
    return reason.strip()


def _count_anew(upload_id: UUID) -> None:
    """Whoever reviews next sees whom it touches now."""
    db.session.flush()
    jobs.defer("listing.measure_impact", upload_id=upload_id)


def _publish(insurer_id: UUID, draft: StoredDraft, actor: Actor) -> UUID:
    content, today = draft.content, clock.today(ZONE)
    version = catalog.publish_version(
        insurer_id,
        content,
        {ref.sha256: storage.get(ref.sha256) for ref in content.documents},
        effective_from=rules.first_day_on_sale(content.profile, draft.effective_from, draft.effective_to, today),
        effective_to=draft.effective_to,
        actor=actor,
    )
    rating.store_tariff(version.id, draft.tariff)
    return version.id
