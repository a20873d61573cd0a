"""Questions to listing: what came, what was found, what would change, and where each upload stands."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import cast, func, select, union_all
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH

from marketplace.accounts.values import Account
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import ProductContent, Scalar
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.errors import Conflict, Refused
from marketplace.kernel.remembering import Remembered
from marketplace.listing import rules
from marketplace.listing.models import DraftRow, EventRow, RateCardRow, UploadRow
from marketplace.listing.values import (
    Difference,
    Finding,
    Impact,
    Step,
    StoredDraft,
    Tried,
    Upload,
    UploadEvent,
    UploadNotFound,
    UploadState,
)
from marketplace.rating import queries as rating
from marketplace.rating.queries import Rater
from marketplace.rating.values import Breakdown, RiskOutOfRange, Tariff
from marketplace.underwriting import queries as underwriting
from marketplace.underwriting.values import Ineligible

MOST_FINDINGS_KEPT = 1_000
_raters: Remembered[tuple[UUID, int], Rater] = Remembered(size=32)
"""(upload, place) -> the tariff of a draft, compiled. A draft never changes."""


def upload(upload_id: UUID) -> Upload:
    """The upload, or UploadNotFound. For callers that have checked who asks."""
    row = db.session.get(UploadRow, upload_id)
    if row is None:
        raise UploadNotFound
    return read(row)


def own_upload(upload_id: UUID, insurer_id: UUID) -> Upload:
    """The upload of this insurer, or UploadNotFound."""
    found = upload(upload_id)
    if found.insurer_id != insurer_id:
        raise UploadNotFound
    return found


def files_used(sha256s: Iterable[str]) -> frozenset[str]:
    """Which of these files were uploaded, or are documents or rate cards in what was."""
    documents = func.jsonb_path_query(DraftRow.content, cast("$.documents[*].sha256", JSONPATH), type_=JSONB)
    told = union_all(select(UploadRow.sha256), select(RateCardRow.grid_sha256))
    used = {*db.session.scalars(told), *db.session.scalars(select(documents))}
    return frozenset(used) & frozenset(sha256s)


def uploads_of_insurer(insurer_id: UUID) -> tuple[Upload, ...]:
    """The uploads of an insurer, the newest first."""
    rows = db.session.scalars(
        select(UploadRow).where(UploadRow.insurer_id == insurer_id).order_by(UploadRow.received_at.desc(), UploadRow.id)
    )
    return tuple(read(row) for row in rows)


def uploads_in(states: Sequence[UploadState], most: int) -> tuple[Upload, ...]:
    """The uploads of all insurers in these states, `most` at most, the newest first. For its reviewers."""
    rows = db.session.scalars(
        select(UploadRow)
        .where(UploadRow.state.in_([state.value for state in states]))
        .order_by(UploadRow.received_at.desc(), UploadRow.id)
        .limit(most)
    )
    return tuple(read(row) for row in rows)


def steps_of(upload_id: UUID) -> tuple[Step, ...]:
    """What happened to an upload since it was received, in order."""
    rows = db.session.scalars(select(EventRow).where(EventRow.upload_id == upload_id).order_by(EventRow.number))
    return tuple(Step(UploadEvent(row.event), row.at, row.account_id, row.actor, row.reason) for row in rows)


def drafts_of(upload_id: UUID) -> tuple[StoredDraft, ...]:
    """The products of an upload as they were read, in the catalog's order; none before it was read without findings."""
    rows = db.session.scalars(select(DraftRow).where(DraftRow.upload_id == upload_id).order_by(DraftRow.place))
    return tuple(_draft(row) for row in rows)


def draft(upload_id: UUID, place: int) -> StoredDraft:
    """One product of an upload, or UploadNotFound."""
    row = db.session.get(DraftRow, (upload_id, place)) if 0 < place < 1 << 15 else None
    if row is None:
        raise UploadNotFound
    return _draft(row)


