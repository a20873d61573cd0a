"""A fresh offer for an application whose own cannot be kept: expired, recalled, or made for another age."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from marketplace.application import rules
from marketplace.application.models import ApplicationRow
from marketplace.application.queries import read, view_of
from marketplace.application.services.gate import actor_of, own_locked, record, require_open
from marketplace.application.values import (
    Acting,
    Application,
    ApplicationView,
    NoNewOffer,
    People,
)
from marketplace.catalog.values import Scalar
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.errors import Refused
from marketplace.quoting import queries as quoting
from marketplace.quoting import services as quotes
from marketplace.quoting.values import OfferView
from marketplace.traceability.values import EntryType


def take_new_offer(
    by: Acting, application_id: UUID, changes: Mapping[str, Scalar] | None = None, start_on: date | None = None
) -> Application:
    """Quote again, with `changes` to the rating factors, and go on with the same insurer's product at its new price.

    What was confirmed stays confirmed only where it is unchanged: documents and exclusions by hash, answers by their
    question; the people stay when the new price is for them (T26-26). Whether it suits is asked again where the product
    is made for others by now. The old offer is void.

    Raises NoNewOffer, Invalid, ApplicationNotFound, AlreadySubmitted, ApplicationLapsed.
    """
    row = own_locked(by, application_id)
    require_open(row)
    old = view_of(row)
    need = quotes.requote(row.need_id, changes or {}, start_on, actor_of(by))
    offer = _same_product(old.offer, quoting.offers_for(need.id))
    record(
        by,
        row,
        EntryType.OFFER_REPLACED,
        {
            "old_offer_id": old.offer.id,
            "new_offer_id": offer.id,
            "old_total_minor": old.offer.total.minor,
            "new_total_minor": offer.total.minor,
            "currency": offer.total.currency,
            "content_sha256": offer.content_sha256,
            "tariff_root": offer.tariff_root,
        },
    )
    quotes.void_offer(old.offer.id)
    _replace(row, old, offer)
    return read(row)


def _same_product(old: OfferView, offers: tuple[OfferView, ...]) -> OfferView:
    for offer in offers:
        if offer.version.product_id == old.version.product_id:
            return offer
    raise NoNewOffer


def _replace(row: ApplicationRow, old: ApplicationView, offer: OfferView) -> None:
    row.offer_id, row.need_id = offer.id, offer.need.id
    row.product_version_id, row.expires_at = offer.version.id, offer.expires_at
    row.answers = rules.kept_answers(dict(row.answers), old.offer.version.content, offer.version.content)
    if old.offer.version.content.target_market != offer.version.content.target_market:
        row.circumstances = None
    if old.application.people is not None and not _fits(old.application.people, offer):
        row.persons = None
    db.session.flush()


def _fits(people: People, offer: OfferView) -> bool:
    try:
        rules.require_fitting(people, offer.version.content, offer.need.risk, offer.need.start_on, clock.today(ZONE))
    except Refused:
        return False
    return True
