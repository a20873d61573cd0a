"""What a household tells of itself: about each adult the same questions, then children, money and the home."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from wtforms import DateField, Field, HiddenField, SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import UUID, Length, NumberRange, Optional, ValidationError

from marketplace.catalog.values import LINES, Factor, Line
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.needs.values import Home, Household, Member, Role
from marketplace.web.fields import Form, WholeNumber, printable, required, yes_no

ADULT, OLDEST, OLDEST_CHILD, MOST_CHILDREN = 18, 80, 17, 6
MOST = 100_000_000
SOON = timedelta(days=7)
_PARTNER = "partner_"
_AGES = re.compile(r"\d{1,2}")


class PartForm(Form):
    """One part of a scheme: the offer to take for it, or none to leave it out."""

    offer = HiddenField(validators=[Optional(), UUID()])


def _factor(line: Line, name: str) -> Factor:
    return LINES[line].factor(name)


def needs_form(today: date) -> type[Form]:
    """One field for each thing asked; what concerns a partner, children or the home may be left empty as a whole."""
    return type(
        "NeedsForm",
        (_Told,),
        {
            **_adult("", required()),
            **_adult(_PARTNER, Optional()),
            **_children(),
            "region": _choice(_("Where you live"), _factor(Line.HOSPITAL, "region"), required()),
            "debts": _amount(_("Debts of all together, such as a mortgage")),
            "savings": _amount(_("Savings that could be spent if an income stopped")),
            **_home(),
            "budget": _amount(
                _("What you want to spend on insurance in a year"),
                required(),
                _("What the budget does not reach is named."),
            ),
            "start_on": DateField(
                _("First day of cover"),
                [required()],
                description=_("From 00:00 of this day, Beijing time."),
                default=today + SOON,
            ),
        },
    )


_ASKED_OF_ADULT = ("sex", "smoker", "public_insurance", "hospital_cover")


class _Told(Form):
    """Whoever begins to tell of a partner, of children or of the home tells what goes with it."""

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        missing = list(self._missing())
        for field in missing:
            field.errors = [*field.errors, _("Please answer this.")]
        return good and not missing

    def _missing(self) -> Iterator[Field]:
        groups = (
            (f"{_PARTNER}age", tuple(f"{_PARTNER}{name}" for name in _ASKED_OF_ADULT)),
            ("children", ("children_public_insurance", "children_hospital_cover")),
            ("contents", ("area", "building")),
        )
        for first, others in groups:
            told = [self[name] for name in (first, *others) if self[name].data not in {None, ""}]
            if told:
                yield from (
                    self[name] for name in (first, *others) if self[name].data in {None, ""} and not self[name].errors
                )


def _adult(who: str, presence: Any) -> dict[str, Any]:
    age = _("From %(low)s to %(high)s.", low=ADULT, high=OLDEST)
    fields: dict[str, Any] = {
        "age": WholeNumber(_("Age"), [presence, NumberRange(ADULT, OLDEST, age)], description=age, render_kw=_NUMERIC),
        "sex": _choice(_("Sex"), _factor(Line.TERM_LIFE, "sex"), presence),
        "smoker": yes_no(_("Smoked in the last 12 months"), presence),
        "occupation_class": _choice(_("Work"), _factor(Line.ACCIDENT, "occupation_class"), Optional()),
        "income": _amount(_("Income a year, before tax")),
        "hospital_cover": yes_no(
            _("Has insurance that pays hospital bills"), presence, _("Beside public medical insurance.")
        ),
        "public_insurance": yes_no(_("Has public medical insurance"), presence),
        "life_cover": _amount(_("Sum of life insurance there is already")),
        "accident_cover": _amount(_("Sum of accident insurance there is already")),
    }
    return {f"{who}{name}": field for name, field in fields.items()}


def _children() -> dict[str, Any]:
    return {
        "children": StringField(
            _("Ages of the children"),
            [Length(max=40), printable, _ages],
            description=_("Such as 4, 9. Leave it empty if there are none."),
        ),
        "children_hospital_cover": yes_no(_("Do they have insurance that pays hospital bills?"), Optional()),
        "children_public_insurance": yes_no(_("Do they have public medical insurance?"), Optional()),
    }


def _home() -> dict[str, Any]:
    area = _factor(Line.HOUSEHOLD, "building_area")
    bounds = _("From %(low)s to %(high)s.", low=area.minimum, high=area.maximum)
    return {
        "contents": _amount(_("What it would cost to buy anew what is in your home")),
        "contents_covered": _amount(_("Of that, insured already")),
        "area": WholeNumber(
            area.label.in_(current_locale()),
            [Optional(), NumberRange(area.minimum, area.maximum, bounds)],
            description=bounds,
            render_kw=_NUMERIC | {"data-unit": area.unit.in_(current_locale()) if area.unit else ""},
        ),
        "building": _choice(_("Building"), _factor(Line.HOUSEHOLD, "building_type"), Optional()),
    }


_NUMERIC = {"inputmode": "numeric"}


def _amount(label: str, presence: Any = None, description: str = "") -> WholeNumber:
    bounds = _("A whole number of yuan, at most %(most)s.", most=f"{MOST:,}")
    checks = [presence or Optional(), NumberRange(0, MOST, bounds)]
    return WholeNumber(label, checks, description=description, render_kw=_NUMERIC | {"data-unit": _("yuan")})


def _choice(label: str, factor: Factor, presence: Any) -> SelectField:
    choices = [SelectChoice(str(each.value), each.label.in_(current_locale())) for each in factor.choices]
    return SelectField(label, choices=[SelectChoice("", _("Please choose")), *choices], validators=[presence])


def _ages(_form: Form, field: Field) -> None:
    ages = [int(found) for found in _AGES.findall(field.data or "")]
    if len(ages) > MOST_CHILDREN or any(age > OLDEST_CHILD for age in ages) or (field.data and not ages):
        raise ValidationError(
            _(
                "Please give ages from 0 to %(oldest)s, of %(most)s children at most.",
                oldest=OLDEST_CHILD,
                most=MOST_CHILDREN,
            )
        )


def household_of(form: Any) -> Household:
    """The household that a valid form tells of."""
    members = [_member(form, Role.SELF, "")]
    if form[f"{_PARTNER}age"].data is not None:
        members.append(_member(form, Role.PARTNER, _PARTNER))
    members += [_child(form, int(age)) for age in _AGES.findall(form.children.data or "")]
    contents = form.contents.data
    home = Home(form.area.data, form.building.data, contents, form.contents_covered.data or 0) if contents else None
    return Household(
        tuple(members), form.region.data, form.budget.data, form.debts.data or 0, form.savings.data or 0, home
    )


def _child(form: Any, age: int) -> Member:
    public, hospital = (form[f"children_{name}"].data for name in ("public_insurance", "hospital_cover"))
    return Member(Role.CHILD, age, public_insurance=public == "yes", hospital_cover=hospital == "yes")


def _member(form: Any, role: Role, who: str) -> Member:
    told: dict[str, Any] = {name: form[f"{who}{name}"].data for name in _OF_ADULT}
    return Member(
        role=role,
        age=told["age"],
        sex=told["sex"],
        smoker=told["smoker"] == "yes",
        income=told["income"] or 0,
        occupation_class=int(told["occupation_class"]) if told["occupation_class"] else None,
        public_insurance=told["public_insurance"] == "yes",
        hospital_cover=told["hospital_cover"] == "yes",
        life_cover=told["life_cover"] or 0,
        accident_cover=told["accident_cover"] or 0,
    )


_OF_ADULT = (
    "age", "sex", "smoker", "income", "occupation_class", "public_insurance", "hospital_cover", "life_cover",
    "accident_cover",
)  # fmt: skip


def told_of(household: Household) -> Mapping[str, Any]:
    """A household as the data that fills the form again."""
    told: dict[str, Any] = {name: getattr(household, name) for name in ("region", "budget", "debts", "savings")}
    for member in household.members:
        if member.role is Role.CHILD:
            told["children"] = ", ".join(filter(None, [told.get("children"), str(member.age)]))
            told["children_hospital_cover"] = _said(member.hospital_cover)
            told["children_public_insurance"] = _said(member.public_insurance)
        else:
            who = _PARTNER if member.role is Role.PARTNER else ""
            told |= {f"{who}{name}": _said(getattr(member, name)) for name in _OF_ADULT}
    if household.home is not None:
        home = household.home
        told |= {
            "contents": home.contents,
            "contents_covered": home.covered,
            "area": home.area,
            "building": home.building,
        }
    return told


def _said(value: Any) -> Any:
    return ("yes" if value else "no") if isinstance(value, bool) else value
