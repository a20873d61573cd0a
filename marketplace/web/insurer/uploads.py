"""An insurer's uploads on their road to sale, and how it ends a sale again."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.file import FileField, FileRequired
from wtforms import DateTimeLocalField, RadioField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, Optional

from marketplace.catalog import queries as catalog
from marketplace.catalog.values import LINES, Line, ProductVersion, ProductVersionNotFound, SaleEndKind
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.kernel.text import LocalizedText
from marketplace.listing import queries as listing
from marketplace.listing import services
from marketplace.listing.values import Upload
from marketplace.web import access, upload_file
from marketplace.web.fields import Form, lines_of_text, required
from marketplace.web.insurer.desk import own_insurer_id
from marketplace.web.upload_file import ReasonForm
from marketplace.web.upload_words import STATES

blueprint = Blueprint("insurer_uploads", __name__, url_prefix="/insurer")

LONGEST_WORDS = 500


class UploadForm(Form):
    file = FileField(
        _l("File of the catalog"),
        [FileRequired(_l("Please choose a file."))],
        description=_l("A workbook (.xlsx) or a zip of at most 8 MB. Nothing goes on sale by uploading it."),
        render_kw={"accept": ".zip,.xlsx"},
    )


class SaleEndForm(Form):
    kind = RadioField(_l("What shall happen"), validators=[required()])
    at = DateTimeLocalField(
        _l("From when, if not at once"),
        [Optional()],
        format=["%Y-%m-%dT%H:%M"],
        description=_l("For stopping the sale only. Beijing time."),
    )
    reason_en = TextAreaField(
        _l("Reason in English"),
        [required(), lines_of_text, Length(max=LONGEST_WORDS)],
        description=_l("Everybody reads it among the public notices."),
        render_kw={"rows": "2"},
    )
    reason_zh = TextAreaField(
        _l("Reason in Chinese"), [Optional(), lines_of_text, Length(max=LONGEST_WORDS)], render_kw={"rows": "2"}
    )

    @property
    def reason(self) -> LocalizedText:
        return LocalizedText(str(self.reason_en.data), self.reason_zh.data or None)

    @property
    def instant(self) -> datetime | None:
        return self.at.data.replace(tzinfo=ZoneInfo(ZONE)) if self.at.data else None


_KINDS = {
    SaleEndKind.STOP_SALE: _l("Stop the sale: no new offers and applications; what was begun and contracts stay"),
    SaleEndKind.RECALL: _l("Recall: off sale at once, open offers are void; contracts stay"),
    SaleEndKind.WITHDRAWAL: _l("Withdraw: it never goes on sale, and what is on sale stays"),
}


@blueprint.route("/uploads", methods=["GET", "POST"])
def uploads() -> ResponseReturnValue:
    """What was uploaded, the newest first, and the form for the next."""
    insurer_id = own_insurer_id()
    form = UploadForm()
    if form.validate_on_submit():
        sent = form.file.data
        upload = services.upload_catalog(insurer_id, sent.read(), access.actor(), _printable(sent.filename or ""))
        return redirect(url_for(".upload", upload_id=upload.id), 303)
    page = render_template(
        "insurer/uploads.html",
        form=form,
        uploads=listing.uploads_of_insurer(insurer_id),
        states=STATES,
        lines=[line for line in LINES.values() if line.line not in (Line.TERM_LIFE, Line.US_HEALTH)],
    )
    return page, 422 if form.errors else 200


def _printable(name: str) -> str:
    return "".join(char for char in name if char.isprintable())


@blueprint.get("/uploads/<uuid:upload_id>")
def upload(upload_id: UUID) -> ResponseReturnValue:
    return upload_file.upload_page(_own(upload_id))


@blueprint.get("/uploads/<uuid:upload_id>/products/<int:number>")
def product(upload_id: UUID, number: int) -> ResponseReturnValue:
    return upload_file.product_page(_own(upload_id), number)


@blueprint.route("/uploads/<uuid:upload_id>/products/<int:number>/premiums", methods=["GET", "POST"])
def premiums(upload_id: UUID, number: int) -> ResponseReturnValue:
    return upload_file.premiums_page(_own(upload_id), number)


@blueprint.get("/uploads/<uuid:upload_id>/products/<int:number>/difference")
def difference(upload_id: UUID, number: int) -> ResponseReturnValue:
    return upload_file.difference_page(_own(upload_id), number)


@blueprint.get("/uploads/<uuid:upload_id>/documents/<filename>")
def document(upload_id: UUID, filename: str) -> ResponseReturnValue:
    return upload_file.document(_own(upload_id), filename)


@blueprint.post("/uploads/<uuid:upload_id>/submit")
def submit(upload_id: UUID) -> ResponseReturnValue:
    services.submit_upload(_own(upload_id).id, access.actor())
    return _back(upload_id, _("The catalog is submitted. A second person of your company has to approve it."))


@blueprint.post("/uploads/<uuid:upload_id>/approve")
def approve(upload_id: UUID) -> ResponseReturnValue:
    services.approve_upload(_own(upload_id).id, access.actor())
    return _back(upload_id, _("The catalog is approved. The marketplace reviews it now."))


@blueprint.post("/uploads/<uuid:upload_id>/send-back")
def send_back(upload_id: UUID) -> ResponseReturnValue:
    found, form = _own(upload_id), ReasonForm()
    if not form.validate_on_submit():
        return upload_file.upload_page(found, form)
    services.send_back_upload(found.id, str(form.reason.data), access.actor())
    return _back(upload_id, _("The catalog is sent back. It can be mended and uploaded anew."))


@blueprint.post("/uploads/<uuid:upload_id>/withdraw")
def withdraw(upload_id: UUID) -> ResponseReturnValue:
    services.withdraw_upload(_own(upload_id).id, access.actor())
    return _back(upload_id, _("The catalog is withdrawn."))


@blueprint.post("/uploads/<uuid:upload_id>/again")
def again(upload_id: UUID) -> ResponseReturnValue:
    upload = services.upload_again(_own(upload_id).id, access.actor())
    return _back(upload.id, _("The same file is on its road again."))


@blueprint.route("/versions/<uuid:version_id>", methods=["GET", "POST"])
def version(version_id: UUID) -> ResponseReturnValue:
    """How the sale of a version ended, or how to end it."""
    found = _own_version(version_id)
    form = SaleEndForm()
    kinds = _kinds_for(found)
    form.kind.choices = [SelectChoice(kind.value, str(_KINDS[kind])) for kind in kinds]
    if kinds and form.validate_on_submit():
        try:
            _end(found, form)
        except Invalid as error:
            form.take_errors(dict.fromkeys(error.fields, _("Choose an instant that has not passed.")))
        else:
            flash(_("It is done, and customers whose offer is concerned read your reason."))
            return redirect(url_for(".version", version_id=version_id), 303)
    ends = catalog.sale_ends_of([version_id])
    page = render_template("insurer/version.html", version=found, form=form, kinds=kinds, ends=ends)
    return page, 422 if form.errors else 200


def _end(found: ProductVersion, form: SaleEndForm) -> None:
    match SaleEndKind(form.kind.data):
        case SaleEndKind.STOP_SALE:
            services.stop_sale(found.id, form.instant, form.reason, access.actor())
        case SaleEndKind.RECALL:
            services.recall_version(found.id, form.reason, access.actor())
        case SaleEndKind.WITHDRAWAL:
            services.withdraw_version(found.id, form.reason, access.actor())


def _kinds_for(found: ProductVersion) -> list[SaleEndKind]:
    """What may still be done with a version now."""
    if found.withdrawn_at is not None:
        return []
    if found.effective_from > clock.today(ZONE):
        return [SaleEndKind.WITHDRAWAL]
    return (
        [SaleEndKind.RECALL] if found.stopped_at(clock.business_now()) else [SaleEndKind.STOP_SALE, SaleEndKind.RECALL]
    )


def _own(upload_id: UUID) -> Upload:
    return listing.own_upload(upload_id, own_insurer_id())


def _own_version(version_id: UUID) -> ProductVersion:
    found = catalog.product_version(version_id)
    if found.insurer_id != own_insurer_id():
        raise ProductVersionNotFound
    return found


def _back(upload_id: UUID, said: str) -> ResponseReturnValue:
    flash(said)
    return redirect(url_for(".upload", upload_id=upload_id), 303)
