"""The public checks: of a policy by its number and code (status only, no personal data, O13-04), of a paper by its
file, and of the evidence of a contract, which happens in the browser (T26-41).
"""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.file import FileField, FileRequired, FileSize
from wtforms import StringField
from wtforms.validators import Length

from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.policy import queries as policy
from marketplace.traceability import queries as trail
from marketplace.web.fields import Form, printable, required

blueprint = Blueprint("verify", __name__)

LARGEST_PAPER = 4 * 1024 * 1024


class CheckForm(Form):
    number = StringField(
        _l("Policy number"), [required(), Length(max=40), printable], description=_l("On the first page of the policy.")
    )
    code = StringField(
        _l("Check code"), [required(), Length(max=20), printable], description=_l("Printed beside the square code.")
    )


class PaperForm(Form):
    paper = FileField(
        _l("File of the paper"),
        [
            FileRequired(_l("Please choose a file.")),
            FileSize(LARGEST_PAPER, message=_l("This file is larger than any paper of ours.")),
        ],
        description=_l("The PDF as you got it, of at most 4 MB. We look at it and keep nothing of it."),
        render_kw={"accept": ".pdf,application/pdf"},
    )

    @staticmethod
    def is_sent() -> bool:
        """Whether this form of the two was sent, with a file or without."""
        return request.method == "POST" and "paper" in request.files


@blueprint.route("/verify", methods=["GET", "POST"])
def check() -> ResponseReturnValue:
    """A link from the policy fills the form in; the person presses the button, or chooses the file of the paper."""
    form = CheckForm(data={"number": request.args.get("number", ""), "code": request.args.get("code", "")})
    file_form, answer, asked, checked = PaperForm(), None, False, None
    if PaperForm.is_sent():
        if file_form.validate_on_submit():
            checked = policy.check_paper(file_form.paper.data.read())
    elif form.validate_on_submit():
        answer, asked = policy.check(str(form.number.data), str(form.code.data)), True
    page = render_template(
        "storefront/verify.html", form=form, file_form=file_form, answer=answer, asked=asked, checked=checked
    )
    return page, 422 if form.errors or file_form.errors else 200


@blueprint.get("/verify/evidence")
def evidence() -> ResponseReturnValue:
    """A page that takes files and sends nothing."""
    return render_template("storefront/evidence.html", stamps=trail.newest_stamps())
