"""What a confirmation is bound to: exclusions, documents and questions by the hash of their words."""

from dataclasses import replace
from typing import Any

import pytest

from marketplace.application.rules import documents_to_confirm, exclusions_sha256, kept_answers, question_sha256
from marketplace.catalog.values import Cover, DocumentKind, Outcome, Profile
from tests.factories.quoting import EXCLUSIONS, a_content, a_document, a_question, words

HEART, BACK = a_question("heart"), a_question("back")


@pytest.mark.requirement("T26-26")
def test_any_word_of_an_exclusion_changes_its_hash() -> None:
    war = EXCLUSIONS[0]
    changed = [
        (replace(war, code="civil_war"), EXCLUSIONS[1]),
        (replace(war, title=words("War and unrest")), EXCLUSIONS[1]),
        (replace(war, plain_explanation=words("Never.")), EXCLUSIONS[1]),
        (replace(war, clause_ref="Clause 8"), EXCLUSIONS[1]),
        EXCLUSIONS[:1],
        EXCLUSIONS[::-1],
    ]
    hashes = {exclusions_sha256(a_content(exclusions=each)) for each in (EXCLUSIONS, *changed)}
    assert len(hashes) == len(changed) + 1


@pytest.mark.requirement("T26-16", "T26-26")
def test_what_the_customer_bears_is_confirmed_with_the_exclusions() -> None:
    plain, optional = cover(), cover(optional=True, deductible=words("¥100"))
    changed = [
        (cover(deductible=words("¥100 each time")),),
        (cover(deductible=words("¥200 each time")),),
        (cover(sub_limit=words("¥100 each time")),),
        (replace(cover(deductible=words("¥100 each time")), name=words("Bills")),),
    ]
    hashes = {exclusions_sha256(a_content(covers=each)) for each in ((plain,), *changed)}
    assert len(hashes) == len(changed) + 1
    assert exclusions_sha256(a_content(covers=(plain, optional))) == exclusions_sha256(a_content(covers=(plain,)))


def cover(**changes: Any) -> Cover:
    return Cover("main", words("Main cover"), words("The loss"), words("At most 1,000"), **changes)


def test_an_answer_is_kept_only_for_the_same_question() -> None:
    old = a_content(questions=(HEART, BACK))
    new = a_content(questions=(replace(HEART, lookback=words("5 years")), BACK, a_question("eyes")))
    assert kept_answers({"heart": False, "back": True}, old, new) == {"back": True}
    assert kept_answers({"heart": False}, old, old) == {"heart": False}


def test_what_the_guideline_says_is_not_part_of_the_question() -> None:
    """The customer is asked the same words, whatever the insurer makes of the answer."""
    assert question_sha256(HEART) == question_sha256(replace(HEART, on_yes=Outcome.DECLINE))
    assert question_sha256(HEART) != question_sha256(replace(HEART, threshold=words("in hospital")))


def test_each_paper_is_confirmed_in_the_customers_language_where_there_is_one() -> None:
    english = a_document(DocumentKind.CLAUSES, "en")
    chinese = a_document(DocumentKind.CLAUSES, "zh_Hans_CN")
    summary = a_document(DocumentKind.PRODUCT_SUMMARY, "zh_Hans_CN")
    rates = a_document(DocumentKind.RATES, "en")
    papers = (summary, english, chinese, rates)
    assert documents_to_confirm(papers, "en", Profile.CN_PERSONAL) == (english, summary)
    assert documents_to_confirm(papers, "zh_Hans_CN", Profile.CN_PERSONAL) == (chinese, summary)
    assert documents_to_confirm(papers, "en", Profile.CN_NONLIFE) == (english,), "no summary is asked for"
    assert documents_to_confirm((), "en", Profile.CN_PERSONAL) == ()