def may_take(event: UploadEvent, found: Upload, account: Account) -> bool:
    """Whether this person may take this step now, so that nobody is shown a button that refuses."""
    try:
        rules.LIFE.next(found.state, event)
        rules.require_may_take(event, account, found.insurer_id, (found.received_by, found.submitted_by))
    except (Conflict, Refused):
        return False
    return True


def may_be_uploaded_again(found: Upload) -> bool:
    """Whether the same file may take the road once more: it ended there, or nothing of it is on sale any more."""
    if found.state in {UploadState.REJECTED, UploadState.WITHDRAWN}:
        return True
    now = clock.business_now()
    versions = catalog.product_versions(found.version_ids).values()
    return found.state is UploadState.PUBLISHED and all(version.stopped_at(now) for version in versions)


def unchanged_version(insurer_id: UUID, found: StoredDraft) -> UUID | None:
    """The version on sale that says what the draft says, at the same prices and as long; None where there is none."""
    today = clock.today(ZONE)
    standing = rules.followed(catalog.products_of_insurer(insurer_id), found.content.code, today)
    if (
        standing is None
        or not standing.on_sale_on(today)
        or standing.sale_stops_at is not None
        or standing.effective_to != found.effective_to
        or rules.content_changes(standing.content, found.content)
    ):
        return None
    same = rating.tariffs_of([standing.id]).get(standing.id) == found.tariff.to_json()
    return standing.id if same else None


def tried(found: StoredDraft, risks: Sequence[dict[str, Scalar]]) -> tuple[Tried, ...]:
    """The premiums of complete risks by a draft and by the version it is compared with."""
    new = _rater_of(found)
    before = found.difference.against
    old = rating.raters_of([before])[before] if before is not None else None
    old_content = catalog.product_version(before).content if before is not None else None
    return tuple(
        Tried(
            risk,
            _premium(new, found.content, risk),
            None if old is None or old_content is None else _premium(old, old_content, risk),
        )
        for risk in risks
    )


def some_risks(found: StoredDraft, many: int, start: int) -> tuple[dict[str, Scalar], ...]:
    """`many` risks that a draft insures, evenly spread, the same for the same `start`."""
    possible = rules.PossibleRisks.of([found.content], _rater_of(found).factors)
    if not possible.count:
        return ()
    sampled = possible.sample(4 * many, start * 4 * many)
    eligible = [each for each in sampled if not _is_ineligible(found.content, each)]
    return tuple(eligible[:many])


def read(row: UploadRow) -> Upload:
    """The upload that a row holds."""
    return Upload(
        id=row.id,
        insurer_id=row.insurer_id,
        sha256=row.sha256,
        state=UploadState(row.state),
        file_name=row.file_name,
        label=row.label,
        products=tuple(row.products),
        findings=tuple(Finding.from_json(each) for each in row.findings),
        received_at=row.received_at,
        received_by=row.received_by,
        submitted_by=row.submitted_by,
        approved_by=row.approved_by,
        published_at=row.published_at,
        version_ids=tuple(UUID(each) for each in row.version_ids),
    )


def findings_json(findings: tuple[Finding, ...]) -> list[Any]:
    """The findings as they are kept."""
    return [finding.to_json() for finding in findings[:MOST_FINDINGS_KEPT]]


def _draft(row: DraftRow) -> StoredDraft:
    return StoredDraft(
        upload_id=row.upload_id,
        place=row.place,
        content=ProductContent.from_json(row.content),
        tariff=Tariff.from_json(row.tariff),
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        difference=Difference.from_json(row.difference),
        impact=Impact.from_json(row.impact),
    )


def _rater_of(found: StoredDraft) -> Rater:
    key = (found.upload_id, found.place)
    return _raters.get_all([key], lambda _: {key: Rater(found.tariff)})[key]


def _premium(rater: Rater, content: ProductContent, risk: dict[str, Scalar]) -> Breakdown | None:
    if _is_ineligible(content, risk):
        return None
    try:
        return rater.premium(risk)
    except RiskOutOfRange:
        return None


def _is_ineligible(content: ProductContent, risk: dict[str, Scalar]) -> bool:
    return isinstance(underwriting.assess_eligibility(content, risk), Ineligible)
