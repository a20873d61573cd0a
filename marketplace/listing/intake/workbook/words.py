"""What each field of a workbook asks for, in the reader's language; a test holds that none is without words."""

from collections.abc import Mapping

from marketplace.catalog.values import LineDefinition
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import lazy_gettext as _l

HOW_TO: tuple[str, ...] = (
    _l("Fill in the sheets, save the workbook as .xlsx and upload it. Nothing goes on sale by uploading."),
    _l("Every fault is told with its sheet, row and column, and you can download a marked copy."),
    _l("One set of sheets for each product: the first has its fields, the others begin with the same name."),
    _l("For another product copy the sheets and give them another name before the space."),
    _l("Headings and field names stay as they are. A field you leave empty is not given."),
    _l("Several values in one cell are separated by commas."),
    _l("Days are dates of the spreadsheet, or written as 2026-01-31."),
    _l("Numbers and text only: no formulas, no merged cells, nothing hidden, no macros."),
    _l("The sheet of a table has a column for each factor, with _from and _to for a band, and rate or amount."),
    _l("At least five examples for each product: a risk in each row, and the premium you expect to the cent."),
    _l("Documents: a sheet with the text in its first column, or PDF files in a zip with the workbook, in documents/."),
)

CATALOG: Mapping[str, str] = {
    "format": _l("Stays as it is."),
    "insurer": _l("Your code at the marketplace."),
    "label": _l("What you call this catalog."),
    "effective_from": _l("On sale from this day."),
    "effective_to": _l("On sale until before this day; empty: until something newer comes."),
}

PRODUCT: Mapping[str, str] = {
    "code": _l("Short name of the product: small letters, digits, hyphens."),
    "version": _l("Only where one catalog has two versions of a product: a word that tells them apart."),
    "line": _l("Line of business."),
    "profile": _l("Which law's demands apply; rates_only can be compared, never bought."),
    "currency": _l("Three letters, such as CNY."),
    "marketing_name": _l("The name customers see."),
    "summary": _l("One sentence on what it does."),
    "payment.frequency": _l("How often the premium of the tariff is paid."),
    "payment.frequency_factor": _l("Or the factor by which customers choose it: payment_frequency."),
    "payment.times": _l("How many times it is paid; for how many years, where customers choose the frequency."),
    "payment.times_factor": _l("Or the factor that says how many."),
    "payment.methods": _l("By what it can be paid; card alone when empty."),
    "term.unit": _l("Whether cover lasts days or years."),
    "term.length": _l("How many of them."),
    "term.factor": _l("Or the factor that says how many."),
    "clause_name": _l("The name of the filed clauses."),
    "filing_no": _l("Filing number."),
    "clause_code": _l("Code of the clauses."),
    "target_market": _l("For whom it is meant."),
    "not_for": _l("For whom it is not."),
    "key_facts.cooling_off_days": _l("Days in which the customer may withdraw and get everything back."),
    "key_facts.waiting_days": _l("Days at the start in which illness is not covered."),
    "key_facts.grace_days": _l("Days a premium may be late."),
    "key_facts.term": _l("How long cover lasts, in words."),
    "key_facts.renewal": _l("What happens at the end of the term."),
    "key_facts.renewal_guaranteed": _l("Whether renewal is guaranteed."),
    "key_facts.cash_value": _l("What is returned on leaving early."),
    "key_facts.surrender": _l("How the contract is ended."),
    "key_facts.claim_how": _l("How a claim is made."),
    "key_facts.how_to_pay": _l("How the premium is paid."),
    "key_facts.delivery": _l("How the policy reaches the customer."),
    "key_facts.fully_online": _l("Whether everything can be done online."),
    "services.endorsement": _l("Ways to change the contract."),
    "services.preservation": _l("Ways to have the contract serviced."),
    "services.surrender": _l("Ways to end the contract."),
    "services.claim": _l("Ways to make a claim."),
    "services.complaint": _l("Ways to complain."),
    "information.about": _l("EU and UK: what type of insurance it is, for the product information document."),
    "information.where": _l("EU and UK: where one is covered; a line for each place."),
    "information.obligations": _l("EU and UK: what the customer must do; a line for each."),
    "information.start_and_end": _l("EU and UK: when the cover starts and ends."),
    "information.cancel": _l("EU and UK: how the contract is cancelled."),
    "information.restrictions": _l("EU and UK: restrictions that are said nowhere else; a line for each."),
    "commission.basis_points": _l("What the marketplace is paid, in hundredths of a per cent: 1800 is 18 %."),
    "tariff_published": _l("Whether anybody may have the whole tariff."),
    "effective.from": _l("Only where this product starts later than the catalog."),
    "effective.to": _l("Only where this product ends earlier than the catalog."),
}

