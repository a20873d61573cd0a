"""Whom an offer fits: the ages that were rated, the consent that is needed, the adult who applies."""

from dataclasses import replace
from datetime import date
from traceback import format_exception

import pytest
from pydantic import ValidationError

from marketplace.application import queries
from marketplace.application.rules import needs_insured_consent, require_fitting
from marketplace.application.values import (
    AgeDiffers,
    ApplicantNotAdult,
    ChildCoverTooHigh,
    MinorNotInsurable,
    People,
    Person,
    Relationship,
    SexDiffers,
)
from marketplace.catalog.values import Line, ProductContent, Profile, Risk
from marketplace.kernel.dates import age_on
from tests.factories.quoting import ACCIDENT_RISK, TERM_LIFE_RISK, TRAVEL_RISK, a_content

TODAY = date(2026, 11, 22)
START = date(2026, 12, 1)
TRAVEL = a_content()
LIFE = a_content(line=Line.TERM_LIFE)
ACCIDENT = a_content(line=Line.ACCIDENT)
HOUSEHOLD = a_content(line=Line.HOUSEHOLD)
KEPT = queries._PEOPLE
AGED_34 = Person("Lin Yue", date(1992, 3, 4))


def alone(birth_on: date, sex: str | None = None) -> People:
    return People(Person("Lin Yue", birth_on, sex), Relationship.SELF)


