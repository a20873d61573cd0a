"""An insurer's own sales. Another's sale does not exist here."""

from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import ProductVersion
from marketplace.kernel.text import LocalizedText
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SalesPage, SaleState
from marketplace.policy import queries as policies
from marketplace.policy.values import PolicyNotFound
from marketplace.underwriting import queries as underwriting
from marketplace.underwriting.values import RecordedDecision
from marketplace.web import access, desks
from marketplace.web.insurer.desk import own_insurer_id
from marketplace.web.papers import policy_pdf
from marketplace.web.sale_file import note_look, sale_file

blueprint = Blueprint("insurer_sales", __name__, url_prefix="/insurer")

Cause = tuple[LocalizedText, bool]
"""A question and the answer to it that caused a referral."""


@blueprint.get("")
def sales() -> ResponseReturnValue:
    insurer_id = own_insurer_id()
    form = desks.sales_filter(None)
    found = None
    if form.validate():
        found = oversight.sales(form.to_value(), desks.page_number(), only_insurer=insurer_id, size=desks.PAGE_SIZE)
    page = render_template(
        "insurer/sales.html",
        insurer=accounts.insurer(insurer_id),
        form=form,
        found=found,
        causes=_causes(found) if found else {},
        referred=oversight.state_counts(only_insurer=insurer_id)[SaleState.REFERRED],
    )
    return page, 422 if form.errors else 200


@blueprint.get("/sales/<uuid:sale_id>")
def sale(sale_id: UUID) -> ResponseReturnValue:
    file = sale_file(sale_id, only_insurer=own_insurer_id())
    note_look(file.sale, access.actor())
    return render_template("insurer/sale.html", file=file)


@blueprint.get("/sales/<uuid:sale_id>/policy.pdf")
def policy_document(sale_id: UUID) -> ResponseReturnValue:
    found = oversight.sale(sale_id, only_insurer=own_insurer_id())
    if found.policy_id is None:
        raise PolicyNotFound
    note_look(found, access.actor(), policy_id=found.policy_id)
    return policy_pdf(policies.policy(found.policy_id))


def _causes(found: SalesPage) -> dict[UUID, tuple[Cause, ...]]:
    """Sale id -> the answers that had it referred; two questions to the database for the whole page."""
    referred = [sale for sale in found.sales if sale.state is SaleState.REFERRED]
    decisions = underwriting.decisions_of(sale.application_id for sale in referred if sale.application_id)
    versions = catalog.product_versions(sale.product_version_id for sale in referred if sale.product_version_id)
    return {
        sale.id: _cause(versions[sale.product_version_id], decisions[sale.application_id])
        for sale in referred
        if sale.product_version_id and sale.application_id in decisions
    }


def _cause(version: ProductVersion, decision: RecordedDecision) -> tuple[Cause, ...]:
    questions = {each.id: each.text for each in version.content.questions}
    return tuple((questions[reason.question_id], reason.answer) for reason in decision.reasons)
