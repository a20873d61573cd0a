"""One upload as the desks show it: where it stands, what was found, its products as customers see them."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField
from wtforms.validators import Length

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Factor, FactorKind, LineDefinition, ProductVersion, RowValue, Scalar
from marketplace.infra import storage
from marketplace.infra.formatting import ZONE, current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid, NotFound
from marketplace.kernel.text import LocalizedText
from marketplace.listing import queries as listing
from marketplace.listing.values import (
    CATALOG_REVIEWERS,
    Band,
    Explanation,
    Finding,
    Shift,
    Step,
    StoredDraft,
    Tried,
    Upload,
    UploadEvent,
)
from marketplace.web import access
from marketplace.web.desks import page_number
from marketplace.web.fields import (
    Form,
    factor_faults,
    factor_form,
    factor_values,
    factor_words,
    lines_of_text,
    required,
)
from marketplace.web.papers import insurers_document
from marketplace.web.upload_words import STATES, STEPS, change_words, percent, shift_words

FINDINGS_SHOWN = 50
RISKS_SHOWN = 20
LONGEST_REASON = 2000


class ReasonForm(Form):
    reason = TextAreaField(
        _l("Reason"),
        [required(), lines_of_text, Length(max=LONGEST_REASON)],
        description=_l("The insurer’s staff and the marketplace read it."),
        render_kw={"rows": "3"},
    )


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step in words, with the person who took it where the reader may know."""

    step: Step
    words: str
    who: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the storefront's product page."""

    label: LocalizedText
    items: tuple[LocalizedText, ...]
    negative: bool


@dataclass(frozen=True, slots=True)
class ShownRisk:
    """A risk in words with both premiums; `change` in words, empty where one of them is missing."""

    words: str
    tried: Tried
    change: str


