"""Whether the trail of a finished sale is whole: what the application rests on has its entries, in their order, each on
a page that was shown before (checklist T26-01, T26-06, T26-31; the order of section 6).
"""

from collections.abc import Iterator, Sequence

from marketplace.application.values import CONFIRMED_AS, ApplicationView, ConfirmationKind
from marketplace.oversight.values import Completeness, Gap, Lack
from marketplace.traceability.values import ActorRole, Entry, EntryType

_BY_CUSTOMER = frozenset({ActorRole.VISITOR, ActorRole.CUSTOMER})
_AFTERWARDS = (
    EntryType.APPLICATION_SUBMITTED,
    EntryType.UNDERWRITING_DECIDED,
    EntryType.PAYMENT_SUCCEEDED,
    EntryType.CONTRACT_CONCLUDED,
    EntryType.POLICY_SIGNED,
    EntryType.POLICY_MAILED,
)
"""Each once at least, the last of each after the last of the one before it."""
_OF_SEVERAL = frozenset({EntryType.ENTRY_SHOWN, EntryType.PAYMENT_SUCCEEDED})
"""What names no application: the page before there is one, and the payment of several contracts at once."""
_ON_OTHER_TERMS = (EntryType.COUNTER_OFFER_MADE, EntryType.COUNTER_OFFER_ACCEPTED)
_OTHERWISE = (
    ConfirmationKind.DECLARATION,
    ConfirmationKind.HEALTH_WITHDRAWN,
    ConfirmationKind.DOCUMENT_OPENED,
    ConfirmationKind.COUNTER_OFFER,
)
"""What need not stand before the application was submitted, or is asked for with what it belongs to."""
_NAMED_IN = ("subject_sha256", "sha256", "question", "check_id", "consent_id")

Wanted = tuple[EntryType, str]
"""An entry, and what it is about where one of many is meant."""


def completeness(view: ApplicationView, entries: Sequence[Entry]) -> Completeness:
    """Of a sale whose policy was mailed, or should have been. `entries` are those of its journey in their order, none
    of another application and no payment of another order among them.
    """
    of_sale = [entry for entry in entries if entry.application_id is not None or entry.type in _OF_SEVERAL]
    before = tuple(dict.fromkeys(_wanted(view)))
    afterwards = _afterwards(view)
    gaps = (*_before_gaps(before, of_sale), *_afterwards_gaps(afterwards, of_sale), *_unseen(entries))
    return Completeness(len(before) + len(afterwards), tuple(dict.fromkeys(gaps)))


def _wanted(view: ApplicationView) -> Iterator[Wanted]:
    """What must stand before the application was submitted."""
    yield EntryType.ENTRY_SHOWN, ""
    yield EntryType.FIELD_ENTERED, ""
    if view.identity is not None or view.identity_missing:
        yield EntryType.IDENTITY_VERIFIED, "" if view.identity is None else str(view.identity.id)
    if view.insured_consent is not None or view.insured_consent_missing:
        consent = "" if view.insured_consent is None else str(view.insured_consent.id)
        yield EntryType.INSURED_ASKED, consent
        yield EntryType.INSURED_CONSENTED, consent
    for each in view.confirmations:
        if each.kind is ConfirmationKind.DOCUMENT:
            yield EntryType.DOCUMENT_OPENED, each.subject_sha256
        if each.kind not in _OTHERWISE:
            yield CONFIRMED_AS[each.kind], each.subject_sha256
    for question in view.application.answers:
        yield EntryType.ANSWER_GIVEN, question


def _before_gaps(wanted: Sequence[Wanted], entries: Sequence[Entry]) -> Iterator[Gap]:
    submitted = _last(entries, EntryType.APPLICATION_SUBMITTED)
    for type_, subject in wanted:
        first = _first(entries, type_, subject)
        latest = _first(entries, EntryType.DOCUMENT_CONFIRMED, subject) if type_ is EntryType.DOCUMENT_OPENED else None
        if first is None:
            yield Gap(Lack.MISSING, type_, subject)
        elif any(end is not None and first > end for end in (submitted, latest)):
            yield Gap(Lack.OUT_OF_ORDER, type_, subject)


def _afterwards(view: ApplicationView) -> tuple[EntryType, ...]:
    """Other terms were offered, and agreed to, between the decision and the payment."""
    at = _AFTERWARDS.index(EntryType.PAYMENT_SUCCEEDED)
    return _AFTERWARDS if view.offer.terms is None else (*_AFTERWARDS[:at], *_ON_OTHER_TERMS, *_AFTERWARDS[at:])


def _afterwards_gaps(wanted: Sequence[EntryType], entries: Sequence[Entry]) -> Iterator[Gap]:
    so_far = -1
    for type_ in wanted:
        place = _last(entries, type_)
        if place is None:
            yield Gap(Lack.MISSING, type_)
        elif place < so_far:
            yield Gap(Lack.OUT_OF_ORDER, type_)
        else:
            so_far = place


def _unseen(entries: Sequence[Entry]) -> Iterator[Gap]:
    """Acts of the customer on a version of a page that was not shown before in this journey."""
    shown: set[str | None] = {None}
    for entry in entries:
        if entry.page_sha256 is not None:
            shown.add(entry.page_version_id)
        elif entry.actor.role in _BY_CUSTOMER and entry.page_version_id not in shown:
            yield Gap(Lack.PAGE_NOT_SHOWN, entry.type, _subject_of(entry))


def _first(entries: Sequence[Entry], type_: EntryType, subject: str) -> int | None:
    return next(
        (
            place
            for place, entry in enumerate(entries)
            if entry.type is type_ and (not subject or subject in map(entry.body.get, _NAMED_IN))
        ),
        None,
    )


def _last(entries: Sequence[Entry], type_: EntryType) -> int | None:
    return max((place for place, entry in enumerate(entries) if entry.type is type_), default=None)


def _subject_of(entry: Entry) -> str:
    return next((str(entry.body[name]) for name in _NAMED_IN if name in entry.body), "")
