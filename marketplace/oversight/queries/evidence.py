"""Whose evidence is meant, what of it was asked for, and who read it."""

import re
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from marketplace.accounts import queries as accounts
from marketplace.application import queries as applications
from marketplace.infra.db import db
from marketplace.oversight.models import BundleRow, SaleRow
from marketplace.oversight.queries.sales import read_sales
from marketplace.oversight.values import Bundle, BundleNotFound, BundleState, Reading, Sale
from marketplace.payment import queries as payments
from marketplace.payment.values import Purpose
from marketplace.policy import queries as policies
from marketplace.traceability import queries as trail
from marketplace.traceability.values import journey_of_readings

MOST_CONTRACTS = 50
MOST_WORDS = 500
_SAID_BEFORE = {"looked", "downloaded"}
"""Of evidence that was asked for: why was said then, which may be days ago."""
_REFERENCE = re.compile(r"(?<![0-9A-Z])[AJO]-[0-9A-Z]{4}-[0-9A-Z]{4}(?![0-9A-Z])")
_PROVIDERS = re.compile(r"(?<![0-9A-Za-z])(?:pi|cs)_[0-9A-Za-z_]{4,200}")


def contracts_in(text: str) -> tuple[Sale, ...]:
    """The contracts and applications that a text speaks of, by policy number, by the reference of an application, an
    order, a journey, a later visit or a payment, or by the mail address of their customer, each once, newest first: the
    text of a complaint will do. An order of several contracts gives all of them, and so does an address.
    """
    references = sorted(set(_REFERENCE.findall(text.upper())))[:MOST_WORDS]
    provider = sorted(set(_PROVIDERS.findall(text)))[:MOST_WORDS]
    orders = payments.subjects_paid_as(Purpose.NEW_BUSINESS, provider) if provider else frozenset()
    told = applications.ids_of_accounts(accounts.customers_in(text)) | policies.applications_in(text, MOST_WORDS)
    if not (references or orders or told):
        return ()
    wanted = or_(
        SaleRow.application_reference.in_(references),
        SaleRow.order_reference.in_(references),
        SaleRow.journey_reference.in_(references),
        SaleRow.application_id.in_(told | (trail.contracts_visited(references) if references else frozenset())),
        SaleRow.order_id.in_(orders),
    )
    newest = select(SaleRow).where(wanted, SaleRow.application_id.is_not(None)).order_by(SaleRow.started_at.desc())
    return read_sales(newest.order_by(SaleRow.id).limit(MOST_CONTRACTS))


def bundle(bundle_id: UUID, account_id: UUID) -> Bundle:
    """Evidence that this account asked for. Raises BundleNotFound, also for that of others."""
    return _bundle(_row(bundle_id, account_id))


def bundle_bytes(bundle_id: UUID, account_id: UUID) -> bytes:
    """The file. Raises BundleNotFound where there is none, or none any more."""
    content = _row(bundle_id, account_id).content
    if content is None:
        raise BundleNotFound
    return content


def bundles_of(application_id: UUID, account_id: UUID, limit: int = 10) -> tuple[Bundle, ...]:
    """What this account asked for of a contract, newest first."""
    own = BundleRow.application_id == application_id, BundleRow.account_id == account_id
    rows = db.session.scalars(select(BundleRow).where(*own).order_by(BundleRow.asked_at.desc()).limit(limit))
    return tuple(_bundle(row) for row in rows)


def reason_given(sale: Sale, account_id: UUID, since: datetime) -> str | None:
    """Why somebody reads about a sale, as said last since an instant; None where nothing was said. Of what was erased
    nobody can read the reason: it is empty.
    """
    said = trail.entries_by(account_id, journey_of_readings(sale.application_id or sale.journey_id), since)
    given = [str(each.body.get("reason", "")) for each in said if each.body.get("what") not in _SAID_BEFORE]
    return given[-1] if given else None


def readings_of(of: UUID) -> tuple[Reading, ...]:
    """Who looked at the sale of an application, or at a visit that led to none (by its journey), and who asked for,
    looked at or took away its evidence, first to last.
    """
    entries = trail.journey_entries(journey_of_readings(of))
    return tuple(
        Reading(
            what=str(each.body.get("what", "")),
            label=each.actor.label,
            reason=str(each.body.get("reason", "")),
            recorded_at=each.recorded_at,
        )
        for each in entries
    )


def _row(bundle_id: UUID, account_id: UUID) -> BundleRow:
    row = db.session.get(BundleRow, bundle_id)
    if row is None or row.account_id != account_id:
        raise BundleNotFound
    return row


def _bundle(row: BundleRow) -> Bundle:
    return Bundle(
        id=row.id,
        state=BundleState(row.state),
        application_id=row.application_id,
        insurer_id=row.insurer_id,
        reason=row.reason,
        asked_at=row.asked_at,
        made_at=row.made_at,
        expires_at=row.expires_at,
        failure=row.failure,
        core_sha256=row.core_sha256,
        sha256=row.sha256,
        size=row.size,
        verified=row.verified,
        findings=tuple(row.findings),
    )
