"""Forms about one's own data."""

from wtforms import BooleanField, SelectField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import InputRequired, Length

from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.privacy.values import RequestKind
from marketplace.web.fields import Form, lines_of_text, required

LONGEST_WORDS = 4000

KINDS: dict[RequestKind, str] = {
    RequestKind.ACCESS: _l("Tell me something about my data that the copy does not say"),
    RequestKind.CORRECTION: _l("Correct something that is wrong"),
    RequestKind.RESTRICTION: _l("Keep my data but do not use it"),
    RequestKind.OBJECTION: _l("I object to a use of my data"),
    RequestKind.ERASURE: _l("Erase something"),
    RequestKind.WITHDRAWAL: _l("Withdraw a consent"),
}


class ExportForm(Form):
    """A button only."""


class RequestForm(Form):
    kind = SelectField(
        _l("What do you ask for?"),
        choices=[SelectChoice("", _l("Please choose")), *(SelectChoice(k.value, words) for k, words in KINDS.items())],
        validators=[required()],
    )
    words = TextAreaField(
        _l("Please say what it is about"),
        [required(), lines_of_text, Length(max=LONGEST_WORDS)],
        description=_l(
            "Where you found it, what is wrong, and how it should be. Please send no documents or card numbers."
        ),
        render_kw={"rows": "6"},
    )


class CloseForm(Form):
    understood = BooleanField(_l("I understand"), [InputRequired(_l("Please tick this box to go on."))])
