"""The demonstration's catalogs: read without a finding, insured by several in every line, honest in both languages."""

import re
import tomllib
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from marketplace.catalog.values import LINES, Line, Outcome, ProductContent, Profile
from marketplace.kernel.text import LocalizedText
from marketplace.listing.intake import read_catalog
from marketplace.listing.values import DraftProduct, Reading
from marketplace.rating.rules import compile_tariff, premium
from marketplace.underwriting.rules import assess_eligibility
from marketplace.underwriting.values import Eligible, Ineligible
from sandbox.demo import life_rates

DEMO = Path(life_rates.__file__).parent
INSURERS = tomllib.loads((DEMO / "insurers.toml").read_text("utf-8"))["insurers"]
CODES = [insurer["code"] for insurer in INSURERS]
BANNED = re.compile(
    r"\b(best|cheapest|lowest|no\. 1|number one|as low as|guaranteed renewal|automatic renewal|promised renewal"
    r"|lifetime limit|risk-free|free of charge)\b|!"
    r"|最佳|最好|最便宜|最低价|第一|唯一|低至|保证续保|自动续保|承诺续保|终身限额|零风险|免费赠送|！"
)
ALLOWED = ("renewal is not guaranteed", "不保证续保")


@cache
def reading(code: str) -> Reading:
    folder = DEMO / "catalogs" / code
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return read_catalog(files, code)


@cache
def products() -> dict[str, tuple[str, DraftProduct]]:
    """Product code -> insurer and draft."""
    return {
        product.content.code: (code, product)
        for code in CODES
        if (draft := reading(code).draft) is not None
        for product in draft.products
    }


def contents() -> list[ProductContent]:
    return [product.content for _, product in products().values()]


def assessed(line: Line, given: dict[str, Any]) -> tuple[dict[str, Decimal], dict[str, str]]:
    """Product code -> premium in yuan for those offered, and -> reason for those that are not."""
    offered, refused = {}, {}
    for code, (_, product) in products().items():
        if product.content.line is not line:
            continue
        risk = LINES[line].risk(given)
        match assess_eligibility(product.content, risk):
            case Eligible():
                total = premium(compile_tariff(product.tariff), risk).total
                offered[code] = Decimal(total.minor) / 100
            case Ineligible(reason=reason):
                refused[code] = reason.en
    return offered, refused


@pytest.mark.parametrize("code", CODES)
def test_a_catalog_reads_without_a_finding(code: str) -> None:
    assert reading(code).findings == ()
    assert reading(code).draft is not None


def test_every_folder_has_its_insurer() -> None:
    assert sorted(CODES) == sorted(path.name for path in (DEMO / "catalogs").iterdir() if path.is_dir())


def test_there_are_enough_products_of_enough_insurers() -> None:
    lines = Counter(content.line for content in contents())
    insurers = {line: {code for code, product in products().values() if product.content.line is line} for line in lines}
    assert lines == {
        Line.TERM_LIFE: 4, Line.TRAVEL: 4, Line.HOUSEHOLD: 4, Line.HOSPITAL: 4, Line.ACCIDENT: 3,
    }  # fmt: skip
    assert {line: len(codes) for line, codes in insurers.items()} == {
        Line.TERM_LIFE: 4, Line.TRAVEL: 3, Line.HOUSEHOLD: 3, Line.HOSPITAL: 4, Line.ACCIDENT: 3,
    }  # fmt: skip


@pytest.mark.requirement("O13-07")
def test_no_name_or_number_is_used_twice() -> None:
    for names in (
        [content.marketing_name.en for content in contents()],
        [content.marketing_name.zh for content in contents()],
        [content.clause_name and content.clause_name.zh for content in contents()],
        [content.filing_no for content in contents()],
        [content.clause_code for content in contents()],
        [insurer["legal_name"]["en"] for insurer in INSURERS],
        [insurer["legal_name"]["zh"] for insurer in INSURERS],
        [insurer["mark"] for insurer in INSURERS],
        [insurer["colour"] for insurer in INSURERS],
        [insurer["phone"] for insurer in INSURERS],
    ):
        assert len(set(names)) == len(names)


ORDINARY = [
    (Line.TERM_LIFE, {"age": 34, "sex": "female", "smoker": False, "sum_insured": 1_000_000, "term_years": 20}),
    (Line.TERM_LIFE, {"age": 45, "sex": "male", "smoker": True, "sum_insured": 500_000, "term_years": 10}),
    (Line.TRAVEL, {"zone": "asia", "days": 7, "age": 34}),
    (Line.TRAVEL, {"zone": "europe", "days": 14, "age": 58}),
    (Line.TRAVEL, {"zone": "china", "days": 4, "age": 8}),
    (Line.HOUSEHOLD, {"building_area": 90, "building_type": "concrete", "contents_sum": 100_000}),
    (Line.HOUSEHOLD, {"building_area": 60, "building_type": "brick", "contents_sum": 50_000}),
    (Line.HOSPITAL, {"age": 34, "social_insurance": True}),
    (Line.HOSPITAL, {"age": 40, "social_insurance": False}),
    (Line.ACCIDENT, {"age": 34, "sum_insured": 500_000}),
    (Line.ACCIDENT, {"age": 58, "sum_insured": 200_000, "occupation_class": 2}),
]