PARTS: Mapping[str, Mapping[str, str]] = {
    "eligibility": {
        "factor": _l("The factor that is limited."),
        "values": _l("The values that are insured, or instead:"),
        "min": _l("The least, included."),
        "max": _l("The most, included."),
    },
    "limits": {
        "factors": _l("Factors that are added up, such as age and term."),
        "max": _l("Their sum is at most this."),
        "reason": _l("What a customer beyond it is told."),
    },
    "covers": {
        "code": _l("Short name of the cover."),
        "name": _l("Its name."),
        "pays": _l("What is paid, and when."),
        "limit": _l("At most how much, in words."),
        "limit_minor": _l("The limit as an amount in the smallest unit of the currency, if it is one amount."),
        "limit_factor": _l("Or the factor that is the limit, such as sum_insured."),
        "sub_limit": _l("A lower limit for a part of it."),
        "deductible": _l("What the customer bears."),
        "waiting_days": _l("Days before this cover starts."),
        "optional": _l("Whether it can be left out."),
    },
    "exclusions": {
        "code": _l("Short name of the exclusion."),
        "title": _l("A few words: shown in the comparison."),
        "plain_explanation": _l("What it means for the customer, in plain words."),
        "clause_ref": _l("The clause it stands in."),
        "kind": _l("What kind of limit it is; exclusion when empty."),
    },
    "questions": {
        "id": _l("Short name of the question."),
        "text": _l("The question, answered with yes or no."),
        "condition": _l("What is asked about."),
        "lookback": _l("How far back."),
        "threshold": _l("From when it counts."),
        "covers": _l("Codes of the covers it bears on."),
        "kind": _l("Stays empty."),
        "on_yes": _l("What happens on yes."),
        "on_no": _l("What happens on no."),
        "reason": _l("What the customer is told when not accepted."),
    },
    "tables": {
        "name": _l("Name of the table; its numbers stand on the sheet of that name."),
        "value": _l("Whether the numbers are rates or amounts of money."),
        "exact": _l("Factors with a value in each row."),
        "banded": _l("Factors with a band in each row: two columns, _from and _to."),
        "interpolated": _l("One factor between whose rows is interpolated."),
        "scale": _l("Decimals of an interpolated number."),
    },
    "steps": {
        "id": _l("Short name of the step."),
        "kind": _l("What the step does. Steps run in this order."),
        "table": _l("lookup: the table."),
        "line": _l("What the line of the premium is for."),
        "label": _l("What the customer reads beside the amount."),
        "when": _l("Only for some: smoker = yes; sex = male, female."),
        "rate": _l("A number, or the id of a look-up before it."),
        "factors": _l("per_unit: factors that are multiplied by the rate."),
        "unit": _l("per_unit: for how many units the rate is, such as 1000."),
        "amount": _l("add, fee, minimum, maximum: the amount."),
        "by": _l("multiply: a number, or the id of a look-up before it; 1.28 adds 28 %."),
        "of": _l("Ids of the steps it is worked out on; empty: all before it."),
        "to": _l("round: to a multiple of this."),
        "mode": _l("round: which way; half_up when empty."),
    },
    "documents": {
        "kind": _l("What it is."),
        "locale": _l("Its language: en or zh_Hans_CN."),
        "title": _l("Its title."),
        "file": _l("Its sheet after the product's name (ending in .md), or its file in documents/."),
    },
}


def of_fact(line: LineDefinition, path: str) -> str:
    """The row of the comparison that a fact is."""
    return next((row.label.in_(current_locale()) for row in line.rows if path == f"facts.{row.key}"), "")
