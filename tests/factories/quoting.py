"""Products to quote: complete contents, one-step tariffs, needs. Whatever a test does not care about is filled in."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from marketplace.accounts.values import Insurer
from marketplace.catalog import services as catalog
from marketplace.catalog.values import (
    LINES,
    Allowed,
    Commission,
    Cover,
    Document,
    DocumentKind,
    DocumentRef,
    EarlyEnd,
    Exclusion,
    Frequency,
    KeyFacts,
    Line,
    Outcome,
    Payment,
    PaymentMethod,
    ProductContent,
    ProductInformation,
    ProductVersion,
    Profile,
    Question,
    Scalar,
    ServiceKind,
    ServiceMode,
    Term,
    TermUnit,
)
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.text import LocalizedText
from marketplace.quoting import services as quoting
from marketplace.quoting.queries import offers_for
from marketplace.quoting.values import Need, NeedRequest, OfferView
from marketplace.rating import services as rating
from marketplace.rating.values import Add, Instalment, LineKind, Tariff, Tax
from marketplace.traceability.values import SYSTEM
from tests.factories.traceability import a_journey

START_ON = date(2026, 12, 1)


def words(text: str) -> LocalizedText:
    return LocalizedText(text, f"（{text}）")


PAPERS = {
    (DocumentKind.CLAUSES, "en"): b"# Clauses\n\n1. We pay.",
    (DocumentKind.CLAUSES, "zh_Hans_CN"): "# 条款".encode(),
    (DocumentKind.OTHER, "en"): b"# Help on the way",
}
DOCUMENT_BYTES = {sha256_hex(each): each for each in PAPERS.values()}
DOCUMENTS = tuple(
    DocumentRef(kind, locale, f"{kind}", f"{kind}.{locale}.md", "text/markdown", sha256_hex(each), len(each))
    for (kind, locale), each in PAPERS.items()
)
EXCLUSIONS = (
    Exclusion("war", words("War"), words("Nothing is paid for loss by acts of war."), "Clause 7.1"),
    Exclusion("intent", words("Intent"), words("Nothing is paid for loss you cause on purpose."), "Clause 7.2"),
)


def a_question(id_: str, on_yes: Outcome = Outcome.REFER, **changes: Any) -> Question:
    parts: dict[str, Any] = {
        "text": words(f"Were you treated for {id_} in the last two years?"),
        "condition": words(id_),
        "lookback": words("2 years"),
        "threshold": words("treated by a doctor"),
        "covers": ("main",),
        "on_yes": on_yes,
        "reason": words(f"{id_} has to be looked at"),
    }
    return Question(id=id_, **(parts | changes))


INFORMATION = ProductInformation(
    about=words("Travel insurance for one journey."),
    where=words("In Europe\nOn the way there and back"),
    obligations=words("Tell the truth.\nReport a loss soon.\n\nKeep the receipts."),
    start_and_end=words("From the first to the last day of the journey."),
    cancel=words("Within 14 days by mail or online."),
    restrictions=words("Nothing above the sum agreed."),
)
"""What a product says that has an information document (EU, UK)."""


def a_content(code: str = "plain", line: Line = Line.TRAVEL, **changes: Any) -> ProductContent:
    """A content with everything its profile demands."""
    parts: dict[str, Any] = {
        "profile": Profile.CN_NONLIFE,
        "currency": LINES[line].currency,
        "marketing_name": words(f"{code} cover"),
        "clause_name": words(f"{code} clauses"),
        "filing_no": "SPECIMEN-2026-1",
        "clause_code": "C-1",
        "summary": words("Pays what is agreed."),
        "target_market": words("Everybody on a journey."),
        "payment": Payment(Frequency.SINGLE, times=1),
        "term": Term(TermUnit.DAY, factor="days") if line is Line.TRAVEL else Term(TermUnit.YEAR, length=1),
        "covers": (Cover("main", words("Main cover"), words("The loss"), words("At most 1,000")),),
        "exclusions": EXCLUSIONS,
        "key_facts": KeyFacts(
            cooling_off_days=15,
            waiting_days=0,
            grace_days=0,
            term=words("The journey"),
            renewal=words("not guaranteed"),
            cash_value=words("none"),
            surrender=words("Any time"),
            surrender_how=words("Online, within 30 days"),
            reinstatement=words("Within two years"),
            claim_how=words("Online"),
            how_to_pay=words("Once, by card"),
            delivery=words("By mail"),
            fully_online=True,
        ),
        "early_end": EarlyEnd(of_unused="90"),
        "facts": {row.key: words(row.key) for row in LINES[line].rows},
        "services": dict.fromkeys(ServiceKind, (ServiceMode.ONLINE, ServiceMode.PHONE)),
        "documents": DOCUMENTS,
        "commission": Commission(1000),
    }
    return ProductContent(code=code, line=line, **(parts | changes))


def a_tariff(amount: str = "100.00", currency: str = "CNY", tax: str = "0.06") -> Tariff:
    """`amount` plus `tax` on it, whatever the risk."""
    return Tariff(
        currency=currency,
        rounding="half_up",
        steps=(
            Add("base", amount, LineKind.COVER, words("Cover")),
            Tax("tax", tax, words("Tax")),
        ),
    )


def a_content_with_choice(code: str = "parts", *frequencies: str, **changes: Any) -> ProductContent:
    """Term life for which a customer chooses how often to pay; of all frequencies unless some are named."""
    limited = {"payment_frequency": Allowed(values=frequencies)} if frequencies else {}
    methods = changes.pop("methods", (PaymentMethod.CARD,))
    paying = Payment(frequency_factor="payment_frequency", times_factor="term_years", methods=methods)
    return a_content(code, Line.TERM_LIFE, payment=paying, eligibility=limited, **changes)


def a_tariff_in_parts(charge: str = "0.03") -> Tariff:
    """1,200.00 a year, or its part of that with a charge for paying in parts."""
    parts = {"yearly": "1200.00", "half_yearly": "600.00", "quarterly": "300.00", "monthly": "100.00"}
    premiums = (
        Add(f"base_{name}", amount, LineKind.RISK, words("Risk"), when={"payment_frequency": (name,)})
        for name, amount in parts.items()
    )
    paid_in_parts = {"payment_frequency": tuple(parts)[1:]}
    return Tariff(
        currency="CNY",
        rounding="half_up",
        steps=(*premiums, Instalment("instalment", charge, words("Paid in parts"), when=paid_in_parts)),
    )


TRAVEL_RISK: dict[str, Scalar] = {"zone": "asia", "days": 10, "age": 34, "sports": False}
ACCIDENT_RISK: dict[str, Scalar] = {"age": 34, "occupation_class": 1, "sum_insured": 200_000, "region": "shanghai"}
TERM_LIFE_RISK: dict[str, Scalar] = {
    "age": 34, "sex": "female", "smoker": False, "sum_insured": 500_000, "term_years": 20, "occupation_class": 1,
    "region": "shanghai", "payment_frequency": "yearly",
}  # fmt: skip
HOUSEHOLD_RISK: dict[str, Scalar] = {
    "building_area": 90, "building_type": "brick", "contents_sum": 100_000, "let_out": False, "region": "shanghai",
}  # fmt: skip
HOSPITAL_RISK: dict[str, Scalar] = {
    "age": 34, "social_insurance": True, "deductible": 10_000, "region": "shanghai",
}  # fmt: skip
RISKS = {
    Line.TRAVEL: TRAVEL_RISK,
    Line.ACCIDENT: ACCIDENT_RISK,
    Line.TERM_LIFE: TERM_LIFE_RISK,
    Line.HOUSEHOLD: HOUSEHOLD_RISK,
    Line.HOSPITAL: HOSPITAL_RISK,
}


def a_document(kind: DocumentKind = DocumentKind.CLAUSES, locale: str = "en", text: str = "") -> Document:
    """A document that was never stored, for pure rules."""
    sha256 = sha256_hex((text or f"{kind} {locale}").encode())
    return Document(uuid4(), uuid4(), kind, locale, f"{kind} ({locale})", "text/markdown", 10, sha256)


def a_version(content: ProductContent | None = None, **changes: Any) -> ProductVersion:
    """A version that was never published, for pure rules."""
    content = content or a_content()
    parts: dict[str, Any] = {
        "id": uuid4(),
        "product_id": uuid4(),
        "insurer_id": uuid4(),
        "number": 1,
        "content": content,
        "content_sha256": content.sha256,
        "effective_from": date(2026, 1, 1),
        "effective_to": None,
        "published_at": datetime(2026, 1, 1, tzinfo=UTC),
        "withdrawn_at": None,
    }
    return ProductVersion(**(parts | changes))


def publish(
    insurer: Insurer, content: ProductContent | None = None, tariff: Tariff | None = None, **changes: Any
) -> ProductVersion:
    """A version on sale since 2026-01-01 with its tariff. Commits nothing."""
    content = content or a_content()
    version = catalog.publish_version(
        insurer.id,
        content,
        DOCUMENT_BYTES | changes.pop("documents", {}),
        effective_from=changes.pop("effective_from", date(2026, 1, 1)),
        effective_to=changes.pop("effective_to", None),
        actor=SYSTEM,
    )
    rating.store_tariff(version.id, tariff or a_tariff(currency=content.currency))
    return version


def a_need(journey_id: UUID | None = None, line: Line = Line.TRAVEL, **changes: Any) -> Need:
    """A comparison for `line` with the usual risk, cover from START_ON. Commits nothing."""
    risk = RISKS[line] | changes.pop("risk", {})
    start_on = changes.pop("start_on", START_ON)
    return quoting.request_quotes(NeedRequest(line, risk, start_on, journey_id or a_journey()))


def an_offer(journey_id: UUID | None = None, line: Line = Line.TRAVEL, **changes: Any) -> OfferView:
    """The first offer of such a comparison."""
    return offers_for(a_need(journey_id, line, **changes).id)[0]
