"""The road of an upload: received, read, submitted, approved by a second person, accepted for sale (O13-45)."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from marketplace.accounts.values import Account, Role
from marketplace.catalog.values import ProductVersion, Profile
from marketplace.kernel.transitions import Table
from marketplace.listing.values import (
    CATALOG_KEEPERS,
    CATALOG_REVIEWERS,
    ReviewNotYours,
    SaleOver,
    SecondPersonNeeded,
    UploadEvent,
    UploadState,
)

S, E = UploadState, UploadEvent
_NEXT: Mapping[tuple[UploadState, UploadEvent], UploadState] = {
    (S.RECEIVED, E.READ): S.DRAFT,
    (S.RECEIVED, E.FIND): S.REFUSED,
    (S.RECEIVED, E.WITHDRAW): S.WITHDRAWN,
    (S.DRAFT, E.SUBMIT): S.SUBMITTED,
    (S.DRAFT, E.WITHDRAW): S.WITHDRAWN,
    (S.SUBMITTED, E.APPROVE): S.APPROVED,
    (S.SUBMITTED, E.SEND_BACK): S.REJECTED,
    (S.SUBMITTED, E.WITHDRAW): S.WITHDRAWN,
    (S.APPROVED, E.ACCEPT): S.PUBLISHED,
    (S.APPROVED, E.REFUSE): S.REJECTED,
    (S.APPROVED, E.WITHDRAW): S.WITHDRAWN,
}
_OTHERWISE: Mapping[UploadState, str] = {
    S.RECEIVED: "it is being read",
    S.REFUSED: "it has findings",
    S.DRAFT: "nobody has submitted it",
    S.SUBMITTED: "it waits for a second person of the insurer",
    S.APPROVED: "it waits for the marketplace",
    S.PUBLISHED: "it is published; its sale is ended version by version",
    S.REJECTED: "it was rejected",
    S.WITHDRAWN: "it was withdrawn",
}
LIFE: Table[UploadState, UploadEvent] = Table(
    UploadState,
    UploadEvent,
    {(state, event): _NEXT.get((state, event), _OTHERWISE[state]) for state in UploadState for event in UploadEvent},
)

# The marketplace's own work takes the steps that are not here.
_TAKEN_BY: Mapping[UploadEvent, frozenset[Role]] = {
    E.SUBMIT: CATALOG_KEEPERS,
    E.APPROVE: CATALOG_KEEPERS,
    E.SEND_BACK: CATALOG_KEEPERS,
    E.WITHDRAW: CATALOG_KEEPERS,
    E.ACCEPT: CATALOG_REVIEWERS,
    E.REFUSE: CATALOG_REVIEWERS,
}
_BY_A_SECOND_PERSON = {E.APPROVE, E.SEND_BACK}


def require_may_take(
    event: UploadEvent, account: Account, insurer_id: UUID, before: tuple[UUID | None, UUID | None]
) -> None:
    """Whether `account` takes this step of an upload of this insurer. `before`: who uploaded and who submitted it.

    Four eyes: who approves, or sends back, is neither of the two; where one of them is not known, nobody is. Raises
    ReviewNotYours, SecondPersonNeeded.
    """
    of_the_insurer = account.role in CATALOG_KEEPERS and account.insurer_id == insurer_id
    theirs = of_the_insurer or account.role in CATALOG_REVIEWERS
    if account.disabled or account.role not in _TAKEN_BY.get(event, frozenset()) or not theirs:
        raise ReviewNotYours
    if event in _BY_A_SECOND_PERSON and (None in before or account.id in before):
        raise SecondPersonNeeded


def first_day_on_sale(profile: Profile, effective_from: date, effective_to: date | None, today: date) -> date:
    """The first day on which an accepted product is sold: the day it names, or today where that has begun. Nothing is
    sold backdated; published rates, which nobody can buy, keep their days. Raises SaleOver.
    """
    if not profile.can_be_bought:
        return effective_from
    if effective_to is not None and effective_to <= today:
        raise SaleOver
    return max(effective_from, today)


def followed(known: Sequence[ProductVersion], code: str, today: date) -> ProductVersion | None:
    """The version that a draft of a product would follow: the one on sale today, else the newest that is not withdrawn,
    else the newest; None where the product is new. `known` has the newest first.
    """
    of_product = [each for each in known if each.content.code == code]
    standing = [each for each in of_product if each.withdrawn_at is None]
    on_sale = [each for each in standing if each.on_sale_on(today)]
    return next(iter([*on_sale, *standing, *of_product]), None)
