"""The form on which somebody shows a document."""

from wtforms import BooleanField, DateField, HiddenField, SelectField, StringField, SubmitField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, Optional

from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel.identity import DocumentKind, IdentityDocument
from marketplace.web.customer.forms.application import LONGEST_NAME, ticked
from marketplace.web.fields import Form, printable, required

LONGEST_NUMBER = 60  # the lower line of a passport has 44 characters, and people put blanks between them


class IdentityForm(Form):
    """A document and whose it is. Browsers record no number of it (`data-private`)."""

    kind = SelectField(
        _l("Identity document"),
        [required()],
        choices=[
            SelectChoice("", _l("Please choose")),
            SelectChoice(DocumentKind.RESIDENT_CARD.value, _l("Resident identity card")),
            SelectChoice(DocumentKind.PASSPORT.value, _l("Passport")),
        ],
    )
    name = StringField(
        _l("Name as it stands in the document"),
        [required(), Length(max=LONGEST_NAME), printable],
        render_kw={"autocomplete": "name"},
    )
    number = StringField(
        _l("Number of the document"),
        [required(), Length(max=LONGEST_NUMBER), printable],
        description=_l("Of a passport you may also type the whole lower line below the photograph."),
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "data-private": ""},
    )
    valid_until = DateField(
        _l("Valid until"),
        [Optional()],
        description=_l("Leave this empty for a card that is valid without an end."),
        render_kw={"autocomplete": "off"},
    )


class AgreeForm(Form):
    """The insured agrees, or does not. `sha256` says what the page showed, `wording_sha256` which declaration."""

    agree = BooleanField(_l("Declaration"), [ticked()])
    sha256 = HiddenField()
    wording_sha256 = HiddenField()
    refuse = SubmitField(_l("I do not agree"))


class ProveForm(Form):
    """The insured goes to the verifier's page, or does not agree."""

    refuse = SubmitField(_l("I do not agree"))


class ProvenAgreeForm(AgreeForm, IdentityForm):
    """The same with a document, where the law of the market asks for one."""


def document_of(form: IdentityForm) -> IdentityDocument:
    """What a valid form says."""
    return IdentityDocument(
        DocumentKind(form.kind.data), str(form.name.data), str(form.number.data), form.valid_until.data
    )
