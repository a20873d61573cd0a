"""How an insurer ends the sale of what it published: by itself, with a reason that customers read."""

from datetime import datetime
from uuid import UUID

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as versions
from marketplace.catalog import services as catalog
from marketplace.kernel.text import LocalizedText
from marketplace.listing.values import CATALOG_KEEPERS, ReasonMissing, ReviewNotYours
from marketplace.quoting import services as quoting
from marketplace.traceability.values import Actor


def stop_sale(version_id: UUID, at: datetime | None, reason: LocalizedText, actor: Actor) -> None:
    """No new offers and applications from `at` on (None: now); contracts and what was begun before stay.

    Raises ReviewNotYours, ReasonMissing, ProductVersionNotFound, OffSaleAlready, StopInThePast.
    """
    _require(version_id, reason, actor)
    catalog.stop_sale(version_id, at, reason, actor)


def recall_version(version_id: UUID, reason: LocalizedText, actor: Actor) -> int:
    """Off sale at once; its open offers are void, and who was applying compares again. Contracts stay. Returns how many
    offers it voided. Raises ReviewNotYours, ReasonMissing, ProductVersionNotFound, OffSaleAlready.
    """
    _require(version_id, reason, actor)
    catalog.recall(version_id, reason, actor)
    return quoting.void_offers_of(version_id)


def withdraw_version(version_id: UUID, reason: LocalizedText, actor: Actor) -> None:
    """Take back what was accepted before its first day; what is on sale until then stays on sale.

    Raises ReviewNotYours, ReasonMissing, ProductVersionNotFound, OffSaleAlready, AlreadyOnSale.
    """
    _require(version_id, reason, actor)
    catalog.withdraw(version_id, reason, actor)


def _require(version_id: UUID, reason: LocalizedText, actor: Actor) -> None:
    version = versions.product_version(version_id)
    account = accounts.account(actor.account_id) if actor.account_id is not None else None
    if account is None or account.disabled or account.role not in CATALOG_KEEPERS:
        raise ReviewNotYours
    if account.insurer_id != version.insurer_id:
        raise ReviewNotYours
    if not reason.en.strip():
        raise ReasonMissing({"reason": "is missing"})
