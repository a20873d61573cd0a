"""The road of an upload as a table, and what a draft changes, worked out by hand."""

from dataclasses import replace
from datetime import date
from itertools import product

import numpy as np
import pytest

from marketplace.catalog.values import Allowed, DocumentKind, DocumentRef, ProductInformation, Profile
from marketplace.catalog.values.lines import TERM_LIFE
from marketplace.kernel.text import LocalizedText
from marketplace.listing.rules import (
    LIFE,
    PossibleRisks,
    content_changes,
    first_day_on_sale,
)
from marketplace.listing.rules.shifts import MOST_MINOR, Totals, premium_difference, rises_much, sampled
from marketplace.listing.values import Change, Difference, Part, SaleOver, UploadEvent, UploadState
from tests.factories.catalog import a_draft_product

S, E = UploadState, UploadEvent
STEPS = {
    (S.RECEIVED, E.READ): S.DRAFT,
    (S.RECEIVED, E.FIND): S.REFUSED,
    (S.RECEIVED, E.WITHDRAW): S.WITHDRAWN,
    (S.DRAFT, E.SUBMIT): S.SUBMITTED,
    (S.DRAFT, E.WITHDRAW): S.WITHDRAWN,
    (S.SUBMITTED, E.APPROVE): S.APPROVED,
    (S.SUBMITTED, E.SEND_BACK): S.REJECTED,
    (S.SUBMITTED, E.WITHDRAW): S.WITHDRAWN,
    (S.APPROVED, E.ACCEPT): S.PUBLISHED,
    (S.APPROVED, E.REFUSE): S.REJECTED,
    (S.APPROVED, E.WITHDRAW): S.WITHDRAWN,
}
TODAY = date(2026, 11, 22)
CONTENT = a_draft_product().content


@pytest.mark.requirement("O13-45")
@pytest.mark.parametrize(("state", "event"), list(product(S, E)))
def test_every_state_answers_every_event(state: UploadState, event: UploadEvent) -> None:
    outcome = LIFE.rows[state, event]
    assert outcome == STEPS[state, event] if (state, event) in STEPS else not isinstance(outcome, UploadState)


def test_nothing_is_published_but_by_acceptance() -> None:
    assert [pair for pair, after in LIFE.rows.items() if after is S.PUBLISHED] == [(S.APPROVED, E.ACCEPT)]
    assert "approved --> published: accept" in LIFE.mermaid()


@pytest.mark.requirement("SCM-01")
@pytest.mark.parametrize(
    ("begin", "first"),
    [(date(2026, 1, 1), TODAY), (TODAY, TODAY), (date(2026, 11, 23), date(2026, 11, 23))],
)
def test_nothing_is_sold_backdated(begin: date, first: date) -> None:
    assert first_day_on_sale(Profile.CN_PERSONAL, begin, None, TODAY) == first


def test_what_is_over_is_not_sold_and_published_rates_keep_their_days() -> None:
    begin = date(2017, 1, 1)
    with pytest.raises(SaleOver):
        first_day_on_sale(Profile.CN_PERSONAL, begin, TODAY, TODAY)
    assert first_day_on_sale(Profile.CN_PERSONAL, begin, date(2026, 11, 23), TODAY) == TODAY
    assert first_day_on_sale(Profile.RATES_ONLY, begin, date(2018, 1, 1), TODAY) == begin


def test_the_same_content_changes_nothing() -> None:
    assert content_changes(CONTENT, CONTENT) == ()


def test_a_product_information_document_made_by_the_marketplace_is_not_removed_by_the_next_draft() -> None:
    said = replace(CONTENT, information=ProductInformation(*[LocalizedText("Words.")] * 5))
    ref = DocumentRef(DocumentKind.IPID, "en", "IPID", "ipid.en.pdf", "application/pdf", "0" * 64, 10)
    made = replace(said, documents=(*said.documents, ref))
    assert content_changes(made, said) == ()
    assert content_changes(made, replace(said, information=None))[-1] == Change(
        Part.DOCUMENTS, "ipid.en.pdf", "", "IPID", None
    )


def test_every_change_is_named_with_both_ends() -> None:
    cover, exclusion, question = CONTENT.covers[0], CONTENT.exclusions[0], CONTENT.questions[0]
    other = replace(question, id="another", text=replace(question.text, en="Do you dive?"))
    new = replace(
        CONTENT,
        filing_no="SPECIMEN-2027",
        covers=(replace(cover, waiting_days=120), *CONTENT.covers[1:]),
        exclusions=CONTENT.exclusions[1:],
        questions=(*CONTENT.questions, other),
        key_facts=replace(CONTENT.key_facts, grace_days=None),
        eligibility={**CONTENT.eligibility, "age": Allowed(min=18, max=45)},
    )
    assert content_changes(CONTENT, new) == (
        Change(Part.PRODUCT, "", "filing_no", CONTENT.filing_no, "SPECIMEN-2027"),
        Change(Part.ELIGIBILITY, "", "age.max", str(CONTENT.eligibility["age"].max), "45"),
        Change(Part.COVERS, cover.code, "waiting_days", str(cover.waiting_days), "120"),
        Change(Part.EXCLUSIONS, exclusion.code, "", exclusion.title.en, None),
        Change(Part.KEY_FACTS, "", "grace_days", "60", None),
        Change(Part.QUESTIONS, "another", "", None, "Do you dive?"),
    )


