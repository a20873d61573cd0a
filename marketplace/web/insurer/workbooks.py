"""Workbooks to take away: the template of a catalog, an upload as a workbook, and its marked copy."""

from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog.values import Line
from marketplace.listing import queries as listing
from marketplace.listing.values import FileCopy
from marketplace.web import papers
from marketplace.web.insurer.desk import own_insurer_id

blueprint = Blueprint("insurer_workbooks", __name__, url_prefix="/insurer")


@blueprint.get("/template.xlsx")
def template() -> ResponseReturnValue:
    """Of a line of business; of term life, with its example, unless another is asked for."""
    asked = request.args.get("line", "")
    line = Line(asked) if asked in {each.value for each in Line} else Line.TERM_LIFE
    data = listing.template(accounts.insurer(own_insurer_id()).code, line)
    return papers.download(data, listing.XLSX, f"template-{line}.xlsx")


@blueprint.get("/uploads/<uuid:upload_id>/workbook")
def catalog(upload_id: UUID) -> ResponseReturnValue:
    """The catalog of an upload as a workbook, to be changed and uploaded anew."""
    return _sent(listing.workbook_of(listing.own_upload(upload_id, own_insurer_id())))


@blueprint.get("/uploads/<uuid:upload_id>/marked")
def marked(upload_id: UUID) -> ResponseReturnValue:
    """What was uploaded with its findings marked, in the reader's language."""
    return _sent(listing.marked_copy(listing.own_upload(upload_id, own_insurer_id())))


def _sent(copy: FileCopy) -> ResponseReturnValue:
    return papers.download(copy.data, copy.media_type, copy.name)
