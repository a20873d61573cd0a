"""Who may be offered a product, and what a guideline says to the answers."""

from dataclasses import replace
from datetime import date

import pytest

from marketplace.catalog.values import (
    Allowed,
    Exclusion,
    Frequency,
    Line,
    Loading,
    LoadingUnit,
    Outcome,
    Payment,
    Profile,
    SumLimit,
)
from marketplace.catalog.values.columns import columns_of
from marketplace.kernel.text import LocalizedText
from marketplace.underwriting.portfolio import eligible
from marketplace.underwriting.rules import assess_answers, assess_eligibility, guideline_sha256
from marketplace.underwriting.values import AnswersIncomplete, Eligible, Ineligible
from tests.factories.quoting import (
    ACCIDENT_RISK,
    TERM_LIFE_RISK,
    TRAVEL_RISK,
    a_content,
    a_content_with_choice,
    a_question,
    words,
)

QUESTIONS = (
    a_question("heart", Outcome.DECLINE),
    a_question("back", Outcome.REFER),
    a_question("teeth", Outcome.ACCEPT),
    a_question("vaccinated", Outcome.ACCEPT, on_no=Outcome.REFER),
)
GUIDELINE = a_content(questions=QUESTIONS).guideline
TODAY = date(2026, 11, 22)
FINE = {"heart": False, "back": False, "teeth": False, "vaccinated": True}


def test_a_product_without_limits_is_offered_to_everybody() -> None:
    assert assess_eligibility(a_content(), TRAVEL_RISK) == Eligible()


@pytest.mark.parametrize(("age", "offered"), [(17, False), (18, True), (60, True), (61, False)])
def test_both_ends_of_a_range_are_insured(age: int, offered: bool) -> None:  # noqa: FBT001  a table of cases
    content = a_content(eligibility={"age": Allowed(min=18, max=60)})
    found = assess_eligibility(content, TRAVEL_RISK | {"age": age})
    assert isinstance(found, Eligible) is offered


def test_a_frequency_that_is_not_offered_is_a_plain_reason() -> None:
    monthly = TERM_LIFE_RISK | {"payment_frequency": "monthly"}
    only_yearly = a_content("yearly", Line.TERM_LIFE, payment=Payment(Frequency.YEARLY, times_factor="term_years"))
    found = assess_eligibility(only_yearly, monthly)
    assert isinstance(found, Ineligible)
    assert (found.factor, found.reason.en, found.reason.zh) == (
        "payment_frequency",
        "Premium is paid: only every year, asked for every month",
        "缴费频率：仅限年交，您选择的是月交",
    )
    assert assess_eligibility(only_yearly, monthly | {"payment_frequency": "yearly"}) == Eligible()
    assert assess_eligibility(a_content("once", Line.TERM_LIFE), monthly) == Eligible(), "paid once, whatever is asked"
    offered = a_content_with_choice("parts", "yearly", "monthly")
    assert assess_eligibility(offered, monthly) == Eligible()
    assert isinstance(assess_eligibility(offered, monthly | {"payment_frequency": "quarterly"}), Ineligible)


@pytest.mark.parametrize(
    ("allowed", "en", "zh"),
    [
        (
            Allowed(min=18, max=30),
            "Age of the traveller: insured from 18 to 30 years, asked for 34",
            "旅行者年龄：承保18至30周岁，您选择的是34",
        ),
        (
            Allowed(max=30),
            "Age of the traveller: insured up to 30 years, asked for 34",
            "旅行者年龄：承保至30周岁，您选择的是34",
        ),
        (
            Allowed(min=40),
            "Age of the traveller: insured from 40 years, asked for 34",
            "旅行者年龄：承保40周岁起，您选择的是34",
        ),
        (
            Allowed(values=(35, 36)),
            "Age of the traveller: insured only 35, 36, asked for 34",
            "旅行者年龄：承保仅限35、36，您选择的是34",
        ),
    ],
)
def test_the_reason_names_factor_range_and_wish(allowed: Allowed, en: str, zh: str) -> None:
    found = assess_eligibility(a_content(eligibility={"age": allowed}), TRAVEL_RISK)
    assert found == Ineligible("age", LocalizedText(en, zh))


def test_choices_are_named_in_words() -> None:
    found = assess_eligibility(a_content(eligibility={"zone": Allowed(values=("china",))}), TRAVEL_RISK)
    assert isinstance(found, Ineligible)
    assert found.reason.en == "Where to: insured only Within China, asked for Asia"


def test_the_first_factor_of_the_form_decides() -> None:
    content = a_content(eligibility={"age": Allowed(max=1), "zone": Allowed(values=("china",))})
    found = assess_eligibility(content, TRAVEL_RISK)
    assert isinstance(found, Ineligible)
    assert found.factor == "zone"


