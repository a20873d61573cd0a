"""What is asked of whether an insurance suits, and what speaks against it."""

import pytest

from marketplace.application.rules.suitability import circumstances_asked, misfits_sha256, warnings_of
from marketplace.application.values import Circumstance, Misfit, Warned
from marketplace.catalog.values import Line
from marketplace.kernel.text import LocalizedText
from marketplace.needs.values import Caution, NeedKind, PlannedPart, StatedNeed
from marketplace.needs.values import Warned as WarnedOfPlan
from marketplace.quoting.values import Fit
from tests.factories.quoting import a_content

SUITS = {"covered_already": False, "costs_too_much": False, "meant_for_me": True}


def a_part(amount: int = 500_000, *cautions: WarnedOfPlan) -> PlannedPart:
    need = StatedNeed(NeedKind.DEATH, 0, 500_000)
    return PlannedPart("S-1", "needs-1", need, amount, chosen=False, cautions=tuple(map(Caution, cautions)))


@pytest.mark.requirement("SCM-04", "O13-20", "N108-07")
@pytest.mark.parametrize("line", [line for line in Line if line is not Line.TRAVEL])
def test_cover_means_and_target_market_are_asked_where_there_is_no_plan(line: Line) -> None:
    assert circumstances_asked(a_content("plain", line), None) == tuple(Circumstance)


@pytest.mark.requirement("PER-06")
def test_other_medical_cover_is_asked_for_and_advised_against() -> None:
    assert Circumstance.COVERED_ALREADY in circumstances_asked(a_content("plain", Line.HOSPITAL), None)
    assert list(warnings_of({}, SUITS | {"covered_already": True}, None)) == [(Warned.COVERED_ALREADY, None)]


def test_a_plan_knows_cover_and_means_and_a_journey_is_asked_nothing() -> None:
    life = a_content("plain", Line.TERM_LIFE)
    assert circumstances_asked(life, a_part()) == (Circumstance.MEANT_FOR_ME,)
    assert circumstances_asked(a_content("plain", Line.TERM_LIFE, target_market=None), a_part()) == ()
    assert circumstances_asked(a_content(), None) == ()


def test_nothing_speaks_against_what_suits() -> None:
    fits = {"delay": Fit.MET, "rescue": Fit.UNKNOWN}
    assert list(warnings_of(fits, SUITS, a_part())) == []
    assert list(warnings_of({}, {}, None)) == []


@pytest.mark.requirement("SCM-04", "O13-20", "EU-16")
@pytest.mark.parametrize(
    ("told", "warned"),
    [
        ({"covered_already": True}, Warned.COVERED_ALREADY),
        ({"costs_too_much": True}, Warned.COSTS_TOO_MUCH),
        ({"meant_for_me": False}, Warned.NOT_MEANT_FOR),
    ],
)
def test_each_answer_against_it_is_a_warning_of_its_own(told: dict[str, bool], warned: Warned) -> None:
    assert list(warnings_of({}, SUITS | told, None)) == [(warned, None)]


def test_each_need_that_is_not_met_is_named() -> None:
    fits = {"delay": Fit.NOT_MET, "liability": Fit.MET, "rescue": Fit.NOT_MET}
    expected = [(Warned.NEED_NOT_MET, "delay"), (Warned.NEED_NOT_MET, "rescue")]
    assert list(warnings_of(fits, {}, None)) == expected


@pytest.mark.requirement("SCM-04")
def test_a_plan_warns_of_what_it_leaves_open_of_its_cost_and_of_cover_there_is() -> None:
    cautions = WarnedOfPlan.BUDGET_HIGH, WarnedOfPlan.COST_HIGH, WarnedOfPlan.OVER_BUDGET, WarnedOfPlan.COVERED_ALREADY
    found = [kind for kind, _need in warnings_of({}, {}, a_part(499_999, *cautions))]
    assert found == [
        Warned.SHORT_OF_PLAN, Warned.COSTS_TOO_MUCH, Warned.OVER_BUDGET, Warned.COVERED_ALREADY,
    ]  # fmt: skip


def test_a_confirmation_is_of_these_words_in_this_order() -> None:
    one, two = (Misfit(Warned.COVERED_ALREADY, LocalizedText(word, word)) for word in ("one", "two"))
    hashes = {misfits_sha256(each) for each in ((one,), (two,), (one, two), (two, one), ())}
    assert len(hashes) == 5
