"""What a product version says. One immutable record: the upload is read into it, the table keeps it as JSON, and every
page, question, decision and policy rests on it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter

from marketplace.catalog.values.factors import Allowed, Line, LineDefinition, Record, Risk, Row, RowSource
from marketplace.catalog.values.lines import LINES
from marketplace.catalog.values.paying import Frequency, Payment
from marketplace.kernel.canonical import digest
from marketplace.kernel.dates import add_years
from marketplace.kernel.text import LocalizedText


def _said(text: LocalizedText) -> LocalizedText:
    if not text.en.strip() or (text.zh is not None and not text.zh.strip()):
        raise ValueError("blank")
    return text


Text = Annotated[LocalizedText, AfterValidator(_said)]
"""Words that are really there."""
Code = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?$")]
_LOADING = re.compile(r"(\d{1,3}(?:\.\d{1,2})?) (percent|per_mille)")
Days = Annotated[int, Field(ge=0, le=3650)]
Minor = Annotated[int, Field(ge=0, le=10**15)]
Percent = Annotated[str, Field(pattern=r"^(100|\d{1,2}(\.\d{1,2})?)$")]
WHERE_SAID = Field(exclude_if=lambda said: not said)
"""Not written where nothing is said: a content from before there was this part keeps its hash."""


CHILDREN = ((10, 200_000), (18, 500_000))
"""Age in completed years below which the death of a person pays at most so many yuan (保监发〔2015〕90号)."""


class Profile(StrEnum):
    """Market profile: which law's demands a version must meet. `rates_only` can be compared, never bought."""

    CN_PERSONAL = "cn_personal"
    CN_NONLIFE = "cn_nonlife"
    EU_NONLIFE = "eu_nonlife"
    UK = "uk"
    RATES_ONLY = "rates_only"

    @property
    def can_be_bought(self) -> bool:
        return self is not Profile.RATES_ONLY


class LimitationKind(StrEnum):
    """What limits a promise (保险法 art. 17): each is shown on the exclusions page and explained."""

    EXCLUSION = "exclusion"
    DEDUCTIBLE = "deductible"
    RATE = "rate"
    PROPORTION = "proportion"


class DocumentKind(StrEnum):
    CLAUSES = "clauses"
    PRODUCT_SUMMARY = "product_summary"
    RATES = "rates"
    IPID = "ipid"
    OTHER = "other"


class ServiceKind(StrEnum):
    """What a policyholder must be able to do online (O13-28)."""

    ENDORSEMENT = "endorsement"
    PRESERVATION = "preservation"
    SURRENDER = "surrender"
    CLAIM = "claim"
    COMPLAINT = "complaint"


class ServiceMode(StrEnum):
    ONLINE = "online"
    PHONE = "phone"
    BRANCH = "branch"


class Outcome(StrEnum):
    """What the insurer's guideline says to an answer, from the lightest to the gravest: accept; accept for an extra
    premium; accept without some of the cover; have a person look; not now; not at all.
    """

    ACCEPT = "accept"
    LOAD = "load"
    EXCLUDE = "exclude"
    REFER = "refer"
    POSTPONE = "postpone"
    DECLINE = "decline"


class LoadingUnit(StrEnum):
    """What an extra premium is counted in: hundredths or thousandths of the premium before taxes and fees."""

    PERCENT = "percent"
    PER_MILLE = "per_mille"


class TermUnit(StrEnum):
    DAY = "day"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class SumLimit(Record):
    """Whole-number factors whose sum is bounded: age plus term at most 70."""

    factors: Annotated[tuple[str, ...], Field(min_length=2)]
    max: int
    reason: Text

    def includes(self, risk: Risk) -> bool:
        return sum(int(risk[name]) for name in self.factors) <= self.max


@dataclass(frozen=True, slots=True)
class Cover(Record):
    """One promise: what is paid, and at most how much (`limit` in words, `limit_minor` as one amount)."""

    code: Code
    name: Text
    pays: Text
    limit: Text
    limit_minor: Minor | None = None
    limit_factor: str | None = None
    sub_limit: Text | None = None
    deductible: Text | None = None
    waiting_days: Days = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Exclusion(Record):
    """A limit of the promise with its plain explanation (T26-17) and the clause it stands in."""

    code: Code
    title: Text
    plain_explanation: Text | None = None
    clause_ref: str = ""
    kind: LimitationKind = LimitationKind.EXCLUSION