def test_a_limit_over_two_factors_gives_the_insurers_reason() -> None:
    limit = SumLimit(("age", "term_years"), 53, words("Cover ends at 53 at the latest."))
    content = a_content(line=Line.TERM_LIFE, limits=(limit,))
    assert assess_eligibility(content, TERM_LIFE_RISK) == Ineligible("age", limit.reason)
    assert assess_eligibility(content, {**TERM_LIFE_RISK, "age": 33}) == Eligible()


def test_many_risks_are_judged_as_each_of_them() -> None:
    limit = SumLimit(("age", "term_years"), 53, words("Cover ends at 53 at the latest."))
    content = a_content(
        line=Line.TERM_LIFE,
        limits=(limit,),
        eligibility={"age": Allowed(min=20, max=40)},
        payment=Payment(Frequency.YEARLY, times_factor="term_years"),
    )
    risks = [
        {**TERM_LIFE_RISK, "age": age, "term_years": term, "payment_frequency": often}
        for age in range(18, 61)
        for term in (10, 20, 30)
        for often in ("yearly", "monthly")
    ]
    found = eligible(content, columns_of(risks, TERM_LIFE_RISK)).tolist()
    assert found == [isinstance(assess_eligibility(content, risk), Eligible) for risk in risks]
    assert 0 < sum(found) < sum(20 <= risk["age"] <= 40 for risk in risks) / 2


A_CHILDS = a_content(line=Line.ACCIDENT, profile=Profile.CN_PERSONAL)


@pytest.mark.requirement("PER-12")
@pytest.mark.parametrize(
    ("age", "sum_insured", "offered"),
    [
        (0, 200_000, True),
        (9, 200_000, True),
        (9, 500_000, False),
        (10, 500_000, True),
        (17, 500_000, True),
        (17, 1_000_000, False),
        (18, 1_000_000, True),
    ],
)
def test_the_death_of_a_child_pays_no_more_than_the_law_lets(*, age: int, sum_insured: int, offered: bool) -> None:
    risk = ACCIDENT_RISK | {"age": age, "sum_insured": sum_insured}
    found = assess_eligibility(A_CHILDS, risk)
    assert isinstance(found, Eligible) is offered
    assert offered or found.factor == "sum_insured"
    elsewhere = a_content(line=Line.ACCIDENT, profile=Profile.UK)
    assert assess_eligibility(elsewhere, risk) == Eligible(), "a law of China"


def test_many_children_are_judged_as_each_of_them() -> None:
    risks = [
        ACCIDENT_RISK | {"age": age, "sum_insured": amount} for age in range(25) for amount in (200_000, 500_000, 10**6)
    ]
    found = eligible(A_CHILDS, columns_of(risks, ACCIDENT_RISK)).tolist()
    assert found == [isinstance(assess_eligibility(A_CHILDS, risk), Eligible) for risk in risks]
    assert sum(found) == 25 + 15 + 7


def test_the_reason_says_what_the_law_lets_be_paid() -> None:
    found = assess_eligibility(A_CHILDS, ACCIDENT_RISK | {"age": 4, "sum_insured": 500_000})
    assert isinstance(found, Ineligible)
    assert found.reason.en == "The law lets at most ¥200,000 be paid on the death of a child of 4."


def test_yes_is_not_one() -> None:
    """A boolean never passes for the number one."""
    content = a_content(line=Line.ACCIDENT, eligibility={"occupation_class": Allowed(values=(True,))})
    assert isinstance(assess_eligibility(content, ACCIDENT_RISK), Ineligible)


@pytest.mark.parametrize(
    ("changes", "outcome", "reasons"),
    [
        ({}, Outcome.ACCEPT, []),
        ({"teeth": True}, Outcome.ACCEPT, []),
        ({"back": True}, Outcome.REFER, ["back"]),
        ({"vaccinated": False}, Outcome.REFER, ["vaccinated"]),
        ({"heart": True}, Outcome.DECLINE, ["heart"]),
        ({"heart": True, "back": True}, Outcome.DECLINE, ["heart", "back"]),
    ],
)
def test_the_gravest_outcome_counts_and_each_reason_is_named(
    changes: dict[str, bool], outcome: Outcome, reasons: list[str]
) -> None:
    decision = assess_answers(GUIDELINE, FINE | changes, TODAY)
    assert decision.outcome is outcome
    assert [reason.question_id for reason in decision.reasons] == reasons


def test_a_reason_carries_answer_outcome_and_the_insurers_words() -> None:
    (reason,) = assess_answers(GUIDELINE, FINE | {"vaccinated": False}, TODAY).reasons
    assert (reason.answer, reason.outcome, reason.words) == (False, Outcome.REFER, QUESTIONS[3].reason)


def test_no_questions_no_objection() -> None:
    assert assess_answers((), {}, TODAY).outcome is Outcome.ACCEPT


