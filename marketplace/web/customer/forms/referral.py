"""Forms of an application that a person has looked at."""

from wtforms import BooleanField, HiddenField, SubmitField, TextAreaField
from wtforms.validators import InputRequired, Length

from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.fields import Form, lines_of_text, required

LONGEST_ANSWER = 2000


class InquiryAnswerForm(Form):
    answer = TextAreaField(
        _l("Your answer"),
        [required(), Length(max=LONGEST_ANSWER), lines_of_text],
        description=_l("In your own words. Only the insurer’s underwriting reads it."),
        render_kw={"rows": 6, "maxlength": LONGEST_ANSWER},
    )


class CounterOfferForm(Form):
    """`sha256` says what was on the page: exactly that is agreed to, or nothing. `refuse` asks for no tick."""

    agree = BooleanField(_l("Agreement"), [InputRequired(_l("Please tick this box to go on."))])
    sha256 = HiddenField()
    refuse = SubmitField(_l("I do not want these terms"))