def test_risks_that_may_occur_are_all_taken_or_evenly_spread() -> None:
    possible = PossibleRisks.of([CONTENT], ["age", "sex"])
    names = {name for name, values in possible.values.items() if len(values) > 1}
    assert {"age", "sex"} <= names
    assert names <= {"age", "sex", *CONTENT.eligibility, *(name for each in CONTENT.limits for name in each.factors)}
    risks = possible.sample(500)
    assert len(risks) == min(500, possible.count)
    assert len({tuple(risk.items()) for risk in risks}) == len(risks)
    assert risks == possible.sample(500)
    ages = [risk["age"] for risk in risks]
    assert {*ages} == {*possible.values["age"]}
    assert max(map(ages.count, {*ages})) - min(map(ages.count, {*ages})) <= 3
    everything = PossibleRisks({"age": (18, 19), "sex": ("female", "male")}).sample(4)
    assert {(risk["age"], risk["sex"]) for risk in everything} == {*product((18, 19), ("female", "male"))}


def totals(*minor: int | None) -> Totals:
    return Totals(np.array([each or 0 for each in minor], np.int64), np.array([each is not None for each in minor]))


def test_the_premium_difference_is_what_a_person_works_out() -> None:
    """Six risks: one loses its premium, one gains one, four change by +10 %, +2.5 %, 0 and -5 %."""
    ages = (29, 30, 31, 39, 40, 41)
    possible = PossibleRisks({factor.name: ages if factor.name == "age" else ("x",) for factor in TERM_LIFE.factors})
    old, new = totals(100, 1000, 400, 200, 100, None), totals(None, 1100, 410, 200, 95, 70)
    found = premium_difference(possible, sampled(possible), old, new, TERM_LIFE.factors)
    assert (found.possible, found.rated, found.is_sample, found.comes, found.goes) == (6, 6, False, 1, 1)
    assert found.shift is not None
    assert (found.shift.risks, found.shift.rising, found.shift.falling) == (4, 2, 1)
    assert (found.shift.average, found.shift.most, found.shift.least) == (18_750, 100_000, -50_000)
    bands = [(band.low, band.high, band.shift.average, band.shift.most) for band in found.bands]
    assert bands == [(30, 39, 41_667, 100_000), (40, 49, -50_000, -50_000)]
    assert {band.factor for band in found.bands} == {"age"}
    kept = Difference(None, premiums=found)
    assert Difference.from_json(kept.to_json()) == kept


def test_where_no_premium_can_be_compared_nothing_is_said_of_it() -> None:
    possible = PossibleRisks({"age": (18, 19)})
    found = premium_difference(possible, sampled(possible), totals(None, None), totals(5, 5), TERM_LIFE.factors[:1])
    assert (found.shift, found.bands, found.comes) == (None, (), 2)


@pytest.mark.parametrize("most", [7, 500, 10**6])
def test_the_columns_are_the_risks_that_a_list_would_have(most: int) -> None:
    possible = PossibleRisks({"age": tuple(range(18, 61)), "sex": ("female", "male"), "smoker": (False, True)})
    listed, columns = possible.sample(most), sampled(possible, most)
    for name, column in columns.items():
        assert [column.values[code] for code in column.codes] == [risk[name] for risk in listed]


def test_more_risks_than_64_bits_count_are_sampled_alike() -> None:
    possible = PossibleRisks({f"factor_{number}": tuple(range(1000)) for number in range(8)})
    listed, columns = possible.sample(50), sampled(possible, 50)
    assert possible.count > 2**64
    for name, column in columns.items():
        assert [column.values[code] for code in column.codes] == [risk[name] for risk in listed]


@pytest.mark.parametrize(
    ("old", "new", "much"), [(100, 105, False), (1000, 1051, True), (100, 99, False), (0, 1, True)]
)
def test_more_than_five_per_cent_is_much(old: int, new: int, much: bool) -> None:  # noqa: FBT001  a parameter of the case
    assert rises_much(np.array([old]), np.array([new])).tolist() == [much]
    huge = MOST_MINOR * 1000  # what is made of it has more than 64 bits
    assert rises_much(np.array([old * huge]), np.array([new * huge])).tolist() == [much]