def upload_page(found: Upload, form: ReasonForm | None = None) -> ResponseReturnValue:
    """Where an upload stands, what was found in it, what it holds, and the steps that whoever looks may take."""
    account, steps = access.here(), listing.steps_of(found.id)
    number = page_number()
    findings = found.findings[(number - 1) * FINDINGS_SHOWN : number * FINDINGS_SHOWN]
    page = render_template(
        "listing/upload.html",
        upload=found,
        insurer=accounts.insurer(found.insurer_id),
        state=STATES[found.state],
        findings=_by_file(findings),
        number=number,
        pages=max(1, -(-len(found.findings) // FINDINGS_SHOWN)),
        drafts=listing.drafts_of(found.id),
        versions=_versions_of(found),
        today=clock.today(ZONE),
        steps=_shown(found, steps, account),
        may={event.value for event in UploadEvent if listing.may_take(event, found, account)},
        own_part=account.id in {found.received_by, found.submitted_by},
        again=listing.may_be_uploaded_again(found) and account.role not in CATALOG_REVIEWERS,
        form=form or ReasonForm(formdata=None),
    )
    return page, 422 if form is not None and form.errors else 200


def product_page(found: Upload, number: int) -> ResponseReturnValue:
    """A product of the draft as a customer will read it."""
    draft = listing.draft(found.id, number)
    return render_template(
        "listing/product.html",
        **_common(found, draft),
        content=draft.content,
        documents=draft.content.documents,
        paper_address=lambda document: url_for(".document", upload_id=found.id, filename=document.sha256),
        rows=[_row(row) for row in draft.content.comparison()],
    )


def premiums_page(found: Upload, number: int) -> ResponseReturnValue:
    """Premiums of the draft beside those of today: of one risk that is typed, and of twenty."""
    draft = listing.draft(found.id, number)
    definition = draft.content.definition
    form: Any = factor_form(definition, clock.today(ZONE))()
    if "start_on" in form and definition.start_factor is None:
        del form.start_on
    tried = None
    if form.validate_on_submit():
        try:
            (tried,) = listing.tried(draft, [definition.risk(factor_values(form, definition))])
        except Invalid as error:
            form.take_errors(factor_faults(definition, error.fields))
    start = min(max(request.args.get("start", 0, type=int), 0), 10_000)
    risks = listing.tried(draft, listing.some_risks(draft, RISKS_SHOWN, start))
    page = render_template(
        "listing/premiums.html",
        **_common(found, draft),
        form=form,
        tried=tried,
        risks=[_shown_risk(definition, each) for each in risks],
        start=start,
    )
    return page, 422 if form.errors else 200


def difference_page(found: Upload, number: int) -> ResponseReturnValue:
    """What the draft changes, in words and numbers, and whom it touches."""
    draft = listing.draft(found.id, number)
    difference, definition = draft.difference, draft.content.definition
    bands = difference.premiums.bands if difference.premiums else ()
    return render_template(
        "listing/difference.html",
        **_common(found, draft),
        difference=difference,
        overall=shift_words(difference.premiums.shift) if difference.premiums and difference.premiums.shift else "",
        bands=[
            (definition.factor(name).label, [_shown_band(definition, each) for each in group])
            for name, group in groupby(bands, key=lambda each: each.factor)
        ],
        changes=[
            (part, list(group))
            for part, group in groupby(change_words(draft.content, difference), key=lambda each: each.part)
        ],
    )


def document(found: Upload, sha256: str) -> ResponseReturnValue:
    """The bytes of a document of the draft, and of no other file."""
    refs = [ref for draft in listing.drafts_of(found.id) for ref in draft.content.documents if ref.sha256 == sha256]
    if not refs:
        raise NotFound
    return insurers_document(storage.get(sha256), refs[0].media_type)


def _common(found: Upload, draft: StoredDraft) -> dict[str, Any]:
    return {
        "upload": found,
        "insurer": accounts.insurer(found.insurer_id),
        "draft": draft,
        "state": STATES[found.state],
    }


def _row(row: RowValue) -> Row:
    return Row(row.row.label, row.items, negative=row.row.key == "not_covered")


def _by_file(findings: tuple[Finding, ...]) -> list[tuple[str, list[tuple[Finding, Explanation]]]]:
    return [
        (file, [(each, listing.explain(each)) for each in group])
        for file, group in groupby(findings, key=lambda each: each.file)
    ]


def _versions_of(found: Upload) -> dict[str, ProductVersion]:
    """By place of the draft: the version that was published from it."""
    known = catalog.product_versions(found.version_ids)
    return {str(place): known[version_id] for place, version_id in enumerate(found.version_ids, 1)}


def _shown(found: Upload, steps: tuple[Step, ...], reader: Account) -> list[ShownStep]:
    """Staff of an insurer are not told who of the marketplace looked at it: the role is enough."""
    of_the_marketplace = {UploadEvent.ACCEPT, UploadEvent.REFUSE}
    told = [
        step.account_id
        for step in steps
        if step.account_id and (reader.role in CATALOG_REVIEWERS or step.event not in of_the_marketplace)
    ]
    names = accounts.names_of([*told, *([found.received_by] if found.received_by else [])])
    received = Step(UploadEvent.READ, found.received_at, found.received_by, "", "")
    shown = [ShownStep(received, _("received"), names.get(found.received_by, "") if found.received_by else "")]
    for step in steps:
        who = names.get(step.account_id, "") if step.account_id else _("the marketplace’s own work")
        shown.append(ShownStep(step, str(STEPS[step.event]), who or _("a reviewer of the marketplace")))
    return shown


def _shown_risk(definition: LineDefinition, tried: Tried) -> ShownRisk:
    words = ", ".join(_factor(definition, factor, tried.risk[factor.name]) for factor in definition.factors)
    change = ""
    if tried.new is not None and tried.old is not None and tried.old.total.minor:
        change = percent((tried.new.total.minor - tried.old.total.minor) * 1_000_000 // tried.old.total.minor)
    return ShownRisk(words, tried, change)


def _factor(definition: LineDefinition, factor: Factor, value: Scalar) -> str:
    """A bare yes or no says nothing without its question."""
    words = factor_words(factor, value, definition.currency)
    if factor.kind is not FactorKind.BOOLEAN:
        return words
    return _("%(question)s: %(what)s", question=factor.label.in_(current_locale()), what=words)


def _shown_band(definition: LineDefinition, band: Band) -> tuple[str, Shift, str]:
    """The values of a band, how many risks it holds, and how their premiums shift."""
    factor = definition.factor(band.factor)
    words = factor_words(factor, band.high, definition.currency)
    return words if band.low == band.high else f"{band.low}–{words}", band.shift, shift_words(band.shift)
