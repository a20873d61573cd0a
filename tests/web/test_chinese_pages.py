"""Whoever reads Chinese meets Chinese on every page, in every mail and on the policy: no English sentence is left over.

What stays in Latin letters is listed in `STAYS`, with names, addresses, codes and hashes.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.catalog.values import LINES, Factor, FactorKind, Line
from marketplace.correspondence.document import Envelope, compose, take_apart
from marketplace.correspondence.values import MessageKind
from marketplace.infra import backup
from marketplace.infra.db import db
from marketplace.infra.formatting import use_locale
from marketplace.kernel import errors
from marketplace.kernel.text import LocalizedText
from marketplace.policy import queries as policies
from marketplace.policy.document import Facing, paper
from marketplace.web import error_pages
from sandbox.demo.visitor import Visitor
from tests.factories.accounts import PASSWORD, a_member_of_staff, an_insurer
from tests.factories.catalog import CATALOGS, catalog_files, published
from tests.factories.correspondence import CONTEXTS
from tests.web.conftest import ANSWERS, go_on, step_of
from tests.web.desk_visits import ILL, LI_NA, links, sign_in

NAMESPACE = "{http://www.w3.org/1999/xhtml}"
READ_ALOUD = ("aria-label", "title", "alt", "placeholder")
NOT_READ = {"script", "style", "code", "iframe", "head"}
# Names that are the same in Chinese: the site and its providers, formats, and what this test's people are called.
STAYS = {
    "English", "mmHg", "SPECIMEN", "SHA", "PDF", "Stripe", "Evenfold", "UTF", "Firefox", "Linux", "Python", "OpenAPI",
    "Visa", "Li", "Na", "Wang", "Fang", "Zhang", "Wei", "Staff",
}  # fmt: skip
ADDRESS = r"https?://\S+|\S+@[\w.-]+|[\w.-]+\.(?:example|com|cn|pdf)\b"
REFERENCE = (
    r"\b[A-Z0-9]+(?:[-/.][A-Z0-9]+)+\b|\b(?=[A-Z]*[0-9])[A-Z0-9]+\b|\b[A-Z0-9]{8}\b"
    r"|\b[0-9a-f]{8,}\b|\b[A-Z]{1,3}\b"
)
VERSIONED = r"\b[a-z]+(?:[-_/][a-z]+)*[-_/][0-9]+\b"
NAMED = re.compile(f"{ADDRESS}|{REFERENCE}|{VERSIONED}", re.ASCII)
WORD = re.compile(r"[A-Za-z][A-Za-z’'-]+")


def english_in(text: str) -> list[str]:
    """The English words of a text that have no reason to be there."""
    return [word for word in WORD.findall(NAMED.sub(" ", text)) if word not in STAYS]


def english_on(page: str) -> list[str]:
    """The same of what a page shows or has read aloud; what says of itself that it is English, or a name, may be so."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=True)
    return [word for text in _texts(parser.parse(page)) for word in english_in(text)]


def _texts(element: Element) -> Iterator[str]:
    name = str(element.tag).removeprefix(NAMESPACE)
    if name == "head":
        yield element.findtext(f"{NAMESPACE}title") or ""
    meant = element.get("lang") == "en" or element.get("translate") == "no"
    if name not in NOT_READ and not meant and isinstance(element.tag, str):
        yield element.text or ""
        yield from (element.get(each, "") for each in READ_ALOUD)
        for child in element:
            yield from _texts(child)
            yield child.tail or ""


@dataclass
class Reader(Visitor):
    """A visitor who reads Chinese, and reads every page that is shown."""

    locale: str = "zh_Hans_CN"

    def get(self, path: str) -> str:
        return self.read(super().get(path))

    def post(self, fields: Mapping[str, str], path: str | None = None) -> str:
        return self.read(super().post(fields, path))

    def read(self, page: str) -> str:
        assert english_on(page) == [], f"{self.at} ({self.status})"
        return page


@pytest.fixture
def reader(shop: Flask, client: FlaskClient) -> Reader:
    return Reader(client)


@pytest.fixture
def every_catalog(shop: Flask) -> Flask:
    """All products of the demonstration on sale, beside Harbour Term."""
    with shop.app_context():
        for folder in sorted(CATALOGS.iterdir()):
            if folder.name != "harbour":
                names = LocalizedText(folder.name.title(), "演示保险公司")
                published(an_insurer(folder.name, legal_name=names, short_name=names), catalog_files(folder.name))
        db.session.commit()
    return shop


def first_answers(line: Line) -> dict[str, str]:
    return {factor.name: _an_answer(factor) for factor in LINES[line].factors}


def _an_answer(factor: Factor) -> str:
    if factor.choices:
        return str(factor.choices[0].value)
    return "no" if factor.kind is FactorKind.BOOLEAN else str(max(factor.minimum or 0, 30))


