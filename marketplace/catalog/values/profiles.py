"""What each market profile demands of a product version before it is on sale, and the requirement behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from marketplace.catalog.values.content import (
    DocumentKind,
    EarlyEnd,
    Outcome,
    ProductContent,
    Profile,
    ServiceKind,
    ServiceMode,
    TermUnit,
)
from marketplace.catalog.values.factors import Line, RowSource
from marketplace.catalog.values.wording import banned_words

# 健康保险管理办法 art. 15: at least 15 days for health insurance of more than a year; the same is kept for life.
LONG_TERM_COOLING_OFF_DAYS = 15
PERSONAL_ONLINE = frozenset({Line.ACCIDENT, Line.HOSPITAL, Line.TERM_LIFE})
"""The lines in which insurance of persons may be sold online (银保监办发〔2021〕108号, (九)1). Ordinary life insurance
and annuities of ten years or more may be, too; no line here is that.
"""
INTERNET = "互联网"
HAS_PRODUCT_SUMMARY = frozenset({Profile.CN_PERSONAL})
"""Where each product has a summary that is confirmed beside the clauses (人身保险产品信息披露管理办法)."""
HAS_PRODUCT_INFORMATION = frozenset({Profile.EU_NONLIFE, Profile.UK})
"""Where each product has an insurance product information document."""
MAINLAND = frozenset({Profile.CN_PERSONAL, Profile.CN_NONLIFE})
DEMANDS_REAL_NAME = MAINLAND
"""Where the applicant proves by a document who they are (互联网保险业务监管办法 art. 33); elsewhere the code that was
mailed to their address is the proof.
"""
_CHANGES = {Outcome.LOAD: "loading", Outcome.EXCLUDE: "exclusion", Outcome.POSTPONE: "postpone_days"}
"""What has to be said beside an outcome that changes the terms."""
_CATCH_ALL = ("any other", "anything else", "abnormal", "其他任何", "任何其他", "异常")


@dataclass(frozen=True, slots=True)
class Unmet:
    """A field that the profile demands and that is missing or not enough. `reason` is a stable word for why; `found` is
    what may not stand there.
    """

    field: str
    requirement: str
    reason: str = "missing"
    found: str = ""


def unmet_demands(content: ProductContent) -> tuple[Unmet, ...]:
    """Everything still missing for `content.profile`, in the order of the file; empty when it may be published."""
    return (*_facts_of_line(content), *_demands(content))


def _facts_of_line(content: ProductContent) -> Iterator[Unmet]:
    for row in content.definition.rows:
        if row.source is RowSource.FACT and row.key not in content.facts:
            yield Unmet(f"facts.{row.key}", "O13-16")


def _demands(content: ProductContent) -> Iterator[Unmet]:
    if content.profile is Profile.RATES_ONLY:
        return
    yield from _identity(content)
    yield from _key_facts(content)
    yield from _ending_early(content)
    yield from _covers_and_exclusions(content)
    yield from _questions(content)
    yield from _services(content)
    yield from _documents(content)
    yield from _product_information(content)
    yield from _personal(content)
    for path, rule, phrase in banned_words(content):
        yield Unmet(path, rule.requirement, "banned_words", phrase)


def _identity(content: ProductContent) -> Iterator[Unmet]:
    """O13-07: both names, the filing number and the clause code."""
    for name in ("clause_name", "filing_no", "clause_code"):
        if not getattr(content, name):
            yield Unmet(name, "O13-07")
    if content.commission is None:
        yield Unmet("commission", "EU-05")
    if content.target_market is None:
        yield Unmet("target_market", "O13-20")


def _key_facts(content: ProductContent) -> Iterator[Unmet]:
    """O13-08, O13-11, O13-12: each must be stated, if only as nought."""
    names = ["cooling_off_days", "waiting_days", "term", "surrender", "claim_how"]
    if content.paid_regularly:
        names.append("grace_days")
    if content.definition.personal:
        names += ["cash_value", "renewal"]
    for name in names:
        if getattr(content.key_facts, name) is None:
            yield Unmet(f"key_facts.{name}", "O13-08")
    for name, requirement in (("fully_online", "O13-11"), ("how_to_pay", "O13-12"), ("delivery", "O13-12")):
        if getattr(content.key_facts, name) is None:
            yield Unmet(f"key_facts.{name}", requirement)


def _ending_early(content: ProductContent) -> Iterator[Unmet]:
    """SCM-11: the papers and the time of a surrender; N108-09: its cash value, for up to a year that of the days left;
    SCM-07: what becomes of cover that is not paid for any more.
    """
    if content.profile in MAINLAND or content.early_end is not None:
        yield from _cash_value(content, content.early_end or EarlyEnd())
    if content.profile not in MAINLAND:
        return
    if content.key_facts.surrender_how is None:
        yield Unmet("key_facts.surrender_how", "SCM-11")
    if content.paid_regularly and content.key_facts.reinstatement is None:
        yield Unmet("key_facts.reinstatement", "SCM-07")


def _cash_value(content: ProductContent, given: EarlyEnd) -> Iterator[Unmet]:
    if given.of_paid and given.of_unused:
        yield Unmet("early_end.of_paid", "N108-09", "one_of_two")
    if given.nothing_in_last_year and (given.of_unused or not _is_long_term(content)):
        yield Unmet("early_end.nothing_in_last_year", "N108-09", "of_years_only")
    short = content.profile is Profile.CN_PERSONAL and not _is_long_term(content)
    if not given.is_said or (short and not Decimal(given.of_unused or 0)):
        yield Unmet("early_end.of_unused", "N108-09")


def _covers_and_exclusions(content: ProductContent) -> Iterator[Unmet]:
    if not content.covers:
        yield Unmet("covers", "O13-08")
    if not content.exclusions:
        yield Unmet("exclusions", "T26-15")
    for index, exclusion in enumerate(content.exclusions):
        if exclusion.plain_explanation is None:
            yield Unmet(f"exclusions.{index}.plain_explanation", "T26-17")
        if not exclusion.clause_ref:
            yield Unmet(f"exclusions.{index}.clause_ref", "O13-17")
    for index, exclusion in enumerate(content.carve_outs):
        if exclusion.plain_explanation is None:
            yield Unmet(f"carve_outs.{index}.plain_explanation", "T26-17")
        if not exclusion.clause_ref:
            yield Unmet(f"carve_outs.{index}.clause_ref", "O13-17")


def _questions(content: ProductContent) -> Iterator[Unmet]:
    """T26-19: bound to covers, specific, with clear limits, no catch-all."""
    covers = {cover.code for cover in content.covers}
    for index, question in enumerate(content.questions):
        for name in ("condition", "lookback", "threshold", "covers"):
            if not getattr(question, name):
                yield Unmet(f"questions.{index}.{name}", "T26-19")
        if set(question.covers) - covers:
            yield Unmet(f"questions.{index}.covers", "T26-19", "unknown_cover")
        said = f"{question.text.en} {question.text.zh or ''}".lower()
        if any(words in said for words in _CATCH_ALL):
            yield Unmet(f"questions.{index}.text", "T26-19", "catch_all")
        yield from _changed_terms(content, index)


def _changed_terms(content: ProductContent, index: int) -> Iterator[Unmet]:
    """Terms that an answer changes are said as exactly as the question itself, and the customer is told why."""
    question = content.questions[index]
    asked = [name for outcome, name in _CHANGES.items() if outcome in (question.on_yes, question.on_no)]
    for name in (*asked, "reason") if asked else ():
        if not getattr(question, name):
            yield Unmet(f"questions.{index}.{name}", "T26-19")
    if question.exclusion and question.exclusion not in [each.code for each in content.carve_outs]:
        yield Unmet(f"questions.{index}.exclusion", "T26-19", "unknown_exclusion", question.exclusion)


def _services(content: ProductContent) -> Iterator[Unmet]:
    """O13-28 and O13-31: each service online, and at least two ways, phone and online among them."""
    for service in ServiceKind:
        modes = content.services.get(service, ())
        if ServiceMode.ONLINE not in modes:
            yield Unmet(f"services.{service}", "O13-28", "not_online")
    if not any(ServiceMode.PHONE in modes for modes in content.services.values()):
        yield Unmet("services", "O13-31", "no_phone")


def _documents(content: ProductContent) -> Iterator[Unmet]:
    if content.document(DocumentKind.CLAUSES, "en") is None:
        yield Unmet("documents.clauses", "T26-14")
    if content.profile in HAS_PRODUCT_SUMMARY and content.document(DocumentKind.PRODUCT_SUMMARY, "en") is None:
        yield Unmet("documents.product_summary", "O13-08")


def _product_information(content: ProductContent) -> Iterator[Unmet]:
    """EU-09, UK-04: the insurer's own document, or what one is made from."""
    made_here = content.profile in HAS_PRODUCT_INFORMATION and content.document(DocumentKind.IPID, "en") is None
    if made_here and content.information is None:
        yield Unmet("information", "EU-09")