@pytest.mark.parametrize(("line", "given"), ORDINARY)
def test_three_insurers_answer_an_ordinary_need(line: Line, given: dict[str, Any]) -> None:
    offered, _ = assessed(line, given)
    assert len({products()[code][0] for code in offered}) >= 3
    assert len(set(offered.values())) == len(offered)


UNUSUAL = [
    (Line.TERM_LIFE, {"age": 62, "sex": "male", "smoker": False, "sum_insured": 500_000, "term_years": 15},
     {"quietwater-term"}, {"farshore-term": "Age of the person insured: insured from 18 to 50 years, asked for 62"}),
    (Line.TERM_LIFE, {"age": 30, "sex": "male", "smoker": False, "sum_insured": 3_000_000, "term_years": 30},
     {"farshore-term"}, {}),
    (Line.TERM_LIFE, {"age": 50, "sex": "male", "smoker": False, "sum_insured": 800_000, "term_years": 30},
     set(), {"farshore-term": "The term must end by age 70."}),
    (Line.TRAVEL, {"zone": "world", "days": 80, "age": 30}, {"waypost-trip"}, {}),
    (Line.HOUSEHOLD, {"building_area": 350, "building_type": "house", "contents_sum": 500_000, "let_out": True},
     {"oakroof-home-plus"}, {}),
    (Line.HOSPITAL, {"age": 68, "social_insurance": True}, {"quietwater-hospital"}, {}),
    (Line.ACCIDENT, {"age": 34, "sum_insured": 200_000, "occupation_class": 4}, {"waypost-accident"}, {}),
    (Line.ACCIDENT, {"age": 34, "sum_insured": 1_000_000}, {"ninebridges-accident"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "given", "expected", "reasons"), UNUSUAL)
def test_an_unusual_need_is_refused_with_reasons(
    line: Line, given: dict[str, Any], expected: set[str], reasons: dict[str, str]
) -> None:
    offered, refused = assessed(line, given)
    assert set(offered) == expected
    assert all(refused.values())
    assert {code: refused[code] for code in reasons} == reasons


BY_HAND = [
    ("oakroof-home", {"building_area": 90, "building_type": "concrete", "contents_sum": 100_000},
     # 90 x 0.62 + 100 x 0.55 + 36 = 146.80; a fifth for costs 29.36; 6 % of 176.16 = 10.57
     "186.73"),
    ("ninebridges-travel", {"zone": "asia", "days": 7, "age": 34},
     # 7 x 8.60 = 60.20; 14 % 8.43; 20 % of 68.63 = 13.73; 6 % of 82.36 = 4.94
     "87.30"),
    ("waypost-accident", {"age": 50, "sum_insured": 200_000, "occupation_class": 3},
     # 200 x 0.52 = 104; 15 % 15.60; 116; 24; 20 % of 259.60 = 51.92; 311.52 to whole yuan
     "312.00"),
    ("larkmeadow-hospital", {"age": 34, "social_insurance": True, "deductible": 5_000},
     # 336; 45 % 151.20; 12 % of 487.20 = 58.46; 18 % of 545.66 = 98.22; 643.88 to whole yuan
     "644.00"),
    ("farshore-term", {"age": 34, "sex": "female", "smoker": False, "sum_insured": 1_000_000, "term_years": 20},
     # 1,000 x 0.8067 = 806.70; less 5 % 40.33 (40.335 down, for it is taken off); 6 % of 766.37 = 45.98; 62;
     # 38 % of 874.35 = 332.25; 50
     "1256.60"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "given", "total"), BY_HAND)
def test_a_premium_worked_by_hand(code: str, given: dict[str, Any], total: str) -> None:
    offered, _ = assessed(products()[code][1].content.line, given)
    assert offered[code] == Decimal(total)


@pytest.mark.parametrize("code", sorted(products()))
def test_a_product_brings_examples_and_a_premium_worth_a_picture(code: str) -> None:
    insurer, product = products()[code]
    folder = DEMO / "catalogs" / insurer / product.folder
    rows = (folder / "examples.csv").read_text("utf-8").strip().splitlines()
    assert len(rows) - 1 >= 5
    header = rows[0].split(",")
    risks = [dict(zip(header, row.split(","), strict=True)) for row in rows[1:]]
    names = [name for name in header if name != "premium"]
    factors = {name: product.content.definition.factor(name) for name in names}
    compiled = compile_tariff(product.tariff)
    lines = [len(premium(compiled, {n: factors[n].parse(r[n]) for n in names}).lines) for r in risks]
    assert 2 <= min(lines) <= max(lines) <= 8
    assert max(lines) >= 3


@pytest.mark.parametrize("basis", life_rates.bases(), ids=lambda basis: basis.product)
def test_life_tables_are_those_of_the_formula(basis: life_rates.LifeBasis) -> None:
    assert basis.path.read_text("utf-8") == life_rates.text(basis)


@pytest.mark.requirement("T26-17")
@pytest.mark.parametrize("code", sorted(products()))
def test_each_exclusion_is_explained_in_both_languages_and_stands_in_the_clauses(code: str) -> None:
    _, product = products()[code]
    texts = {ref.locale: data.decode() for ref, data in product.documents if ref.kind == "clauses"}
    assert set(texts) == {"en", "zh_Hans_CN"}
    assert len(product.content.exclusions) >= 4
    for exclusion in product.content.exclusions:
        explanation = exclusion.plain_explanation
        assert explanation is not None
        assert explanation.zh
        assert exclusion.title.zh
        assert explanation.en != exclusion.title.en
        for text in texts.values():
            assert stands_in(text, exclusion.clause_ref)


def stands_in(text: str, reference: str) -> bool:
    """Whether the clauses have the paragraph `3.2`, or the item 4 of the list in `3.1(4)`."""
    clause, item = re.fullmatch(r"(\d+\.\d+)(?:\((\d+)\))?", reference).groups()  # type: ignore[union-attr]
    start = re.search(rf"^{re.escape(clause)} ", text, re.MULTILINE)
    if start is None:
        return False
    paragraph = re.split(r"^(?:\d+\.\d+ |## )", text[start.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    return item is None or re.search(rf"^{item}\. ", paragraph, re.MULTILINE) is not None


@pytest.mark.parametrize("code", sorted(products()))
def test_documents_say_specimen_and_carry_the_numbers(code: str) -> None:
    _, product = products()[code]
    kinds = {(ref.kind.value, ref.locale) for ref, _ in product.documents}
    assert kinds == {(kind, locale) for kind in ("clauses", "product_summary") for locale in ("en", "zh_Hans_CN")}
    for ref, data in product.documents:
        text = data.decode()
        assert "SPECIMEN" in text or "样本" in text
        if ref.kind == "clauses":
            assert product.content.filing_no in text
            assert product.content.clause_code in text


@pytest.mark.requirement("O13-16")
@pytest.mark.requirement("PER-01")
@pytest.mark.requirement("PER-04")
@pytest.mark.parametrize("code", sorted(products()))
def test_no_word_promises_too_much(code: str) -> None:
    _, product = products()[code]
    said = str(product.content.to_json()) + "".join(data.decode() for _, data in product.documents)
    said = said.lower()
    for allowed in ALLOWED:
        said = said.replace(allowed, "")
    assert BANNED.findall(said) == []


@pytest.mark.requirement("T26-19")
@pytest.mark.parametrize("code", sorted(products()))
def test_questions_can_refer_and_decline(code: str) -> None:
    content = products()[code][1].content
    outcomes = {question.on_yes for question in content.questions} | {question.on_no for question in content.questions}
    if content.line is Line.TRAVEL and not content.questions:
        return
    assert 3 <= len(content.questions) <= 9
    assert {Outcome.REFER, Outcome.DECLINE} <= outcomes
    for question in content.questions:
        assert question.reason is not None
        assert question.text.en.endswith("?")
        assert str(question.text.zh).endswith("？")


@pytest.mark.parametrize("code", sorted(products()))
def test_every_word_is_there_in_both_languages(code: str) -> None:
    content, missing = products()[code][1].content, []

    def walk(value: Any, where: str) -> None:
        match value:
            case {"en": _, **rest}:
                if not rest.get("zh") or not re.search(r"[\u4e00-\u9fff¥\d]", str(rest["zh"])):
                    missing.append(where)
            case dict():
                for name, each in value.items():
                    walk(each, f"{where}.{name}")
            case list():
                for index, each in enumerate(value):
                    walk(each, f"{where}.{index}")

    walk(content.to_json(), code)
    assert missing == []


@pytest.mark.parametrize("code", sorted(products()))
def test_the_profile_fits_the_line(code: str) -> None:
    content = products()[code][1].content
    thing = content.line in (Line.TRAVEL, Line.HOUSEHOLD)
    assert content.profile is (Profile.CN_NONLIFE if thing else Profile.CN_PERSONAL)
    assert all(isinstance(text, LocalizedText) for text in content.facts.values())


@pytest.mark.parametrize("insurer", INSURERS, ids=lambda insurer: insurer["code"])
def test_an_insurer_is_plainly_fictional_and_its_mark_readable(insurer: dict[str, Any]) -> None:
    assert insurer["licence_no"].startswith("SPECIMEN-")
    assert re.fullmatch(r"400-000-0\d{3}", insurer["phone"])
    assert insurer["email"].endswith(".example")
    assert len(insurer["mark"]) == 1
    assert contrast_with_white(insurer["colour"]) >= 4.5


def contrast_with_white(colour: str) -> float:
    """WCAG 2.2, contrast ratio with #ffffff."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
