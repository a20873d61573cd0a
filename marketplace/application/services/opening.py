"""The beginning: from an offer to an applicant whose address is proven."""

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from marketplace.accounts.values import Account, Role
from marketplace.application.models import ApplicationRow
from marketplace.application.queries import read, require_own
from marketplace.application.services.gate import confirm, enter, own_locked, record, sealed
from marketplace.application.values import (
    Acting,
    Application,
    ApplicationOpened,
    ConfirmationKind,
    NotACustomer,
    State,
    Step,
)
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.infra.jobs import publish
from marketplace.kernel import clock, ids
from marketplace.needs import queries as needs
from marketplace.needs.values import Basket
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OfferNotFound
from marketplace.traceability.values import EntryType


def open_application(by: Acting, offer_id: UUID, locale: str) -> Application:
    """An application for a live offer of this journey; a repeat gives the same one. Where the offer is a line of a
    basket, it is the application of that line.

    Raises OfferNotFound (also for an offer of another journey), the refusals of `live_offer`, SaleStopped where
    nothing new may be begun, ApplicationNotFound and OwnerSignedOut where it is somebody's by now.
    """
    offer = quoting.live_offer(offer_id)
    if offer.need.journey_id != by.journey_id:
        raise OfferNotFound
    line = needs.line_of_offer(offer.id, by.journey_id)
    opened = db.session.scalar(
        insert(ApplicationRow)
        .values(
            id=ids.new_id(),
            reference=ids.reference("A"),
            journey_id=by.journey_id,
            offer_id=offer.id,
            need_id=offer.need.id,
            insurer_id=offer.insurer_id,
            product_version_id=offer.version.id,
            locale=locale,
            state=State.STARTED.value,
            created_at=clock.now(),
            business_created_at=clock.business_now(),
            expires_at=offer.expires_at,
            basket_id=None if line is None else line.basket_id,
            basket_line=None if line is None else line.number,
        )
        .on_conflict_do_nothing(index_elements=[ApplicationRow.journey_id, ApplicationRow.offer_id])
        .returning(ApplicationRow.id)
    )
    if opened is not None:
        quoting.require_on_sale(offer)
        publish(ApplicationOpened(opened))
    row = db.session.scalars(
        select(ApplicationRow).where(ApplicationRow.journey_id == by.journey_id, ApplicationRow.offer_id == offer.id)
    ).one()
    require_own(row, by.journey_id, by.account_id)
    return read(row)


def join_basket(basket: Basket, account_id: UUID | None) -> None:
    """Applications of one's own that were begun for an offer of this basket, alone or in a basket before it, stand in
    it from now on; contracts stay where they were concluded.
    """
    wanted = {line.offer_id: line for line in basket.wanted}
    rows = db.session.scalars(
        select(ApplicationRow)
        .where(
            ApplicationRow.journey_id == basket.journey_id,
            ApplicationRow.state != State.CONTRACTED.value,
            ApplicationRow.erased_at.is_(None),
            or_(ApplicationRow.account_id.is_(None), ApplicationRow.account_id == account_id),
        )
        .order_by(ApplicationRow.id)
        .with_for_update()
    )
    for row in rows:
        line = wanted.get(_begun_for(row))
        if line is not None and row.basket_id != basket.id:
            row.basket_id, row.basket_line = line.basket_id, line.number
    db.session.flush()


def _begun_for(row: ApplicationRow) -> UUID:
    """The offer it was begun for: that of its line, where a newer one took its place since."""
    if row.basket_id is None:
        return row.offer_id
    return next(line.offer_id for line in needs.basket(row.basket_id).lines if line.number == row.basket_line)


def acknowledge_entry(by: Acting, application_id: UUID) -> Application:
    """The customer read the entry prompt and goes on (T26-10). The two notices are confirmed beside it, each by itself;
    nothing personal is kept before all three.
    """
    visit = enter(by, application_id, Step.ENTRY)
    wording = disclosure.wording(WordingKey.ENTRY_NOTICE, visit.row.locale)
    confirm(visit, ConfirmationKind.ENTRY, wording.sha256, {"wording": wording.key, "version": wording.version})
    return read(visit.row)


def give_email(by: Acting, application_id: UUID, email: str) -> Application:
    """The address to be proven by code. May be changed until one is proven."""
    row = enter(by, application_id, Step.EMAIL).row
    address = email.strip().lower()
    if row.account_id is None and row.email != address:
        record(by, row, EntryType.FIELD_ENTERED, {"field": "email", "old": sealed(row.email), "new": sealed(address)})
        row.email = address
        db.session.flush()
    return read(row)


def note_code_sent(by: Acting, application_id: UUID) -> None:
    """A one-time code went to the address given (the entry point asked accounts for it)."""
    row = enter(by, application_id, Step.CODE).row
    record(by, row, EntryType.CODE_SENT, {"address": sealed(row.email)})


def bind_account(by: Acting, application_id: UUID, account: Account) -> Application:
    """The address is proven: from now on the application belongs to this account, on every device.

    Raises NotACustomer for staff (T26-25), ApplicationNotFound when it belongs to somebody else.
    """
    if account.role is not Role.CUSTOMER:
        raise NotACustomer
    proven = Acting(by.journey_id, by.page_version_id, account.id)
    row = own_locked(proven, application_id)
    if row.account_id == account.id:
        return read(row)
    enter(proven, application_id, Step.EMAIL)
    row.account_id, row.email = account.id, account.email
    db.session.flush()
    record(proven, row, EntryType.EMAIL_VERIFIED, {"address": sealed(account.email), "account_id": account.id})
    return read(row)
