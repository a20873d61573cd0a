"""What a product's content says of a stated need: met, not met, or not known."""

import pytest

from marketplace.catalog.values import LINES, Cover, Exclusion, KeyFacts, Line, ProductContent, StatedNeed
from marketplace.kernel.errors import Invalid
from marketplace.quoting.rules.fitting import fit_of
from marketplace.quoting.values import Fit
from tests.factories.quoting import ACCIDENT_RISK, TRAVEL_RISK, a_content, words

NEED = words("what is needed")
OWN_CODES = Exclusion("our_own_word", words("Something"), words("Nothing is paid."), "1.1")


def cover(code: str, **changes: object) -> Cover:
    return Cover(code, words(code), words("pays"), words("limit"), **changes)  # type: ignore[arg-type]  # as a product


def travel(*covers: Cover, exclusions: tuple[str, ...] = ("known",), **changes: object) -> ProductContent:
    excluded = tuple(Exclusion(code, words(code), words("plainly"), "1.1") for code in exclusions)
    return a_content(covers=covers or (cover("medical"),), **({"exclusions": excluded} | changes))


def fit(need: StatedNeed, content: ProductContent) -> Fit:
    return fit_of(need, content, TRAVEL_RISK)


def test_a_cover_is_met_where_it_stands_and_not_where_it_is_missing() -> None:
    need = StatedNeed("cancellation", NEED, cover="cancellation")
    assert fit(need, travel(cover("cancellation"))) is Fit.MET
    assert fit(need, travel(cover("medical"))) is Fit.NOT_MET


def test_what_an_insurer_calls_by_a_word_of_its_own_is_not_known_to_be_missing() -> None:
    need = StatedNeed("cancellation", NEED, cover="cancellation")
    assert fit(need, travel(cover("medical"), cover("trip_called_off"))) is Fit.UNKNOWN
    assert fit(need, a_content(covers=())) is Fit.UNKNOWN


def test_an_optional_cover_is_not_known_to_be_in() -> None:
    assert fit(StatedNeed("delay", NEED, cover="delay"), travel(cover("delay", optional=True))) is Fit.UNKNOWN


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"limit_minor": 1_000_000}, Fit.MET),
        ({"limit_minor": 999_999}, Fit.NOT_MET),
        ({}, Fit.UNKNOWN),
    ],
)
def test_a_limit_is_held_against_the_amount_needed(limits: dict[str, int], expected: Fit) -> None:
    need = StatedNeed("cancellation", NEED, cover="cancellation", at_least=10_000)
    assert fit(need, travel(cover("cancellation", **limits))) is expected


def test_a_limit_that_the_customer_chose_is_the_amount() -> None:
    content = a_content(line=Line.ACCIDENT, covers=(cover("death", limit_factor="sum_insured"),))
    assert fit_of(StatedNeed("sum", NEED, cover="death", at_least=200_000), content, ACCIDENT_RISK) is Fit.MET
    assert fit_of(StatedNeed("sum", NEED, cover="death", at_least=200_001), content, ACCIDENT_RISK) is Fit.NOT_MET


def test_what_the_insured_bears_is_looked_at() -> None:
    need = StatedNeed("medical", NEED, cover="medical", nothing_borne=True)
    assert fit(need, travel(cover("medical"))) is Fit.MET
    assert fit(need, travel(cover("medical", deductible=words("¥300")))) is Fit.NOT_MET


def test_one_exclusion_is_enough() -> None:
    need = StatedNeed("sports", NEED, not_excluded=("dangerous_sport", "winter_water_sport"))
    assert fit(need, travel()) is Fit.MET
    assert fit(need, travel(exclusions=("known", "winter_water_sport"))) is Fit.NOT_MET
    assert fit(need, travel(exclusions=("known", "our_own_word"))) is Fit.UNKNOWN
    assert fit(need, travel(exclusions=())) is Fit.UNKNOWN


@pytest.mark.parametrize(("days", "expected"), [(0, Fit.MET), (30, Fit.MET), (31, Fit.NOT_MET), (None, Fit.UNKNOWN)])
def test_waiting(days: int | None, expected: Fit) -> None:
    need = StatedNeed("waiting", NEED, waiting_at_most=30)
    assert fit(need, travel(key_facts=KeyFacts(waiting_days=days))) is expected


@pytest.mark.parametrize(("days", "expected"), [(20, Fit.MET), (19, Fit.NOT_MET), (None, Fit.UNKNOWN)])
def test_cooling_off(days: int | None, expected: Fit) -> None:
    need = StatedNeed("cooling_off", NEED, cooling_off_at_least=20)
    assert fit(need, travel(key_facts=KeyFacts(cooling_off_days=days))) is expected


def test_renewal_is_guaranteed_only_where_it_is_said() -> None:
    need = StatedNeed("renewal", NEED, renewal_guaranteed=True)
    assert fit(need, travel(key_facts=KeyFacts(renewal=words("yes"), renewal_guaranteed=True))) is Fit.MET
    assert fit(need, travel(key_facts=KeyFacts(renewal=words("no")))) is Fit.NOT_MET
    assert fit(need, travel(key_facts=KeyFacts())) is Fit.UNKNOWN


def test_the_needs_of_a_line_are_told_apart_and_ask_for_something() -> None:
    for definition in LINES.values():
        codes = [need.code for need in definition.stated.needs]
        assert len(set(codes)) == len(codes)
        for need in definition.stated.needs:
            assert need.cover is None or need.cover in definition.stated.covers, need.code
            assert set(need.not_excluded) <= definition.stated.exclusions, need.code
            assert fit_of(
                need, a_content(line=definition.line, covers=(), exclusions=(), key_facts=KeyFacts()), {}
            ) is (Fit.UNKNOWN), need.code


def test_stated_needs_stand_in_the_order_of_the_line_and_no_other_is_taken() -> None:
    travel_line = LINES[Line.TRAVEL]
    assert [need.code for need in travel_line.needs(["liability", "cancellation", "liability"])] == [
        "cancellation",
        "liability",
    ]
    with pytest.raises(Invalid) as refused:
        travel_line.needs(["cancellation", "peace_of_mind"])
    assert refused.value.fields == {"needs": "must be needs of this line"}
