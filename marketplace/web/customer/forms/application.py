"""Forms of the application."""

from typing import Any

from wtforms import BooleanField, DateField, HiddenField, SelectField, StringField, SubmitField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import InputRequired, Length, Optional

from marketplace.application.values import GivenBeside, People, Person, Relationship
from marketplace.catalog.values import LineDefinition, Question
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.fields import Form, WholeNumber, printable, required, yes_no

LONGEST_NAME = 80
LONGEST_ADDRESS = 254


def ticked() -> InputRequired:
    """A box that has to be ticked."""
    return InputRequired(_l("Please tick this box to go on."))


class ConfirmForm(Form):
    """`sha256` says what was on the page: exactly that is confirmed, or nothing."""

    confirm = BooleanField(_l("Confirmation"), [ticked()])
    sha256 = HiddenField()


class DocumentForm(ConfirmForm):
    """`open` hands out a file that the page does not show."""

    open = SubmitField(_l("Open the document (PDF)"))


class DeclareForm(Form):
    """`sha256` says what was on the page: exactly that is declared, or nothing."""

    declare = BooleanField(_l("Declaration"), [ticked()])
    sha256 = HiddenField()


class NoticesForm(Form):
    """Each notice is confirmed by itself; the hashes say which texts were on the page."""

    client_notice = BooleanField(_l("Who we are and how we are paid"), [ticked()])
    client_sha256 = HiddenField()
    privacy_notice = BooleanField(_l("What we do with your data"), [ticked()])
    privacy_sha256 = HiddenField()


class EnterForm(Form):
    """A button only."""


def people_form(definition: LineDefinition, *, children: bool = False) -> type[Form]:
    """The applicant and, where a person is insured, who. `children`: what other insurance a child has is asked."""
    fields: dict[str, Any] = {
        "applicant_name": StringField(
            _("Your name"), [required(), Length(max=LONGEST_NAME), printable],
            description=_("As it stands in your identity document."), render_kw={"autocomplete": "name"},
        ),
        "applicant_birth_on": _birth(_("Your date of birth"), required()),
    }  # fmt: skip
    if definition.personal:
        fields |= _insured_fields()
    if definition.death_factor is not None:
        fields["insured_email"] = StringField(
            _("Mail address of the insured person"), [Optional(), Length(max=LONGEST_ADDRESS), printable],
            description=_("Only if you insure another adult: they are asked to agree, by a link of their own."),
            render_kw={"autocomplete": "off", "type": "email"},
        )  # fmt: skip
    if children:
        fields["other_death_cover"] = WholeNumber(
            _("Other insurance on your child’s life"), [Optional()],
            description=_("Only if you insure your child: what all of it together would pay on the child’s death."),
            render_kw={"inputmode": "numeric", "data-unit": _("yuan")},
        )  # fmt: skip
    fields["mobile"] = StringField(
        _("Telephone (optional)"),
        [Optional(), Length(max=24), printable],
        render_kw={"autocomplete": "tel", "type": "tel"},
    )
    return type("PeopleForm", (Form,), fields)


def _insured_fields() -> dict[str, Any]:
    words = {
        Relationship.SELF: _("Myself"),
        Relationship.SPOUSE: _("My husband or wife"),
        Relationship.CHILD: _("My child"),
        Relationship.PARENT: _("My father or mother"),
        Relationship.OTHER: _("Somebody else"),
    }
    only = _("Only if you insure somebody else.")
    return {
        "relationship": SelectField(
            _("Who is to be insured?"),
            choices=[
                SelectChoice("", _("Please choose")),
                *(SelectChoice(each.value, text) for each, text in words.items()),
            ],
            validators=[required()],
        ),
        "insured_name": StringField(
            _("Name of the insured person"), [Optional(), Length(max=LONGEST_NAME), printable], description=only,
            render_kw={"autocomplete": "off"},
        ),
        "insured_birth_on": _birth(_("Date of birth of the insured person"), Optional(), only),
    }  # fmt: skip


def _birth(label: str, presence: Any, description: str = "") -> DateField:
    return DateField(label, [presence], description=description, render_kw={"autocomplete": "bday"})


def people_of(form: Any, definition: LineDefinition, sex: str | None) -> People:
    """What a valid people form says; `sex` is the one the price was calculated for, asked once only."""
    relationship = Relationship(form.relationship.data) if definition.personal else Relationship.SELF
    alone = relationship is Relationship.SELF
    applicant = Person(form.applicant_name.data, form.applicant_birth_on.data, sex if alone else None)
    insured = None
    if not alone and form.insured_name.data and form.insured_birth_on.data:
        insured = Person(form.insured_name.data, form.insured_birth_on.data, sex)
    email = form.insured_email.data if insured and "insured_email" in form else None
    other = form.other_death_cover.data if insured and "other_death_cover" in form else None
    return People(applicant, relationship, insured, form.mobile.data or None, email or None, other)


def people_data(people: People | None) -> dict[str, Any]:
    """Data that fills the people form again."""
    if people is None:
        return {}
    insured = people.insured
    return {
        "applicant_name": people.applicant.name,
        "applicant_birth_on": people.applicant.birth_on,
        "relationship": people.relationship.value,
        "insured_name": insured.name if insured else "",
        "insured_birth_on": insured.birth_on if insured else None,
        "mobile": people.mobile or "",
        "insured_email": people.insured_email or "",
        "other_death_cover": people.other_death_cover,
    }


def shared_people(beside: GivenBeside | None) -> dict[str, Any]:
    """What fills the form from another application of the basket: the applicant, and the insured where it is the same
    person. Who is to be insured is chosen anew otherwise (T26-24).
    """
    if beside is None:
        return {}
    told = people_data(beside.people)
    return told if beside.same else {name: told[name] for name in _OF_APPLICANT if name in told}


_OF_APPLICANT = ("applicant_name", "applicant_birth_on", "mobile")


def questions_form(questions: tuple[Question, ...], *, with_notice: bool, with_consent: bool) -> type[Form]:
    """One yes-or-no field for each question, none with a default; the notice and the consent to the use of the answers
    where they are still missing. `consent_sha256` says to which text.
    """
    fields: dict[str, Any] = {each.id: yes_no(each.text.in_(current_locale())) for each in questions}
    if with_notice:
        fields["notice"] = BooleanField(_("Untrue answers"), [ticked()])
    if with_consent:
        fields["health_consent"] = BooleanField(_("Use of your answers"), [ticked()])
        fields["consent_sha256"] = HiddenField()
    return type("QuestionsForm", (Form,), fields)
