"""Forms of consultation: a question, and the consent to a public answer. Nothing else is asked."""

from wtforms import BooleanField, HiddenField, TextAreaField
from wtforms.validators import InputRequired, Length

from marketplace.consultation.values import LONGEST_QUESTION
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.customer.forms.account import email_field
from marketplace.web.fields import Form, lines_of_text, required


def _words(label: str, description: str = "") -> TextAreaField:
    return TextAreaField(
        label,
        [required(), lines_of_text, Length(max=LONGEST_QUESTION)],
        description=description,
        render_kw={"rows": "6", "maxlength": str(LONGEST_QUESTION)},
    )


class QuestionForm(Form):
    """Of a customer who is signed in."""

    words = _words(
        _l("Your question"), _l("Please send no identity or card numbers, and of your health only what is needed.")
    )


class AskForm(QuestionForm):
    """Of a visitor: the answer goes to an address that is proven first."""

    email = email_field()


class ReplyForm(Form):
    words = _words(_l("Write on"))


class PublicConsentForm(Form):
    """`sha256` says which text was on the page: that one is consented to, or nothing."""

    consent = BooleanField(_l("Public answer"), [InputRequired(_l("Please tick this box to go on."))])
    sha256 = HiddenField()
