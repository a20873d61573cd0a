"""The public checks: what anybody may ask about a contract by its number and code, or about a file (O13-04)."""

import hmac
from collections.abc import Iterator

from sqlalchemy import Row, exists, func, or_, select, true
from sqlalchemy.orm import aliased

from marketplace.catalog import queries as catalog
from marketplace.infra import seals
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.policy import rules
from marketplace.policy.models import LATEST, DocumentRow, PolicyRow, SealRootRow, VersionRow
from marketplace.policy.values import (
    CoverPeriod,
    PaperCheck,
    PaperFacts,
    PaperKind,
    PaperMatch,
    PolicyCheck,
)

_NO_CODE = "0" * rules.CHECK_CODE_LENGTH  # 0 is in no check code, so nothing matches it
_END_OF_FILE = b"%%EOF"
_MOST_ENDS = 16
_CONTRACT = (
    PolicyRow.number,
    PolicyRow.check_code,
    PolicyRow.start_on,
    PolicyRow.end_on,
    PolicyRow.zone,
    PolicyRow.ended_on,
    PolicyRow.ending,
    PolicyRow.erased_at,
    PolicyRow.product_version_id,
)


def check(number: str, code: str) -> PolicyCheck | None:
    """The public answer to a number and its check code, or None: an unknown number and a wrong code look the same and
    cost the same. The caller limits how often it is asked (O13-04).
    """
    found = db.session.execute(
        select(*_CONTRACT).where(
            PolicyRow.compact_number == rules.compact_number(number), PolicyRow.erased_at.is_(None)
        )
    ).one_or_none()
    expected = _NO_CODE if found is None else found.check_code
    given = rules.read_check_code(code)
    if not hmac.compare_digest(expected.encode(), given.encode()) or found is None:
        return None
    return _contract(found)


def check_paper(pdf: bytes) -> PaperCheck:
    """Whether a file is a paper of ours, byte for byte, with its seal unbroken; else whether it was made from one.

    What is known of the contract is told only of a file that holds every byte of the paper before its seal: whoever has
    that has the number and the check code. The file is judged in a process of its own and kept nowhere; the caller
    limits its size and how often it is asked.
    """
    whole, beginnings = sha256_hex(pdf), set(_beginnings(pdf))
    found = _paper(whole, beginnings)
    moment = found.sealed_at if found is not None and found.document_sha256 == whole else None
    judged = seals.judge(pdf, _roots(), moment)
    if found is None:
        return PaperCheck(rules.ground_of(PaperMatch.NONE, judged.reason, known_signer=judged.known_signer))
    match = rules.match_of(whole, beginnings, found.document_sha256)
    ground = rules.ground_of(match, judged.reason, erased=found.erased, latest=found.is_latest)
    return PaperCheck(ground, None if found.erased else _facts(found))


def _beginnings(pdf: bytes) -> Iterator[str]:
    """The hashes of what the file was before something was added to it: up to each end of a PDF within it."""
    at = 0
    for _ in range(_MOST_ENDS):
        at = pdf.find(_END_OF_FILE, at)
        if at < 0:
            return
        at += len(_END_OF_FILE)
        yield sha256_hex(pdf[:at])
        if pdf[at : at + 1] == b"\n":
            yield sha256_hex(pdf[: at + 1])


def _paper(whole: str, beginnings: set[str]) -> Row[*tuple[object, ...]] | None:
    """The paper whose bytes the file is, or begins with. `erased`: nothing of its contract, or of one of its order, may
    be told any more.
    """
    sealed, unsealed = DocumentRow.document_sha256, DocumentRow.unsigned_sha256
    forgotten = aliased(PolicyRow)
    of_order = exists().where(forgotten.order_id == DocumentRow.order_id, forgotten.erased_at.is_not(None))
    return db.session.execute(
        select(
            *_CONTRACT,
            sealed,
            DocumentRow.kind,
            DocumentRow.number.label("own_number"),
            DocumentRow.sealed_at,
            VersionRow.number.label("version"),
            func.coalesce(VersionRow.number == LATEST, true()).label("is_latest"),
            or_(PolicyRow.erased_at.is_not(None), of_order).label("erased"),
        )
        .outerjoin(VersionRow, VersionRow.id == DocumentRow.version_id)
        .outerjoin(PolicyRow, PolicyRow.id == VersionRow.policy_id)
        .where(sealed.is_not(None), or_(sealed.in_({whole, *beginnings}), unsealed.in_(beginnings)))
        .order_by((sealed == whole).desc(), VersionRow.number.desc())
        .limit(1)
    ).one_or_none()


def _roots() -> bytes:
    """All certificates that seals of ours have led to (PEM)."""
    roots = db.session.scalars(select(SealRootRow.pem).order_by(SealRootRow.since, SealRootRow.sha256))
    return "\n".join(roots).encode()


def _facts(found: Row[*tuple[object, ...]]) -> PaperFacts:
    return PaperFacts(
        kind=PaperKind(found.kind),
        number=found.own_number or found.number,
        contract=None if found.number is None else _contract(found),
        version=found.version,
        sealed_at=found.sealed_at,
    )


def _contract(found: Row[*tuple[object, ...]]) -> PolicyCheck:
    period = CoverPeriod(found.start_on, found.end_on, found.zone)
    return PolicyCheck(
        number=found.number,
        product_name=catalog.product_version(found.product_version_id).content.marketing_name,
        state=rules.cover_on(clock.today(found.zone), period, found.ended_on, found.ending),
        period=period,
    )