@dataclass(frozen=True, slots=True)
class Loading:
    """An extra premium for a greater risk: `value` (a decimal number as text) of its `unit`."""

    unit: LoadingUnit
    value: str

    @classmethod
    def of(cls, text: str) -> "Loading":
        """Of `25 percent` or `2.5 per_mille`. Raises ValueError."""
        found = _LOADING.fullmatch(text)
        if found is None or not Decimal(found[1]):
            raise ValueError(f"no extra premium: {text}")
        return cls(LoadingUnit(found[2]), found[1])

    def __str__(self) -> str:
        return f"{self.value} {self.unit}"

    @property
    def rate(self) -> str:
        """The share of the premium as a plain decimal number: 25 per cent is 0.25."""
        parts = 100 if self.unit is LoadingUnit.PERCENT else 1000
        return format((Decimal(self.value) / parts).normalize(), "f")

    @property
    def words(self) -> LocalizedText:
        sign = f"{self.value}{'%' if self.unit is LoadingUnit.PERCENT else '‰'}"
        return LocalizedText(f"Extra premium {sign}", f"加费{sign}")


def _loads(text: str) -> str:
    return str(Loading.of(text))


LoadingText = Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,2})? (percent|per_mille)$"), AfterValidator(_loads)]
"""An extra premium as it stands in a file: `25 percent`."""


@dataclass(frozen=True, slots=True)
class KeyFacts(Record):
    """The facts of O13-08 and O13-12: what must be visible on the product page without opening anything.

    `surrender` says what ending early costs, `surrender_how` the papers it needs and how long it takes (SCM-11);
    `reinstatement` when cover stops because a premium was not paid, and how it begins again (SCM-07).
    """

    cooling_off_days: Days | None = None
    waiting_days: Days | None = None
    grace_days: Days | None = None
    term: Text | None = None
    renewal: Text | None = None
    renewal_guaranteed: bool = False
    cash_value: Text | None = None
    surrender: Text | None = None
    surrender_how: Annotated[Text | None, WHERE_SAID] = None
    reinstatement: Annotated[Text | None, WHERE_SAID] = None
    claim_how: Text | None = None
    how_to_pay: Text | None = None
    delivery: Text | None = None
    fully_online: bool | None = None


@dataclass(frozen=True, slots=True)
class Term(Record):
    """How long the cover lasts: `length` units, or as many as the risk's `factor` says."""

    unit: TermUnit
    length: Annotated[int, Field(ge=1, le=1200)] | None = None
    factor: str | None = None

    def units(self, risk: Risk) -> int:
        return int(risk[self.factor]) if self.factor is not None else self.length or 1

    def end_of(self, start_on: date, risk: Risk) -> date:
        """The day after the last day of cover: cover ends at 00:00 of it."""
        units = self.units(risk)
        return start_on + timedelta(days=units) if self.unit is TermUnit.DAY else add_years(start_on, units)


@dataclass(frozen=True, slots=True)
class EarlyEnd(Record):
    """The cash value: what a customer has back who ends the contract early, in per cent. Either `of_unused`, of the
    premium for the days that are left (N108-09), or `of_paid`, of all premiums paid, after no whole year of cover,
    after one, and so on; the last stands for all years after it, and in the last year of cover there may be nothing.
    Before cover begins it may be everything.
    """

    of_unused: Annotated[Percent | None, WHERE_SAID] = None
    of_paid: Annotated[tuple[Percent, ...], Field(max_length=120), WHERE_SAID] = ()
    nothing_in_last_year: Annotated[bool, WHERE_SAID] = False
    whole_before_start: Annotated[bool, WHERE_SAID] = False

    @property
    def is_said(self) -> bool:
        return self.of_unused is not None or bool(self.of_paid)

    @property
    def words(self) -> LocalizedText:
        """The same in sentences."""
        said = [_of_unused(self.of_unused) if self.of_unused is not None else _of_paid(self.of_paid)]
        if self.nothing_in_last_year:
            said.append(LocalizedText("Nothing in the last year of cover.", "最后一个保单年度不退还。"))
        if self.whole_before_start:
            said.append(LocalizedText("Everything before cover begins.", "保障开始前全额退还。"))
        return LocalizedText(" ".join(each.en for each in said), "".join(each.in_("zh") for each in said))


def _of_unused(percent: str) -> LocalizedText:
    if not Decimal(percent):
        return LocalizedText("Nothing once cover has begun.", "保障开始后不退还。")
    return LocalizedText(
        f"{percent}% of the premium for the days that are left.", f"按未经过天数退还对应保险费的{percent}%。"
    )


def _of_paid(percents: tuple[str, ...]) -> LocalizedText:
    last = len(percents) - 1
    english, chinese = [], []
    for years, percent in enumerate(percents):
        later = (" and later", "及以后") if years == last else ("", "")
        when = f"after {years} year{'s' if years > 1 else ''}{later[0]}" if years else "in the first year of cover"
        english.append(f"{when} {percent}%")
        chinese.append(f"满{years}年{later[1]}{percent}%" if years else f"首个保单年度{percent}%")
    return LocalizedText(f"Of all premiums paid: {', '.join(english)}.", f"退还已交保险费的：{'，'.join(chinese)}。")


