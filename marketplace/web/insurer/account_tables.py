"""An insurer's account as tables for download: a day with its contracts and their persons, a month without them."""

from collections.abc import Iterator, Sequence

from flask import Response

from marketplace.infra import spreadsheet
from marketplace.infra.formatting import decimal, format_instant
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.money import Money
from marketplace.oversight.values import Bordereau, BordereauLine, NamedPerson, Statement, Sums
from marketplace.payment.values import ShareEvent, ShareLine
from marketplace.policy.values import PersonRole
from marketplace.web import papers
from marketplace.web.pages import say

Rows = Iterator[Sequence[str]]


def bordereau_table(found: Bordereau, form: str) -> Response:
    """The day as a file: `csv` or `xlsx`."""
    header = (
        _("Time"), _("What"), _("Policy number"), _("Product"), _("Cover from"), _("Cover until"), _("Persons"),
        _("Lines of the premium"), *_amounts(),
    )  # fmt: skip
    return _file(f"bordereau-{found.day}", form, header, _framed(found.sums, len(header), _days_rows(found)))


def statement_table(found: Statement, form: str) -> Response:
    """The month as a file: `csv` or `xlsx`."""
    header = (_("Time"), _("What"), _("Policy number"), *_amounts())
    rows = ((format_instant(line.at), event_words(line.event), number, *_of(line)) for line, number in found.lines)
    return _file(f"statement-{found.month:%Y-%m}", form, header, _framed(found.sums, len(header), rows))


def event_words(event: ShareEvent) -> str:
    return {
        ShareEvent.PREMIUM: _("Premium"),
        ShareEvent.PREMIUM_RETURNED: _("Premium returned"),
        ShareEvent.TRANSFER_SENT: _("Sent to the insurer"),
        ShareEvent.TRANSFER_REVERSED: _("Taken back from the insurer"),
    }[event]


def _amounts() -> tuple[str, ...]:
    return _("Currency"), _("Premium"), _("Commission"), _("Sent"), _("Owed"), _("Reference at Stripe")


def _of(line: ShareLine) -> tuple[str, ...]:
    amounts = (line.premium, line.commission, line.passed_on, line.owed)
    return line.premium.currency, *map(_written, amounts), line.reference or ""


def _written(amount: Money) -> str:
    return f"{decimal(amount)}"


def _days_rows(found: Bordereau) -> Rows:
    for line in found.lines:
        yield (
            format_instant(line.share.at),
            event_words(line.share.event),
            line.number,
            say(line.product_name),
            line.period.start_on.isoformat(),
            line.period.end_on.isoformat(),
            "; ".join(map(_person, line.persons)),
            "; ".join(_premium_lines(line)),
            *_of(line.share),
        )


def _person(person: NamedPerson) -> str:
    role = {PersonRole.APPLICANT: _("Applicant"), PersonRole.INSURED: _("Insured")}[PersonRole(person.role)]
    return f"{role}: {person.name}, {person.birth_on.isoformat()}"


def _premium_lines(line: BordereauLine) -> Iterator[str]:
    """Once, with the premium itself."""
    for label, amount in line.premium_lines if line.share.event is ShareEvent.PREMIUM else ():
        yield f"{say(label)} {_written(amount)}"


def _framed(sums: Sequence[Sums], width: int, rows: Rows) -> Rows:
    """The rows between what was owed before and after, so that a reader can add them up."""
    for each in sums:
        yield _sum(_("Owed before"), each.before, width)
    yield from rows
    for each in sums:
        yield _sum(_("Owed after"), each.after, width)


def _sum(words: str, amount: Money, width: int) -> Sequence[str]:
    return ("", words, *[""] * (width - 8), amount.currency, "", "", "", _written(amount), "")


def _file(name: str, form: str, header: Sequence[str], rows: Rows) -> Response:
    if form == "xlsx":
        return papers.download(spreadsheet.xlsx_bytes(name, header, rows), spreadsheet.WORKBOOK, f"{name}.xlsx")
    return papers.download(spreadsheet.csv_bytes(header, rows), "text/csv", f"{name}.csv")
