"""An insurer's own sales. Another's sale does not exist here."""

from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleState
from marketplace.web import desks, looks
from marketplace.web.insurer.desk import own_insurer_id
from marketplace.web.sale_file import sale_file

blueprint = Blueprint("insurer_sales", __name__, url_prefix="/insurer")


@blueprint.get("")
def sales() -> ResponseReturnValue:
    """The list names no answer: why an application was referred stands in its file, where each look is noted."""
    insurer_id = own_insurer_id()
    form = desks.sales_filter(None)
    found = None
    if form.validate():
        found = oversight.sales(form.to_value(), desks.page_number(), only_insurer=insurer_id, size=desks.PAGE_SIZE)
    page = render_template(
        "insurer/sales.html",
        insurer=accounts.insurer(insurer_id),
        stopped=accounts.suspension(insurer_id),
        form=form,
        found=found,
        referred=oversight.state_counts(only_insurer=insurer_id)[SaleState.REFERRED],
    )
    return page, 422 if form.errors else 200


@blueprint.route("/sales/<uuid:sale_id>", methods=["GET", "POST"])
def sale(sale_id: UUID) -> ResponseReturnValue:
    """The file of a sale; before it, why whoever asks looks at it (`looks.asked_first`)."""
    found = oversight.sale(sale_id, only_insurer=own_insurer_id())
    if (first := looks.asked_first(found)) is not None:
        return first
    return render_template("insurer/sale.html", file=sale_file(found, only_insurer=own_insurer_id()))


@blueprint.get("/sales/<uuid:sale_id>/policy.pdf")
@blueprint.get("/sales/<uuid:sale_id>/papers/<uuid:paper_id>.pdf")
def policy_document(sale_id: UUID, paper_id: UUID | None = None) -> ResponseReturnValue:
    insurer_id = own_insurer_id()
    return looks.hand_out(oversight.sale(sale_id, only_insurer=insurer_id), paper_id, only_insurer=insurer_id)