@dataclass(frozen=True, slots=True)
class Question(Record):
    """A yes-or-no question of the application (T26-19) and what the guideline says to either answer.

    `condition` is what is asked about, `lookback` how far back, `threshold` from when it counts, `covers` the covers it
    bears on. An outcome that changes the terms says how: `loading` the extra premium, `exclusion` the code of one of
    the product's declared exclusions, `postpone_days` how long the insurer wants to wait. `reason` is for the customer,
    `reason_code` for the insurer's own books.
    """

    id: Code
    text: Text
    condition: Text | None = None
    lookback: Text | None = None
    threshold: Text | None = None
    covers: tuple[str, ...] = ()
    kind: Annotated[str, Field(pattern="^yes_no$")] = "yes_no"
    on_yes: Outcome = Outcome.REFER
    on_no: Outcome = Outcome.ACCEPT
    reason: Text | None = None
    loading: Annotated[LoadingText | None, WHERE_SAID] = None
    exclusion: Annotated[Code | None, WHERE_SAID] = None
    postpone_days: Annotated[Annotated[int, Field(ge=1, le=3650)] | None, WHERE_SAID] = None
    reason_code: Annotated[Code | None, WHERE_SAID] = None


@dataclass(frozen=True, slots=True)
class DocumentRef(Record):
    """A document of the insurer, by the hash of its bytes."""

    kind: DocumentKind
    locale: Annotated[str, Field(pattern="^(en|zh_Hans_CN)$")]
    title: str
    file: str
    media_type: Annotated[str, Field(pattern="^(text/markdown|application/pdf)$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: int


@dataclass(frozen=True, slots=True)
class ProductInformation(Record):
    """What the insurance product information document says beside covers, exclusions and how to pay (Regulation (EU)
    2017/1469, articles 4 and 6): `about` the type of insurance, `where` one is covered, `obligations`, when the cover
    starts and ends, how to `cancel`. `restrictions` are those that no exclusion or deductible says. Where there are
    several, each stands on a line of its own.
    """

    about: Text
    where: Text
    obligations: Text
    start_and_end: Text
    cancel: Text
    restrictions: Text | None = None


@dataclass(frozen=True, slots=True)
class Commission(Record):
    """What the insurer pays the marketplace, in hundredths of a per cent. Never an input to ranking."""

    basis_points: Annotated[int, Field(ge=0, le=10_000)]


@dataclass(frozen=True, slots=True)
class GuidelineRule:
    """One row of the underwriting guideline."""

    question_id: str
    on_yes: Outcome
    on_no: Outcome
    reason: LocalizedText | None
    loading: Loading | None = None
    exclusion: Exclusion | None = None
    postpone_days: int | None = None
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class RowValue:
    """The words of one comparison row for one product; several items where the row is a list."""

    row: Row
    items: tuple[LocalizedText, ...]


@dataclass(frozen=True, slots=True)
class ProductContent(Record):
    """Everything an insurer says about one product version, tariff and effective range aside."""

    code: Code
    line: Line
    profile: Profile
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    marketing_name: Text
    summary: Text
    payment: Payment
    term: Term
    clause_name: Text | None = None
    filing_no: str = ""
    clause_code: str = ""
    target_market: Text | None = None
    not_for: Text | None = None
    eligibility: Mapping[str, Allowed] = field(default_factory=dict)
    limits: tuple[SumLimit, ...] = ()
    covers: tuple[Cover, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    key_facts: KeyFacts = field(default_factory=KeyFacts)
    facts: Mapping[str, Text] = field(default_factory=dict)
    services: Mapping[ServiceKind, tuple[ServiceMode, ...]] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    documents: tuple[DocumentRef, ...] = ()
    information: ProductInformation | None = None
    commission: Commission | None = None
    carve_outs: Annotated[tuple[Exclusion, ...], WHERE_SAID] = ()
    """Declared texts of which underwriting may add one to a contract; none of them holds unless it was added."""
    early_end: Annotated[EarlyEnd | None, WHERE_SAID] = None
    tariff_published: bool = False
    """Whether anybody may have the whole tariff; the cells of an offer are shown to whoever has the offer anyway."""

    @property
    def definition(self) -> LineDefinition:
        return LINES[self.line]

    @property
    def name(self) -> LocalizedText:
        return self.marketing_name

    @property
    def guideline(self) -> tuple[GuidelineRule, ...]:
        declared = {each.code: each for each in self.carve_outs}
        return tuple(
            GuidelineRule(
                each.id,
                each.on_yes,
                each.on_no,
                each.reason,
                Loading.of(each.loading) if each.loading else None,
                declared.get(each.exclusion or ""),
                each.postpone_days,
                each.reason_code,
            )
            for each in self.questions
        )

    @property
    def frequencies(self) -> tuple[Frequency, ...]:
        """How often the premium can be paid: one, or those among which a customer chooses."""
        chosen, asked = self.payment.frequency_factor, self.definition.frequency_factor
        if chosen is None or chosen != asked:
            return (self.payment.frequency,) if self.payment.frequency else ()
        values = self.definition.factor(chosen).eligible(self.eligibility.get(chosen))
        return tuple(Frequency(str(value)) for value in values)

    @property
    def paid_regularly(self) -> bool:
        return self.frequencies != (Frequency.SINGLE,)

    @property
    def accepted(self) -> Mapping[str, Allowed]:
        """What is insured, factor by factor: what the product says, and that a product with one frequency is not for
        somebody who chose another. What is paid once concerns nobody who chooses how often a regular premium is paid.
        """
        asked, only = self.definition.frequency_factor, self.payment.frequency
        if asked is None or only in (None, Frequency.SINGLE):
            return self.eligibility
        return {**self.eligibility, asked: Allowed(values=(only.value,))}

    @property
    def limited_covers(self) -> tuple[Cover, ...]:
        """The covers of the contract of which the customer bears a part, or which a limit of their own lessens."""
        return tuple(each for each in self.covers if not each.optional and (each.deductible or each.sub_limit))

    @property
    def death_cover_of_children(self) -> tuple[str, str] | None:
        """The factors for age and for the sum paid on death, where the law of the profile limits that sum for minors
        (保监发〔2015〕90号); else None.
        """
        line = self.definition
        if self.profile is not Profile.CN_PERSONAL or line.age_factor is None or line.death_factor is None:
            return None
        return line.age_factor, line.death_factor

    def most_on_death(self, age: int) -> int | None:
        """The most, in yuan, that the death of an insured of this age may pay by all insurers together; None: any."""
        limits = () if self.death_cover_of_children is None else CHILDREN
        return next((most for below, most in limits if age < below), None)

    @property
    def insures_children(self) -> bool:
        """Whether a child may be insured for whom that is limited."""
        if (factors := self.death_cover_of_children) is None:
            return False
        age = self.definition.factor(factors[0])
        return any(self.most_on_death(int(value)) for value in age.eligible(self.accepted.get(age.name)))

    def document(self, kind: DocumentKind, locale: str) -> DocumentRef | None:
        """The document of that kind in `locale`, else in any language, else None."""
        found = [each for each in self.documents if each.kind is kind]
        return next((each for each in found if each.locale == locale), found[0] if found else None)

    def comparison(self) -> tuple[RowValue, ...]:
        """The non-price rows in the order of the line; the same rows for every product of it."""
        return tuple(RowValue(row, self._row(row)) for row in self.definition.rows)

    def _row(self, row: Row) -> tuple[LocalizedText, ...]:
        facts = self.key_facts
        match row.source:
            case RowSource.FACT:
                return (self.facts.get(row.key, NOT_STATED),)
            case RowSource.EXCLUSIONS:
                return tuple(each.title for each in self.exclusions) or (NOT_STATED,)
            case RowSource.QUESTIONS:
                return (LocalizedText(str(len(self.questions)), f"{len(self.questions)}项"),)
            case RowSource.PAYING:
                return (*(each.words for each in self.frequencies), *(each.words for each in self.payment.methods))
            case RowSource.WAITING:
                return (_days(facts.waiting_days, "", ""),)
            case RowSource.COOLING_OFF:
                return (_days(facts.cooling_off_days, ", full refund", "，全额退还保险费"),)
            case RowSource.GRACE:
                return (_days(facts.grace_days, " of grace", "宽限期"),)

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ProductContent":
        return _adapter().validate_python(data)

    @property
    def sha256(self) -> str:
        return digest(self.to_json())


NOT_STATED = LocalizedText("not stated", "未说明")


def _days(days: int | None, en: str, zh: str) -> LocalizedText:
    if days is None:
        return NOT_STATED
    if days == 0:
        return LocalizedText("none", "无")
    return LocalizedText(f"{days} {'day' if days == 1 else 'days'}{en}", f"{days}天{zh}")


@cache
def _adapter() -> TypeAdapter[ProductContent]:
    return TypeAdapter(ProductContent)


def read_content(data: bytes) -> ProductContent:
    """The content in a JSON document, read strictly. Raises pydantic.ValidationError with every fault."""
    return _adapter().validate_json(data, strict=True)


def content_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `ProductContent`."""
    return _adapter().json_schema()
