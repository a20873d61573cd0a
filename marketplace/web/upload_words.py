"""Words for uploads: their states and steps, what changes in a product, how premiums shift."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_percent

from marketplace.catalog.values import ProductContent
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.listing.values import Change, Difference, Part, Shift, UploadEvent, UploadState

STATES: Mapping[UploadState, tuple[str, str]] = {
    UploadState.RECEIVED: (_l("being read"), "warn"),
    UploadState.REFUSED: (_l("has findings"), "bad"),
    UploadState.DRAFT: (_l("draft"), "warn"),
    UploadState.SUBMITTED: (_l("waits for a second person"), "warn"),
    UploadState.APPROVED: (_l("waits for the marketplace"), "warn"),
    UploadState.PUBLISHED: (_l("published"), ""),
    UploadState.REJECTED: (_l("rejected"), "bad"),
    UploadState.WITHDRAWN: (_l("withdrawn"), "plain"),
}
"""Words and class of each state."""

STEPS: Mapping[UploadEvent, str] = {
    UploadEvent.READ: _l("read, nothing found"),
    UploadEvent.FIND: _l("read, with findings"),
    UploadEvent.SUBMIT: _l("submitted"),
    UploadEvent.APPROVE: _l("approved by a second person"),
    UploadEvent.SEND_BACK: _l("sent back by a second person"),
    UploadEvent.ACCEPT: _l("accepted for sale by the marketplace"),
    UploadEvent.REFUSE: _l("refused by the marketplace"),
    UploadEvent.WITHDRAW: _l("withdrawn by the insurer"),
}

_PARTS: Mapping[Part, str] = {
    Part.PRODUCT: _l("The product"),
    Part.ELIGIBILITY: _l("Who may buy it"),
    Part.COVERS: _l("Covers"),
    Part.EXCLUSIONS: _l("Exclusions"),
    Part.KEY_FACTS: _l("Key facts"),
    Part.FACTS: _l("Rows of the comparison"),
    Part.QUESTIONS: _l("Questions"),
    Part.SERVICES: _l("Services"),
    Part.DOCUMENTS: _l("Documents"),
}
_FIELDS: Mapping[str, str] = {
    "profile": _l("Market profile"),
    "currency": _l("Currency"),
    "marketing_name": _l("Name"),
    "name": _l("Name"),
    "title": _l("Title"),
    "text": _l("Words"),
    "summary": _l("Summary"),
    "clause_name": _l("Name of the clauses"),
    "clause_code": _l("Code of the clauses"),
    "filing_no": _l("Filing number"),
    "target_market": _l("Made for"),
    "not_for": _l("Not for"),
    "payment": _l("Payment"),
    "term": _l("How long it lasts"),
    "limits": _l("Limits over several answers"),
    "commission": _l("Commission"),
    "pays": _l("Pays"),
    "limit": _l("At most"),
    "limit_minor": _l("At most, in hundredths"),
    "sub_limit": _l("Limit within"),
    "deductible": _l("You bear"),
    "waiting_days": _l("Waiting, in days"),
    "optional": _l("Optional"),
    "plain_explanation": _l("Plain explanation"),
    "clause_ref": _l("Clause"),
    "on_yes": _l("After yes"),
    "on_no": _l("After no"),
    "reason": _l("Reason"),
    "loading": _l("Extra premium"),
    "exclusion": _l("Exclusion added"),
    "postpone_days": _l("Apply again after, in days"),
    "reason_code": _l("Code of the reason"),
    "cooling_off_days": _l("Cooling-off, in days"),
    "grace_days": _l("Grace, in days"),
    "renewal": _l("Renewal"),
    "renewal_guaranteed": _l("Renewal guaranteed"),
    "cash_value": _l("Cash value"),
    "surrender": _l("Ending it early"),
    "surrender_how": _l("How to end it early"),
    "reinstatement": _l("If cover stopped"),
    "claim_how": _l("Making a claim"),
    "early_end": _l("What goes back early"),
    "of_unused": _l("Per cent of the days left"),
    "of_paid": _l("Per cent of what was paid, year by year"),
    "nothing_in_last_year": _l("Nothing in the last year"),
    "whole_before_start": _l("Everything before the start"),
    "how_to_pay": _l("How to pay"),
    "delivery": _l("How you get the policy"),
    "sha256": _l("The file itself"),
    "order": _l("Order"),
}
_LANGUAGES = {"en": "English", "zh": "中文"}
_NO_WORDS = {"size"}
"""What changes with the file itself and says nothing more."""


@dataclass(frozen=True, slots=True)
class ChangeWords:
    """A change as a person reads it: in which part, of what, from what, to what."""

    part: str
    what: str
    old: str
    new: str
    lang: str


def change_words(content: ProductContent, difference: Difference) -> Iterator[ChangeWords]:
    for change in difference.changes:
        if change.field.split(".")[-1] not in _NO_WORDS:
            yield _change(content, change)


def _change(content: ProductContent, change: Change) -> ChangeWords:
    *path, last = change.field.split(".")
    lang = last if last in _LANGUAGES else ""
    names = [*path, *([] if lang else [last])]
    what = " · ".join(
        [*([change.item] if change.item else []), *(_name(content, change.part, each) for each in names if each)]
    )
    if lang:
        what = f"{what} ({_LANGUAGES[lang]})"
    old, new = (_value(change.field, value) for value in (change.old, change.new))
    return ChangeWords(str(_PARTS[change.part]), what, old, new, "zh-Hans" if lang == "zh" else "en")


def _name(content: ProductContent, part: Part, field: str) -> str:
    definition = content.definition
    if part is Part.ELIGIBILITY and field in {factor.name for factor in definition.factors}:
        return definition.factor(field).label.in_(current_locale())
    if part is Part.FACTS:
        rows = {row.key: row.label for row in definition.rows}
        return rows[field].in_(current_locale()) if field in rows else field
    return str(_FIELDS.get(field, field))


def _value(field: str, value: str | None) -> str:
    if value is None:
        return ""
    return f"{value[:16]}…" if field == "sha256" else value


def percent(millionths: int) -> str:
    """One decimal, with its sign only where it falls."""
    return str(format_percent(Decimal(millionths) / 1_000_000, "0.0 %", locale=current_locale()))


def shift_words(shift: Shift) -> str:
    """Such as `rises 4.0 % on average, at most 9.1 %`."""
    average, most, least = (percent(abs(each)) for each in (shift.average, shift.most, shift.least))
    if shift.most == shift.least == 0:
        return _("stays the same")
    if shift.least >= 0:
        return _("rises %(average)s on average, at most %(most)s", average=average, most=most)
    if shift.most <= 0:
        return _("falls %(average)s on average, at most %(most)s", average=average, most=least)
    if shift.average >= 0:
        return _(
            "rises %(average)s on average; it falls by at most %(least)s and rises by at most %(most)s",
            average=average, least=least, most=most,
        )  # fmt: skip
    return _(
        "falls %(average)s on average; it falls by at most %(least)s and rises by at most %(most)s",
        average=average, least=least, most=most,
    )  # fmt: skip