def _personal(content: ProductContent) -> Iterator[Unmet]:
    """Rules for insurance of persons in China: kind and name of what is sold online (N108-06), cooling-off (PER-08),
    words about renewal (PER-04).
    """
    if content.profile is not Profile.CN_PERSONAL:
        return
    if content.line not in PERSONAL_ONLINE:
        yield Unmet("line", "N108-06", "not_sold_online", content.line.value)
    if content.clause_name and INTERNET not in content.clause_name.in_("zh"):
        yield Unmet("clause_name", "N108-06", "must_say_internet", content.clause_name.in_("zh"))
    days = content.key_facts.cooling_off_days
    if _is_long_term(content) and days is not None and days < LONG_TERM_COOLING_OFF_DAYS:
        yield Unmet("key_facts.cooling_off_days", "PER-08", "too_short")
    if content.line is Line.HOSPITAL and content.key_facts.renewal is not None:
        said = f"{content.key_facts.renewal.en} {content.key_facts.renewal.zh or ''}".lower()
        if not content.key_facts.renewal_guaranteed and "not guaranteed" not in said:
            yield Unmet("key_facts.renewal", "PER-04", "must_say_not_guaranteed")


def _is_long_term(content: ProductContent) -> bool:
    """Of more than a year, or of a year with a guarantee of renewal (健康保险管理办法 art. 4)."""
    term = content.term
    return content.key_facts.renewal_guaranteed or (term.unit is TermUnit.YEAR and term.length != 1)
