"""The sales log: every sale, its trail, and each recorded page as it was sent (T26-37)."""

from uuid import UUID

from flask import Blueprint, Response, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.infra import spreadsheet
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Looked, Sale, SaleState, TimelineEntry
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryNotFound
from marketplace.web import desks, looks, papers, released, security
from marketplace.web.backoffice import replay
from marketplace.web.sale_file import sale_file

blueprint = Blueprint("sales_log", __name__, url_prefix="/admin")

STYLE = "css/evenfold.css"
MOST_ROWS = 500
"""Of a table for download; days and states narrow it."""
WAITING = (SaleState.REFUND_DUE, SaleState.PAID)


@blueprint.get("")
def sales() -> ResponseReturnValue:
    form = desks.sales_filter(accounts.list_insurers())
    found = oversight.sales(form.to_value(), desks.page_number(), size=desks.PAGE_SIZE) if form.validate() else None
    counts = oversight.state_counts()
    waiting = [(state, counts[state]) for state in WAITING if counts[state]]
    page = render_template("backoffice/sales.html", form=form, found=found, waiting=waiting)
    return page, 422 if form.errors else 200


@blueprint.get("/sales.csv")
def download() -> ResponseReturnValue:
    """The list as a table, without customers: whoever needs one opens the sale, which is noted."""
    form = desks.sales_filter(accounts.list_insurers())
    if not form.validate():
        return redirect(url_for(".sales", **form.given))
    found = oversight.sales(form.to_value(), size=MOST_ROWS)
    table = spreadsheet.csv_bytes(*desks.table_of(found.sales))
    return papers.download(table, "text/csv", "sales.csv")


@blueprint.route("/sales/<uuid:sale_id>", methods=["GET", "POST"])
def sale(sale_id: UUID) -> ResponseReturnValue:
    """The file of a sale; before it, why whoever asks looks at it (`looks.asked_first`)."""
    found = oversight.sale(sale_id)
    if (first := looks.asked_first(found)) is not None:
        return first
    file = sale_file(found)
    recorded = oversight.recorded(sale_id)
    pages = {row.entry.entry_id: row.entry.page or "" for row in file.rows}
    return render_template(
        "backoffice/sale.html",
        file=file,
        recorded=recorded,
        disagreements=[oversight.disagreement_words(each, pages[each.view_id]) for each in recorded.disagreements],
        readings=oversight.readings_of(found.application_id or found.journey_id),
        played=[(each, pages[each]) for each in recorded.view_ids] if replay.origin() else [],
    )


@blueprint.get("/sales/<uuid:sale_id>/pages/<uuid:entry_id>")
def page(sale_id: UUID, entry_id: UUID) -> ResponseReturnValue:
    """A recorded page in a frame that runs nothing, with what identifies it."""
    found, line = _page_entry(sale_id, entry_id)
    entry = trail.entry(entry_id)
    version = trail.page_version(str(entry.page_version_id))
    looks.note(found, Looked.PAGE, entry_id=entry_id)
    return render_template(
        "backoffice/page.html",
        sale=found,
        line=line,
        entry=entry,
        version=version,
        online=trail.history_of([version.id]).get(version.id),
        same_style=version.manifest["assets"].get(STYLE) == released.assets(str(current_app.static_folder))[STYLE],
    )


@blueprint.get("/sales/<uuid:sale_id>/pages/<uuid:entry_id>/stored")
def stored_page(sale_id: UUID, entry_id: UUID) -> ResponseReturnValue:
    """The bytes as they were sent; a sandbox, so nothing of then acts now."""
    found, _line = _page_entry(sale_id, entry_id)
    looks.note(found, Looked.BYTES, entry_id=entry_id)
    response = Response(trail.page_bytes(entry_id), mimetype="text/html")
    response.headers["Content-Security-Policy"] = security.STORED_PAGE_POLICY
    return response


@blueprint.get("/sales/<uuid:sale_id>/policy.pdf")
@blueprint.get("/sales/<uuid:sale_id>/papers/<uuid:paper_id>.pdf")
def policy_document(sale_id: UUID, paper_id: UUID | None = None) -> ResponseReturnValue:
    return looks.hand_out(oversight.sale(sale_id), paper_id)


def _page_entry(sale_id: UUID, entry_id: UUID) -> tuple[Sale, TimelineEntry]:
    """The sale and the entry, if it is of this sale or a later visit and holds a page, else EntryNotFound."""
    found = oversight.sale(sale_id)
    for entry in oversight.views(found):
        if entry.entry_id == entry_id:
            return found, entry
    raise EntryNotFound