def test_comparing_and_reading(every_catalog: Flask, reader: Reader) -> None:
    home = reader.get("/")
    lines = [Line(path.rsplit("/", 1)[1]) for path in links(home, r"/compare/[a-z_]+")]
    assert lines == [Line.TERM_LIFE, Line.TRAVEL, Line.HOUSEHOLD, Line.HOSPITAL, Line.ACCIDENT]
    for line in lines:
        reader.get(f"/compare/{line}")
        assert "请填写此项" in reader.post({})
        offers = reader.compare(line, first_answers(line))
        assert offers, line
        for offer in offers:
            product = reader.get(offer)
            for document in links(product, r"/documents/[0-9a-f-]+/read"):
                reader.client.get(document)
    reader.compare("term_life", ANSWERS | {"age": "65", "term_years": "30"})
    assert "不能投保" in reader.text
    for path in ("/how-we-rank", "/disclosure", "/what-we-record", "/privacy", "/verify/evidence", "/nowhere"):
        reader.get(path)


def test_answers_that_do_not_fit(reader: Reader) -> None:
    reader.get("/compare/term_life")
    reader.post(ANSWERS | {"age": "seventeen", "sex": "other", "start_on": "soon"})
    for words in ("请填写整数", "请从给出的选项中选择", "请填写日期"):
        assert words in reader.text
    reader.post(ANSWERS | {"age": "17", "start_on": "2020-01-01"})
    assert "18至65" in reader.text
    reader.post(ANSWERS | {"start_on": "2020-01-01"})
    assert "一年之内" in reader.text


def test_buying(shop: Flask, reader: Reader, work: Callable[[], list[str]], code_for: Callable[[str], str]) -> None:
    reader.get("/")
    reader.enter(reader.compare("term_life", ANSWERS)[0])
    for wrong in ({"email": ""}, {"email": "nobody"}, {"email": "x" * 300}):
        reader.post(wrong)
    go_on(reader, "code", LI_NA, code_for)
    reader.post({"code": "000000"})
    go_on(reader, "people", LI_NA, code_for)
    people = {"applicant_name": "L" * 81, "applicant_birth_on": "soon", "relationship": "neighbour", "mobile": "x"}
    reader.post(people)
    reader.post({"applicant_name": "Li Na", "applicant_birth_on": "2012-01-01", "relationship": "self", "mobile": "x"})
    child = {"applicant_name": "Li Na", "applicant_birth_on": "2012-01-01", "relationship": "self", "new_age": "14"}
    reader.post(child)
    for step in ("identity", "questions", "documents", "exclusions", "review"):
        go_on(reader, step, LI_NA, code_for)
        reader.post({})
    go_on(reader, "pay", LI_NA, code_for)
    reader.get(f"{reader.at}?cancelled=1")
    assert reader.pay() is True
    assert step_of(reader.at) == "done"
    work()
    reader.get(reader.at)
    reader.get("/account")
    reader.get(links(reader.text, r"/policies/[0-9a-f-]+")[0])
    with shop.app_context():
        policy = policies.policy(UUID(reader.at.rsplit("/", 1)[1]))
    facing = Facing(policy.check_code, "https://evenfold.example", "https://evenfold.example", "衡页保险代理", "", None)
    assert english_in(" ".join(_strings(paper(policy.body, facing, policy.locale)))) == []
    reader.get(f"/verify?number={policy.number}&code={policy.check_code}")
    assert "该保单由本站出具" in reader.post({"number": policy.number, "code": policy.check_code})
    assert "没有与此" in reader.post({"number": policy.number, "code": "WRONG"})
    inbox = reader.get("/inbox")
    for mail in links(inbox, r"/inbox/[0-9a-f-]+"):
        reader.get(mail)


