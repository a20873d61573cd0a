"""Contracts with everything filled in that a test does not care about."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from marketplace.accounts.values import Insurer
from marketplace.catalog import queries as catalog_queries
from marketplace.catalog import services as catalog
from marketplace.catalog.values import (
    LINES,
    Commission,
    Cover,
    DocumentKind,
    DocumentRef,
    EarlyEnd,
    Exclusion,
    Frequency,
    KeyFacts,
    Line,
    Payment,
    ProductContent,
    ProductVersion,
    Profile,
    ServiceKind,
    ServiceMode,
    Term,
    TermUnit,
)
from marketplace.infra.letterhead import Letterhead
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.ids import new_id
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText as Words
from marketplace.policy.values import IssuePolicy, PersonRole, PolicyPerson, PremiumLine
from marketplace.traceability.values import SYSTEM
from tests.factories import accounts
from tests.factories.traceability import a_journey

AGENCY = Letterhead("http://localhost:8000", "service@evenfold.example", "", demonstration=True)
RISK = {
    "age": 35,
    "sex": "female",
    "smoker": False,
    "sum_insured": 1_000_000,
    "term_years": 20,
    "occupation_class": 1,
    "region": "shanghai",
}


CLAUSES, SUMMARY = b"# Clauses", b"# Product summary"


def _paper(kind: DocumentKind, title: str, data: bytes) -> DocumentRef:
    return DocumentRef(kind, "en", title, f"{kind}.md", "text/markdown", sha256_hex(data), len(data))


def a_published_version(insurer_id: UUID, **changes: Any) -> ProductVersion:
    """The product on sale. Commits nothing."""
    papers = {sha256_hex(data): data for data in (CLAUSES, SUMMARY)}
    return catalog.publish_version(
        insurer_id,
        a_content(**changes),
        papers,
        effective_from=date(2026, 1, 1),
        effective_to=None,
        actor=SYSTEM,
    )


def a_contract(insurer: Insurer | None = None, email: str = "zhang@customer.example", **changes: Any) -> IssuePolicy:
    """A command whose insurer, product, customer and journey are really there. Commits nothing."""
    insurer = insurer or accounts.an_insurer()
    version = catalog_queries.products_of_insurer(insurer.id)
    parts: dict[str, Any] = {
        "insurer_id": insurer.id,
        "product_version_id": version[0].id if version else a_published_version(insurer.id).id,
        "account_id": accounts.a_guest(email).id,
        "journey_id": a_journey(),
    }
    return a_command(**(parts | changes))


def a_content(**changes: Any) -> ProductContent:
    """A term life product of twenty years with one cover, one optional cover and two exclusions."""
    content = ProductContent(
        code="harbour-term",
        line=Line.TERM_LIFE,
        profile=Profile.CN_PERSONAL,
        currency="CNY",
        marketing_name=Words("Harbour Term 20", "港湾定期寿险"),
        summary=Words("Pays your family once.", "一次性给付家人。"),
        payment=Payment(Frequency.YEARLY, times_factor="term_years"),
        term=Term(TermUnit.YEAR, factor="term_years"),
        clause_name=Words("Harbour Term Life Insurance Clauses", "港湾互联网定期寿险条款"),
        filing_no="HARB-2026-011",
        clause_code="C-011",
        covers=(
            Cover(
                "death",
                Words("Death", "身故"),
                Words("Pays the sum insured once.", "一次性给付保险金额。"),
                Words("the sum insured", "保险金额"),
                limit_factor="sum_insured",
                waiting_days=90,
            ),
            Cover("waiver", Words("Waiver", "豁免"), Words("No premium", "免交"), Words("all", "全部"), optional=True),
        ),
        exclusions=(
            Exclusion("suicide", Words("Suicide within two years", "两年内自杀"), Words("Not paid.", "不赔。"), "2.3"),
            Exclusion("war", Words("War", "战争"), Words("Not paid.", "不赔。"), "2.4"),
        ),
        key_facts=KeyFacts(
            cooling_off_days=15,
            waiting_days=90,
            grace_days=60,
            term=Words("Twenty years", "二十年"),
            renewal=Words("It ends with its term.", "期满终止。"),
            cash_value=Words("None in the first year.", "首年没有。"),
            surrender=Words("You get the cash value.", "退还现金价值。"),
            surrender_how=Words("Apply online; within 30 days.", "在线申请，30日内办理。"),
            reinstatement=Words("Within two years.", "两年内。"),
            claim_how=Words("Online or by telephone.", "在线或电话。"),
            how_to_pay=Words("By card, once a year.", "每年刷卡。"),
            delivery=Words("By e-mail.", "电子邮件。"),
            fully_online=True,
        ),
        early_end=EarlyEnd(of_paid=("0", "10", "20"), nothing_in_last_year=True),
        target_market=Words("Families.", "家庭。"),
        facts={row.key: Words(row.key, row.key) for row in LINES[Line.TERM_LIFE].rows},
        services=dict.fromkeys(ServiceKind, (ServiceMode.ONLINE, ServiceMode.PHONE)),
        commission=Commission(1000),
        documents=(
            _paper(DocumentKind.CLAUSES, "Clauses", CLAUSES),
            _paper(DocumentKind.PRODUCT_SUMMARY, "Product summary", SUMMARY),
        ),
    )
    return replace(content, **changes)


def an_insurer(**changes: Any) -> Insurer:
    insurer = Insurer(
        id=new_id(),
        code="harbour",
        legal_name=Words("Harbour Life Insurance Co.", "港湾人寿保险有限公司"),
        short_name=Words("Harbour Life", "港湾人寿"),
        licence_no="L-0001",
        phone="400-000-0001",
        email="service@harbour.example",
        colour="#0c6b64",
        mark="H",
        regions=(),
        fictional=True,
        active=True,
    )
    return replace(insurer, **changes)


def a_command(**changes: Any) -> IssuePolicy:
    """A contract of ¥1,284.00 for one person who insures herself, from 1 March 2027 on."""
    command = IssuePolicy(
        application_id=new_id(),
        order_id=new_id(),
        journey_id=new_id(),
        account_id=new_id(),
        insurer_id=new_id(),
        product_version_id=UUID(int=7),
        locale="en",
        risk=RISK,
        start_on=date(2027, 3, 1),
        persons=(
            PolicyPerson(PersonRole.APPLICANT, "Zhang Wei", date(1991, 5, 4)),
            PolicyPerson(PersonRole.INSURED, "张伟", date(1991, 5, 4), Words("the applicant", "本人")),
        ),
        premium_lines=(
            PremiumLine(Words("Risk premium", "风险保费"), "risk", Money(100_000, "CNY")),
            PremiumLine(Words("Costs", "费用"), "cost", Money(28_400, "CNY")),
        ),
        premium=Money(128_400, "CNY"),
    )
    return replace(command, **changes)