@pytest.mark.asvs("16.2.5")
@pytest.mark.parametrize(
    "changed",
    [
        {"applicant": "Zebulon Quarkington"},
        {"applicant": {"name": ["Zebulon Quarkington"], "birth_on": "1992-03-04"}},
        {"applicant": {"name": "Zebulon Quarkington"}},
        {"applicant": {"name": "Zebulon Quarkington", "birth_on": "Quarkington"}},
        {"insured": {"name": "Lin Hai", "birth_on": "Quarkington"}},
        {"insured": {"birth_on": "1992-03-04", "called": "Quarkington"}},
        {"mobile": {"Quarkington": 1}},
        {"relationship": "Quarkington"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_people_who_do_not_fit_are_not_repeated_in_the_error(changed: dict[str, object]) -> None:
    kept = {"applicant": {"name": "Zebulon Quarkington", "birth_on": "1992-03-04"}, "relationship": "self"}
    with pytest.raises(ValidationError) as error:
        KEPT.validate_python(kept | changed)
    said = "".join(format_exception(error.value))
    assert "validation error" in said
    assert "Quarkington" not in said
    people = KEPT.validate_python(kept)
    assert people is not None
    assert people.applicant.name == "Zebulon Quarkington", "the control"


def for_another(birth_on: date, relationship: Relationship = Relationship.SPOUSE) -> People:
    return People(AGED_34, relationship, Person("Lin Hai", birth_on))


@pytest.mark.parametrize(
    ("birth_on", "actual"),
    [
        (date(1992, 12, 1), 34),  # birthday on the first day of cover
        (date(1991, 12, 2), 34),  # the last day of being 34
        (date(1992, 12, 2), 33),  # a day too young
        (date(1991, 12, 1), 35),  # a day too old
    ],
)
def test_the_age_on_the_first_day_of_cover_is_the_rated_one(birth_on: date, actual: int) -> None:
    if actual == 34:
        require_fitting(alone(birth_on), TRAVEL, TRAVEL_RISK, START, TODAY)
    else:
        with pytest.raises(AgeDiffers) as refusal:
            require_fitting(alone(birth_on), TRAVEL, TRAVEL_RISK, START, TODAY)
        assert (refusal.value.rated_age, refusal.value.actual_age) == (34, actual)


def test_the_rated_age_is_that_of_the_insured_not_of_the_applicant() -> None:
    require_fitting(for_another(date(2020, 5, 5)), TRAVEL, TRAVEL_RISK | {"age": 6}, START, TODAY)
    with pytest.raises(AgeDiffers):
        require_fitting(for_another(date(2020, 5, 5)), TRAVEL, TRAVEL_RISK, START, TODAY)


@pytest.mark.parametrize(("birth_on", "adult"), [(date(2008, 11, 22), True), (date(2008, 11, 23), False)])
def test_the_applicant_is_an_adult_today(birth_on: date, adult: bool) -> None:  # noqa: FBT001  a table of cases
    risk = TRAVEL_RISK | {"age": 18}
    if adult:
        require_fitting(alone(birth_on), TRAVEL, risk, START, TODAY)
    else:
        with pytest.raises(ApplicantNotAdult):
            require_fitting(alone(birth_on), TRAVEL, risk, START, TODAY)


@pytest.mark.requirement("T26-22")
@pytest.mark.parametrize(
    "relationship", [Relationship.SPOUSE, Relationship.PARENT, Relationship.OTHER, Relationship.CHILD]
)
@pytest.mark.parametrize(("content", "risk"), [(LIFE, TERM_LIFE_RISK), (ACCIDENT, ACCIDENT_RISK)])
def test_cover_that_pays_on_death_needs_the_consent_of_another_adult(
    relationship: Relationship, content: ProductContent, risk: Risk
) -> None:
    another = for_another(date(1992, 3, 4), relationship)
    require_fitting(another, content, risk, START, TODAY)
    assert needs_insured_consent(another, content, TODAY)
    assert not needs_insured_consent(another, TRAVEL, TODAY), "it pays nothing on death"
    assert not needs_insured_consent(alone(date(1992, 3, 4)), content, TODAY)


@pytest.mark.requirement("T26-22")
def test_parents_insure_their_minor_children_without_asking_and_nobody_else_does() -> None:
    risk = ACCIDENT_RISK | {"age": 12}
    child = for_another(date(2014, 2, 2), Relationship.CHILD)
    require_fitting(child, ACCIDENT, risk, START, TODAY)
    assert not needs_insured_consent(child, ACCIDENT, TODAY)
    with pytest.raises(MinorNotInsurable):
        require_fitting(for_another(date(2014, 2, 2), Relationship.OTHER), ACCIDENT, risk, START, TODAY)


@pytest.mark.requirement("PER-12")
@pytest.mark.parametrize(
    ("born", "sum_insured", "other", "fits"),
    [
        (date(2017, 2, 2), 100_000, 100_000, True),
        (date(2017, 2, 2), 100_000, 100_001, False),
        (date(2014, 2, 2), 200_000, 300_000, True),
        (date(2014, 2, 2), 200_000, 300_001, False),
    ],
)
def test_with_all_other_insurance_a_childs_death_pays_no_more_than_the_law_lets(
    *, born: date, sum_insured: int, other: int, fits: bool
) -> None:
    content = a_content(line=Line.ACCIDENT, profile=Profile.CN_PERSONAL)
    risk = ACCIDENT_RISK | {"age": age_on(START, born), "sum_insured": sum_insured}
    child = replace(for_another(born, Relationship.CHILD), other_death_cover=other)
    if fits:
        require_fitting(child, content, risk, START, TODAY)
    else:
        with pytest.raises(ChildCoverTooHigh):
            require_fitting(child, content, risk, START, TODAY)
    require_fitting(child, ACCIDENT, risk, START, TODAY)  # of another market


def test_sex_must_be_the_rated_one_where_it_is_rated() -> None:
    born = date(1992, 3, 4)
    require_fitting(alone(born, "female"), LIFE, TERM_LIFE_RISK, START, TODAY)
    require_fitting(alone(born), LIFE, TERM_LIFE_RISK, START, TODAY)
    require_fitting(alone(born, "male"), TRAVEL, TRAVEL_RISK, START, TODAY)
    with pytest.raises(SexDiffers):
        require_fitting(alone(born, "male"), LIFE, TERM_LIFE_RISK, START, TODAY)


def test_a_thing_has_no_age() -> None:
    require_fitting(alone(date(1950, 1, 1)), HOUSEHOLD, {"building_area": 90}, START, TODAY)