def _strings(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            if key not in {"iso", "code", "key", "kind", "locale", "sha256", "currency", "documents", "qr", "page"}:
                yield from _strings(value)
    elif isinstance(data, list | tuple):
        for each in data:
            yield from _strings(each)


def test_an_application_that_goes_to_the_insurer(
    reader: Reader, work: Callable[[], list[str]], code_for: Callable[[str], str]
) -> None:
    reader.get("/")
    reader.enter(reader.compare("term_life", ANSWERS)[0])
    go_on(reader, "questions", ILL, code_for)
    reader.answer(ILL)
    assert reader.submit() == "ended"
    assert "人工核保" in reader.text
    work()
    reader.get("/inbox")
    reader.get("/account")


def test_the_account(
    reader: Reader, work: Callable[[], list[str]], code_for: Callable[[str], str], link_for: Callable[[str, str], str]
) -> None:
    reader.get("/register")
    for wrong in ({}, {"name": "", "email": "nobody", "password": "short"}, {"password": "aaaaaaaaaaaaaa"}):
        reader.post({"name": "Li Na", "email": LI_NA.email, "password": PASSWORD} | wrong if wrong else {})
    reader.post({"name": "Li Na", "email": LI_NA.email, "password": PASSWORD})
    reader.get(link_for(LI_NA.email, "confirm_address"))
    reader.post({"password": "not the right one"})
    reader.post({"password": PASSWORD})
    assert "我的保单" in reader.text
    reader.post({}, "/sign-out")
    reader.get("/sign-in")
    reader.post({"email": LI_NA.email, "password": "not the right one"})
    reader.get("/reset")
    reader.post({"email": LI_NA.email})
    reader.get(link_for(LI_NA.email, "password_reset"))
    reader.post({"password": "password1234"})
    reader.get("/find")
    reader.post({"email": LI_NA.email})
    reader.post({"code": "000000"})
    reader.post({"code": code_for(LI_NA.email)})
    assert reader.at == "/account"


def test_the_desks(shop: Flask, reader: Reader, work: Callable[[], list[str]], code_for: Callable[[str], str]) -> None:
    reader.get("/")
    reader.enter(reader.compare("term_life", ANSWERS)[0])
    go_on(reader, "pay", LI_NA, code_for)
    assert reader.pay() is True
    work()
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
        staff = [a_member_of_staff(Role.ADMIN_SALES), a_member_of_staff(Role.INSURER_ADMIN, insurer)]
        db.session.commit()
    for account, desk in zip(staff, ("/admin", "/insurer"), strict=True):
        at_desk = Reader(shop.test_client())
        sign_in(shop, at_desk, account)
        sales = at_desk.get(desk)
        assert "保单已发送" in sales
        at_desk.get(links(sales, rf"{desk}/sales/[0-9a-f-]+")[0])
        at_desk.post({"reason": ""})
        sale = at_desk.post({"reason": "客户投诉"})
        assert "打开销售档案" not in sale
        for page in links(sale, rf"{desk}/sales/[0-9a-f-]+/pages/[0-9a-f-]+"):
            at_desk.get(page)
        at_desk.get(f"{desk}?since=2027-01-02&until=2027-01-01&state=nothing&line=nothing")
        at_desk.get(f"{desk}?text=nothing")
    at_desk.get("/insurer/products")


@pytest.mark.parametrize("kind", list(MessageKind))
def test_mails(app: Flask, kind: MessageKind) -> None:
    names = {
        "product_name": "港湾定期寿险",
        "insurer_name": "港湾人寿",
        "applicant_name": "林月",
        "insured_name": "王军",
        "line_name": "定期寿险",
        "valid_until": "2026年12月6日",
    }
    context = CONTEXTS[kind] | {name: words for name, words in names.items() if name in CONTEXTS[kind]}
    sender, now = "Evenfold <service@evenfold.example>", datetime(2026, 11, 22, 4, tzinfo=UTC)
    letter = Envelope(kind, sender, LI_NA.email, "<42@evenfold.example>", now, "zh_Hans_CN")
    mail = take_apart(compose(letter, context, ())[1])
    assert english_in(mail.subject) == []
    assert english_in(mail.text) == []
    assert english_on(mail.html) == []


# Raised where no page is being made: while catalogs come in, by jobs, by the command line, or caught by their page.
NOT_ON_A_PAGE = {
    "accounts:code-refused", "accounts:factor-refused", "accounts:factor-tries-used-up",
    "accounts:insurer-exists", "accounts:last-factor", "accounts:link-needed", "accounts:not-a-customers-account",
    "accounts:payee-mismatch",
    "accounts:sign-in-refused", "accounts:too-many-tries", "application:contract-kept",
    "application:document-not-opened", "disclosure:starts-too-soon",
    "catalog:rates-only-refused", "checkout:mixed-currencies", "checkout:no-method-in-common",
    "checkout:nothing-ordered", "correspondence:not-resendable", "document:unprintable",
    "infra:backup-running", "infra:backup-unfit", "infra:not-empty", "infra:program-failed",
    "listing:rate-card-name-taken", "listing:upload-has-findings", "mail:refused", "payment:forged-event",
    "policy:ended", "policy:in-force",
    "policy:not-for-sale", "rating:risk-out-of-range",
    "servicing:not-surrenderable", "servicing:not-withdrawable", "servicing:value-changed",
    "traceability:recording-closed", "traceability:reviewer-needed", "transition:refused",
}  # fmt: skip


def test_every_refusal_that_a_page_can_meet_has_words(app: Flask) -> None:
    """What is missing or does not answer is said by the page of its family; a refusal says what is refused."""
    assert backup.__name__ in sys.modules, "what commands refuse is known, whichever tests ran before"
    refusals = {each.code: each for family in (errors.Conflict, errors.Refused) for each in _below(family)}
    with use_locale("zh_Hans_CN"):
        said = {code: error_pages.words_of(each.__new__(each)) for code, each in refusals.items()}
    assert {code for code, words in said.items() if not words} == NOT_ON_A_PAGE
    assert [words for words in said.values() if english_in(words)] == []


def _below(family: type[errors.MarketplaceError]) -> Iterator[type[errors.MarketplaceError]]:
    for each in family.__subclasses__():
        if each.__module__.startswith("marketplace."):
            yield each
            yield from _below(each)