@pytest.mark.parametrize(
    ("answers", "odd"),
    [
        ({}, ("heart", "back", "teeth", "vaccinated")),
        ({key: value for key, value in FINE.items() if key != "back"}, ("back",)),
        (FINE | {"sight": True}, ("sight",)),
    ],
)
def test_nothing_is_decided_on_missing_or_foreign_answers(answers: dict[str, bool], odd: tuple[str, ...]) -> None:
    with pytest.raises(AnswersIncomplete) as refusal:
        assess_answers(GUIDELINE, answers, TODAY)
    assert refusal.value.question_ids == odd


def test_the_hash_is_that_of_the_guideline() -> None:
    stricter = a_content(questions=(replace(QUESTIONS[0], on_no=Outcome.REFER), *QUESTIONS[1:])).guideline
    swapped = (GUIDELINE[1], GUIDELINE[0], *GUIDELINE[2:])
    hashes = {guideline_sha256(each) for each in (GUIDELINE, stricter, swapped, ())}
    assert len(hashes) == 4
    assert assess_answers(GUIDELINE, FINE, TODAY).rule_sha256 == guideline_sha256(GUIDELINE)


# Terms that answers change

KNEE = Exclusion("knee", words("Knee"), words("Nothing is paid for the left knee."), "Clause 9.1")
CHANGING = a_content(
    carve_outs=(KNEE, Exclusion("dive", words("Diving"), words("Nothing is paid for diving."), "Clause 9.2")),
    questions=(
        a_question("smokes", Outcome.LOAD, loading="25 percent", reason_code="s1"),
        a_question("climbs", Outcome.LOAD, loading="12.5 per_mille"),
        a_question("knee", Outcome.EXCLUDE, exclusion="knee"),
        a_question("other-knee", Outcome.EXCLUDE, exclusion="knee"),
        a_question("back"),
        a_question("pregnant", Outcome.POSTPONE, postpone_days=270),
        a_question("operated", Outcome.POSTPONE, postpone_days=90),
        a_question("heart", Outcome.DECLINE),
    ),
)
TWENTY_FIVE = Loading(LoadingUnit.PERCENT, "25")


@pytest.mark.requirement("O13-22")
@pytest.mark.parametrize(
    ("yes", "outcome", "loadings", "exclusions", "until"),
    [
        ((), Outcome.ACCEPT, [], [], None),
        (("smokes",), Outcome.LOAD, ["25 percent"], [], None),
        (("smokes", "climbs"), Outcome.LOAD, ["25 percent", "12.5 per_mille"], [], None),
        (("knee", "other-knee"), Outcome.EXCLUDE, [], ["knee"], None),
        (("smokes", "knee"), Outcome.EXCLUDE, ["25 percent"], ["knee"], None),
        (("smokes", "knee", "back"), Outcome.REFER, ["25 percent"], ["knee"], None),
        (("smokes", "back", "operated"), Outcome.POSTPONE, [], [], date(2027, 2, 20)),
        (("operated", "pregnant"), Outcome.POSTPONE, [], [], date(2027, 8, 19)),
        (("smokes", "pregnant", "heart"), Outcome.DECLINE, [], [], None),
    ],
)
def test_the_gravest_decides_loads_add_up_and_exclusions_are_collected(
    yes: tuple[str, ...], outcome: Outcome, loadings: list[str], exclusions: list[str], until: date | None
) -> None:
    answers = {each.id: each.id in yes for each in CHANGING.questions}
    decision = assess_answers(CHANGING.guideline, answers, TODAY)
    assert decision.outcome is outcome
    assert [str(each) for each in decision.terms.loadings] == loadings
    assert [each.code for each in decision.terms.exclusions] == exclusions
    assert decision.terms.until == until
    assert [each.question_id for each in decision.reasons] == [each.id for each in CHANGING.questions if each.id in yes]


def test_what_an_answer_changes_is_part_of_the_guidelines_hash() -> None:
    first = CHANGING.questions[0]
    others = [
        replace(CHANGING, questions=(replace(first, **change), *CHANGING.questions[1:]))
        for change in ({"loading": "30 percent"}, {"reason_code": "s2"}, {"exclusion": "dive"}, {"postpone_days": 1})
    ]
    hashes = {guideline_sha256(each.guideline) for each in (CHANGING, *others)}
    assert len(hashes) == 5


@pytest.mark.parametrize(
    ("text", "rate", "said"),
    [
        ("25 percent", "0.25", "25%"),
        ("2.5 per_mille", "0.0025", "2.5‰"),
        ("100 percent", "1", "100%"),
        ("0.25 percent", "0.0025", "0.25%"),
    ],
)
def test_an_extra_premium_is_a_share_of_the_premium(text: str, rate: str, said: str) -> None:
    loading = Loading.of(text)
    assert (str(loading), loading.rate, loading.words.en) == (text, rate, f"Extra premium {said}")


@pytest.mark.parametrize("text", ["", "25", "25%", "0 percent", "0.00 per_mille", "-5 percent", "1000 percent"])
def test_nothing_else_is_an_extra_premium(text: str) -> None:
    with pytest.raises(ValueError, match="no extra premium"):
        Loading.of(text)
