"""The papers there are: of a contract, and of the money of an order."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, case, false, func, or_, select

from marketplace.infra import seals, storage, vault
from marketplace.infra.db import db
from marketplace.kernel.errors import NotFound, Unavailable
from marketplace.policy.models import LATEST, DocumentRow, PolicyRow, VersionRow
from marketplace.policy.queries.contracts import policy
from marketplace.policy.values import DocumentNotReady, DocumentState, Paper, PaperKind, PaperNotFound

_NUMBER = func.coalesce(DocumentRow.number, PolicyRow.number)
_ORDER = case({kind.value: place for place, kind in enumerate(PaperKind)}, value=DocumentRow.kind)
_Papers = Select[DocumentRow, str, int]


def papers_of_contract(policy_id: UUID) -> tuple[Paper, ...]:
    """Those of its latest version: the policy, and its certificate where there is one."""
    return _many(_papers(PolicyRow.id == policy_id, VersionRow.number == LATEST))


def papers_of_order(order_id: UUID) -> tuple[Paper, ...]:
    """Those about its money: receipts, then letters of refunds, each as they were issued."""
    return _many(_papers(DocumentRow.order_id == order_id))


def papers_of_sale(policy_id: UUID | None, order_id: UUID | None) -> tuple[Paper, ...]:
    """Both, the contract's first, in one question; of a sale that came to neither there are none."""
    of_contract = () if policy_id is None else (and_(PolicyRow.id == policy_id, VersionRow.number == LATEST),)
    of_order = () if order_id is None else (DocumentRow.order_id == order_id,)
    found = _many(_papers(or_(false(), *of_contract, *of_order)))
    return tuple(sorted(found, key=lambda each: each.version is None))


def paper(paper_id: UUID) -> Paper:
    """Raises PaperNotFound."""
    found = _many(_papers(DocumentRow.id == paper_id))
    if not found:
        raise PaperNotFound
    return found[0]


def paper_bytes(paper: Paper) -> bytes:
    """The sealed PDF as it was issued. Raises DocumentNotReady."""
    if paper.sha256 is None:
        raise DocumentNotReady
    return storage.get(paper.sha256)


def document_bytes(policy_id: UUID) -> bytes:
    """The sealed policy as it was issued. Raises PolicyNotFound or DocumentNotReady."""
    found = policy(policy_id)
    if found.document_sha256 is None:
        raise DocumentNotReady
    return storage.get(found.document_sha256)


def unsound_papers() -> tuple[tuple[str, str], ...]:
    """Every sealed paper that is not in the store as it was issued, or whose seal does not hold: number and reason.

    What was erased on purpose is sound. Opens every paper: for checks, not for pages.
    """
    return tuple(_faults(_papers(DocumentRow.document_sha256.is_not(None))))


def _faults(wanted: _Papers) -> Iterator[tuple[str, str]]:
    for document, number, _ in db.session.execute(wanted):
        if reason := _fault(document.document_sha256 or "", document.sealed_for):
            yield number, reason


def _fault(sha256: str, subject_id: UUID) -> str | None:
    try:
        return seals.fault_of(storage.get(sha256, subject_id), sha256)
    except vault.DataDestroyed:
        return None
    except (NotFound, Unavailable) as error:
        return str(error)


def _papers(*which: ColumnElement[bool]) -> _Papers:
    return (
        select(DocumentRow, _NUMBER, VersionRow.number)
        .outerjoin(VersionRow, VersionRow.id == DocumentRow.version_id)
        .outerjoin(PolicyRow, PolicyRow.id == VersionRow.policy_id)
        .where(*which)
        .order_by(_NUMBER, VersionRow.number, _ORDER, DocumentRow.issued_at)
        .execution_options(populate_existing=True)
    )


def _many(wanted: _Papers) -> tuple[Paper, ...]:
    return tuple(_paper(row) for row in db.session.execute(wanted))


def _paper(found: Row[DocumentRow, str, int]) -> Paper:
    row, number, version = found
    return Paper(
        id=row.id,
        kind=PaperKind(row.kind),
        number=number,
        version=version,
        subject_id=row.subject_id,
        state=DocumentState(row.state),
        issued_at=row.issued_at,
        sha256=row.document_sha256,
        sealed_at=row.sealed_at,
        sealed_for=row.sealed_for,
    )
