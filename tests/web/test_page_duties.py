"""What the law wants to be read on a page is read there: each page against the data of the product it is about."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from marketplace.accounts import queries as accounts
from marketplace.accounts import services as account_services
from marketplace.accounts.values import FactKind, Insurer, NewFact
from marketplace.application import queries as applications
from marketplace.application.rules import question_sha256
from marketplace.application.values import Step
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Cover, DocumentKind, Line, ProductContent, Profile
from marketplace.disclosure.values import AnnouncementKind
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText
from marketplace.oversight.values import Sale
from marketplace.traceability.queries import entries_of_application
from marketplace.traceability.values import EntryType
from marketplace.web.customer.road import ENDPOINTS
from marketplace.web.doors import ACCESS, PageClass
from marketplace.web.storefront.legal import ASSOCIATION
from sandbox.demo.visitor import CONFIRMED, Visitor, words
from tests.environment import ROOT
from tests.factories.accounts import an_insurer
from tests.factories.catalog import catalog_files, changed, published
from tests.factories.disclosure import an_announcement
from tests.factories.quoting import DOCUMENTS, RISKS, a_content, publish
from tests.factories.quoting import words as say
from tests.web.conftest import ANSWERS, LI_NA, NothingWritten, asked, go_on, go_one, step_of

AtStep = Callable[..., Visitor]
ON_THE_WAY = ("email", "code", "people", "identity", "questions", "documents", "exclusions", "review", "pay")
AGENCY = "Evenfold insurance agency"
OF_AN_APPLICATION = re.compile(r'name="(applicant_|insured_|relationship|mobile|declare|consent|notice)')
WITHOUT_AN_APPLICATION = ("/", "/compare/term_life", "/how-we-rank", "/disclosure", "/verify", "/insurers", "/sign-in")


def sold(shop: Flask) -> tuple[ProductContent, Insurer]:
    """The product that is on sale, and its insurer."""
    with shop.app_context():
        (version,) = catalog.on_sale(Line.TERM_LIFE, clock.today(ZONE))
        return version.content, accounts.insurer(version.insurer_id)


def unfolded(page: str) -> str:
    """What is read on a page without opening anything."""
    return words(re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL))


def of_the_page(visitor: Visitor) -> str:
    """Its main part."""
    return visitor.text.split("<main")[1].split("</main>")[0]


@pytest.fixture
def product_page(visitor: Visitor) -> str:
    return visitor.get(visitor.compare("term_life", ANSWERS)[0])


@pytest.mark.requirement("T26-10", "SCM-06")
def test_the_entry_page_says_what_begins_with_whom_and_goes_on_by_one_button(visitor: Visitor, shop: Flask) -> None:
    _content, insurer = sold(shop)
    visitor.get(visitor.compare("term_life", ANSWERS)[0])
    page = visitor.get(re.findall(r'href="(/apply/[^"]+)"', visitor.text)[0])
    said = unfolded(page)
    assert "recorded" in said
    assert insurer.legal_name.en in said
    assert AGENCY in said
    assert of_the_page(visitor).count("<button") == 1
    assert "data-refresh" not in page


@pytest.mark.requirement("T26-04")
def test_everything_from_the_entry_prompt_to_the_payment_is_a_sales_page() -> None:
    on_the_road = {*ENDPOINTS.values(), "application.enter", "application.ended", "checkout.returned"}
    assert {endpoint for endpoint in on_the_road if ACCESS[endpoint].page_class is not PageClass.SALES} == set()


@pytest.mark.requirement("T26-04", "T26-06")
@pytest.mark.parametrize("step", ON_THE_WAY)
def test_each_of_them_is_recorded(at_step: AtStep, shop: Flask, step: str) -> None:
    (application_id,) = re.findall(r"/application/([0-9a-f-]{36})/", at_step(step).at)
    with shop.app_context():
        entries = entries_of_application(applications.application(application_id).id)
    shown = entries[-1]
    names = {"documents": "application.document", "identity": "identity.prove", "pay": "checkout.pay"}
    assert shown.body["endpoint"] == names.get(step, f"application.{step}")
    assert shown.page_sha256 is not None


@pytest.mark.requirement("SCM-06")
@pytest.mark.parametrize("step", ON_THE_WAY)
def test_each_sales_page_names_insurer_and_agency(at_step: AtStep, shop: Flask, step: str) -> None:
    _content, insurer = sold(shop)
    page = at_step(step).text
    assert insurer.legal_name.en in words(page)
    assert AGENCY in words(page.split("<header")[1].split("</header>")[0]).replace("Even fold", "Evenfold")


@pytest.mark.requirement("T26-15", "T26-16", "T26-17")
def test_every_exclusion_stands_out_and_is_explained_on_a_page_of_its_own(at_step: AtStep, shop: Flask) -> None:
    content, _insurer = sold(shop)
    visitor = at_step("exclusions")
    assert visitor.text.count('name="confirm"') == 1
    assert visitor.text.count('<div class="exclusion"') == len(content.exclusions) > 0
    said = unfolded(visitor.text)
    for exclusion in content.exclusions:
        assert exclusion.title.en in said
        assert exclusion.plain_explanation is not None
        assert words(exclusion.plain_explanation.en) in said
    marked = re.search(r"\.exclusion[^}]*\{[^}]*border", (ROOT / "static" / "css" / "evenfold.css").read_text())
    assert marked, "a box of its own"


@pytest.mark.requirement("T26-16")
def test_what_one_bears_oneself_stands_in_boxes_beside_the_exclusions(
    shop: Flask, visitor: Visitor, code_for: Callable[[str], str]
) -> None:
    borne = Cover(
        "bills", say("Bills"), say("Bills"), say("1,000"), sub_limit=say("50 a day"), deductible=say("100 each")
    )
    whole = Cover("rescue", say("Rescue"), say("Rescue"), say("1,000"))
    extra = Cover("extra", say("Extra"), say("Extra"), say("1"), deductible=say("9 each"), optional=True)
    with shop.app_context():
        publish(an_insurer("trips"), a_content("trip", covers=(borne, whole, extra)))
        db.session.commit()
    visitor.get("/")
    visitor.enter(visitor.compare("travel", {"zone": "asia", "days": "10", "age": "34"})[0])
    go_on(visitor, "exclusions", LI_NA, code_for)
    (box,) = re.findall(r'<div class="exclusion borne".*?</div>', visitor.text, re.DOTALL)
    assert words(box.replace("<div", "<main", 1)).endswith("Bills Not paid of each claim: 100 each At most: 50 a day")
    assert "what I bear myself" in words(visitor.text)


@pytest.mark.requirement("T26-02")
@pytest.mark.parametrize("line", RISKS)
def test_a_sale_in_any_line_is_recorded_page_by_page(
    shop: Flask, visitor: Visitor, code_for: Callable[[str], str], line: Line
) -> None:
    with shop.app_context():
        publish(an_insurer("every"), a_content("every", line))
        db.session.commit()
    told = {
        name: ({True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value))
        for name, value in RISKS[line].items()
    }
    visitor.get("/")
    visitor.enter(next(each for each in visitor.compare(line.value, told) if "every" in visitor.get(each)))
    go_on(visitor, "review", LI_NA, code_for)
    with shop.app_context():
        application_id = UUID(visitor.at.split("/")[2])
        shown = [each.body["endpoint"] for each in entries_of_application(application_id) if "endpoint" in each.body]
    road = [
        ENDPOINTS[step] for step in (Step.EMAIL, Step.CODE, Step.PEOPLE, Step.DOCUMENTS, Step.EXCLUSIONS, Step.REVIEW)
    ]
    assert [each for each in road if each not in shown] == []


@pytest.mark.requirement("PER-12")
def test_other_insurance_on_a_childs_life_is_asked_and_counted(
    shop: Flask, visitor: Visitor, code_for: Callable[[str], str]
) -> None:
    with shop.app_context():
        content = a_content(
            "falls",
            Line.ACCIDENT,
            profile=Profile.CN_PERSONAL,
            clause_name=LocalizedText("Falls", "互联网意外险"),
            documents=(*DOCUMENTS, replace(DOCUMENTS[2], kind=DocumentKind.PRODUCT_SUMMARY)),
        )
        publish(an_insurer("falls"), content)
        born = clock.today(ZONE).replace(month=1, day=1)
        born = born.replace(year=born.year - 8)
        db.session.commit()
    visitor.get("/")
    told = {"age": "8", "occupation_class": "1", "sum_insured": "100000", "region": "shanghai"}
    visitor.enter(visitor.compare("accident", told)[0])
    go_on(visitor, "people", LI_NA, code_for)
    child = {
        "applicant_name": LI_NA.name, "applicant_birth_on": LI_NA.born_on.isoformat(), "relationship": "child",
        "insured_name": "Li Xiao", "insured_birth_on": born.isoformat(),
    }  # fmt: skip
    visitor.post(child)
    assert "Say what other insurance would pay on the death of this child" in words(visitor.text)
    visitor.post(child | {"other_death_cover": "100001"})
    assert "more would be paid on this child’s death than the law lets" in words(visitor.text)
    assert step_of(visitor.at) == "people"
    visitor.post(child | {"other_death_cover": "100000"})
    assert step_of(visitor.at) == "identity"


MOST_FIELDS, MOST_PAGES = 14, 9


def test_a_journey_is_insured_with_few_fields_on_few_pages(
    shop: Flask, visitor: Visitor, code_for: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of somebody who leaves open what may be left open. Fields are those from the first question to the payment, boxes
    that confirm aside; pages are those of the application, from its entry to the payment.
    """
    with shop.app_context():
        published(an_insurer("waypost"), catalog_files("waypost"))
        db.session.commit()
    filled, posted = [], Visitor.post

    def post(self: Visitor, fields: Mapping[str, str], path: str | None = None) -> str:
        filled.extend(name for name in fields if name not in {"confirm", "declare", "new_age", *CONFIRMED})
        return posted(self, fields, path)

    monkeypatch.setattr(Visitor, "post", post)
    visitor.enter(visitor.compare("travel", {"zone": "asia", "days": "10", "age": "34"})[0])
    pages = ["enter"]
    while step_of(visitor.at) != "pay":
        pages.append(urlsplit(visitor.at).path.split("/", 3)[3])
        go_one(visitor, LI_NA, code_for)
    assert len([*pages, "pay"]) <= MOST_PAGES, pages
    assert len(filled) <= MOST_FIELDS, filled
    assert {"email", "code", "applicant_name", "number"} <= set(filled), "the control: they are counted"


@pytest.mark.requirement("T26-18", "O13-10")
def test_what_an_untrue_answer_leads_to_stands_above_the_first_question(at_step: AtStep, shop: Flask) -> None:
    content, _insurer = sold(shop)
    said = unfolded(at_step("questions").text)
    consequence = said.index("refuse to pay")
    assert consequence < said.index(words(content.questions[0].text.en))


@pytest.mark.requirement("N108-08")
def test_the_questions_are_the_insurers_all_of_them_and_word_for_word(at_step: AtStep, shop: Flask) -> None:
    content, _insurer = sold(shop)
    visitor = at_step("questions")
    assert asked(visitor.text) == [question.id for question in content.questions]
    legends = [words(each) for each in re.findall(r"<legend>(.*?)</legend>", visitor.text, re.DOTALL)]
    assert legends == [words(question.text.en) for question in content.questions]
    visitor = at_step("documents")
    with shop.app_context():
        (application_id,) = re.findall(r"/application/([0-9a-f-]{36})/", visitor.at)
        given = {
            entry.body["question"]: entry.body["question_sha256"]
            for entry in entries_of_application(applications.application(application_id).id)
            if entry.type is EntryType.ANSWER_GIVEN
        }
    assert given == {question.id: question_sha256(question) for question in content.questions}


def told_facts(content: ProductContent) -> Iterator[str]:
    """All that its key facts say in words."""
    facts = content.key_facts
    for text in (facts.term, facts.renewal, facts.cash_value, facts.surrender, facts.surrender_how,
                 facts.reinstatement, facts.claim_how, facts.how_to_pay,
                 facts.delivery):  # fmt: skip
        if text is not None:
            yield words(text.en)
    if content.early_end is not None:
        yield content.early_end.words.en


@pytest.mark.requirement("T26-21", "SCM-07", "SCM-11")
def test_everything_that_binds_is_read_once_more_before_it_is_declared(at_step: AtStep, shop: Flask) -> None:
    content, insurer = sold(shop)
    said = unfolded(at_step("review").text)
    assert f"This is an insurance contract between you and {insurer.legal_name.en}" in said
    assert "If one of your answers is untrue, the insurer may refuse to pay and end the contract." in said
    assert f"The insurer at {insurer.phone}, or reply to any mail from us" in said
    assert [fact for fact in told_facts(content) if fact not in said] == []
    facts = content.key_facts
    for days in (facts.cooling_off_days, facts.waiting_days, facts.grace_days):
        assert days is not None
        assert f"{days} day" in said
    assert untold_covers(content, said) == []
    assert [each.title.en for each in content.exclusions if each.title.en not in said] == []


def untold_covers(content: ProductContent, said: str) -> list[LocalizedText]:
    """What is said of its covers and not read on a page."""
    texts = (
        text
        for cover in content.covers
        for text in (cover.name, cover.pays, cover.limit, cover.sub_limit, cover.deductible)
        if text is not None
    )
    return [text for text in texts if words(text.en) not in said]


@pytest.fixture
def with_an_option(shop: Flask) -> str:
    """The code of another product, whose waiver of premium is optional."""
    old, new = "harbour-term", "harbour-option"
    files = changed(f"products/{old}/product.toml", 'code = "waiver"\n', 'code = "waiver"\noptional = true\n')
    files = changed(f"products/{old}/product.toml", f'code = "{old}"', f'code = "{new}"', files)
    files = {path.replace(f"products/{old}/", f"products/{new}/"): data for path, data in files.items()}
    with shop.app_context():
        published(accounts.insurer_by_code("harbour"), files)
        db.session.commit()
    return new


def test_an_optional_cover_is_not_declared_as_one_that_is_bought(
    visitor: Visitor, shop: Flask, code_for: Callable[[str], str], with_an_option: str
) -> None:
    with shop.app_context():
        found = {each.content.code: each for each in catalog.on_sale(Line.TERM_LIFE, clock.today(ZONE))}
    (waiver,) = (cover for cover in found[with_an_option].content.covers if cover.optional)
    for path in visitor.compare("term_life", ANSWERS):
        visitor.get(path)
        if "optional" in unfolded(visitor.text):
            break
    visitor.enter(path)
    said = unfolded(go_on(visitor, "review", LI_NA, code_for).text)
    assert waiver.name.en not in said.split("What is covered")[1].split("What is not covered")[0]
    assert found[with_an_option].content.covers[0].name.en in said


@pytest.mark.requirement("O13-07", "O13-08", "O13-12", "UK-10")
def test_the_product_page_says_all_of_it_without_opening_anything(product_page: str, shop: Flask) -> None:
    content, insurer = sold(shop)
    said = unfolded(product_page)
    assert content.clause_name is not None
    for name in (
        content.name.en,
        content.clause_name.en,
        content.filing_no,
        content.clause_code,
        insurer.legal_name.en,
    ):
        assert name in said
    assert [fact for fact in told_facts(content) if fact not in said] == []
    assert untold_covers(content, said) == []
    for exclusion in content.exclusions:
        assert exclusion.title.en in said
        assert exclusion.plain_explanation is not None
        assert words(exclusion.plain_explanation.en) in said
    assert all(document.title in said for document in content.documents)


@pytest.mark.requirement("O13-12")
def test_the_product_page_says_how_receipt_and_invoice_come(product_page: str, shop: Flask) -> None:
    _content, insurer = sold(shop)
    told = words(product_page.split('data-req="O13-12">')[1].split("</dd>", maxsplit=1)[0])
    assert "We mail you a receipt for each payment" in told
    assert "The insurer issues the invoice" in told
    assert insurer.phone in told


@pytest.mark.requirement("O13-02")
def test_the_disclosure_page_names_the_platform_and_links_the_clauses_of_each_product(
    visitor: Visitor, shop: Flask
) -> None:
    content, _insurer = sold(shop)
    visitor.get("/disclosure")
    page = of_the_page(visitor)
    assert shop.config["PUBLIC_URL"] in words(page)
    row = next(each for each in page.split("<tr>") if content.name.en in each and "/documents/" in each)
    (paper,) = re.findall(r'href="(/documents/[^"]+)"', row)
    assert content.filing_no in words(row)
    visitor.get(paper)
    assert visitor.status == 200


@pytest.mark.requirement("O13-05")
def test_service_disputes_protection_and_changes_are_one_click_from_every_page(visitor: Visitor) -> None:
    for path in ("/", "/verify", visitor.compare("term_life", ANSWERS)[0]):
        foot = visitor.get(path).split('<footer class="foot">')[1]
        for address in (
            "/disclosure",
            "/disclosure#disputes",
            "/disclosure#protection",
            "/notices",
            "/talk",
            "/verify",
        ):
            assert f'href="{address}"' in foot
    page = visitor.get("/disclosure")
    said = words(page)
    for told in ("complain to the regulator, in China by telephone on 12378", "is encrypted", "Where it may sell"):
        assert told in said
    assert ASSOCIATION in page


@pytest.mark.requirement("O13-03")
def test_an_ended_cooperation_is_told_with_its_day_and_why(visitor: Visitor, shop: Flask) -> None:
    _content, insurer = sold(shop)
    assert "No cooperation has ended." in words(visitor.get("/disclosure"))
    with shop.app_context():
        ends = clock.business_now() + timedelta(days=30)
        an_announcement(AnnouncementKind.COOPERATION, insurer_id=insurer.id, starts_at=ends)
        db.session.commit()
    said = words(visitor.get("/disclosure").split('id="ended"')[1].split("</table>")[0])
    assert insurer.legal_name.en in said
    assert "The computers are moved." in said


@pytest.mark.requirement("O13-10", "O13-11")
def test_the_product_page_asks_for_true_answers_and_says_how_service_is_had(product_page: str) -> None:
    said = unfolded(product_page)
    assert "Answer truthfully." in said
    assert "If an answer is untrue, it may refuse to pay and end the contract." in said
    assert "Everything can be done online with the insurer" in said


@pytest.mark.requirement("O13-11", "O13-05")
@pytest.mark.parametrize(
    ("branches", "told"),
    [
        ("beijing, shanghai", None),
        (
            "beijing",
            "This insurer has no branch in Shanghai, so service there may fall short. It has branches in: Beijing.",
        ),
        ("", "Where this insurer has branches was not told us. Where it has none, service may fall short."),
    ],
)
def test_where_the_insurer_has_no_branch_the_customer_is_warned(
    visitor: Visitor, shop: Flask, branches: str, told: str | None
) -> None:
    _content, insurer = sold(shop)
    have_branches(shop, insurer, branches)
    (offer,) = visitor.compare("term_life", ANSWERS)
    for page in (visitor.get(offer), visitor.get(offer.replace("/offers/", "/apply/"))):
        said = [words(each.split("</p>", maxsplit=1)[0]) for each in page.split('warn" data-req="O13-11">')[1:]]
        assert said == ([] if told is None else [told])
    beside = "not known" if not branches else branches.title()
    assert beside in words(visitor.get("/disclosure"))
    assert beside in words(visitor.get(f"/insurers/{insurer.code}"))


@pytest.mark.requirement("O13-11")
def test_where_the_region_was_not_told_it_is_said_which_have_a_branch(visitor: Visitor, shop: Flask) -> None:
    with shop.app_context():
        travel = an_insurer("waypost")
        publish(travel, a_content("abroad"))
        db.session.commit()
    have_branches(shop, travel, "beijing, shanghai")
    (offer,) = visitor.compare("travel", {"zone": "asia", "days": "10", "age": "34"})
    said = words(visitor.get(offer))
    assert "This insurer has branches in: Beijing, Shanghai. Elsewhere, service may fall short." in said


def have_branches(shop: Flask, insurer: Insurer, codes: str) -> None:
    """As its facts say; without codes they are not known any more."""
    words_ = LocalizedText(codes) if codes else None
    with shop.app_context():
        fact = NewFact(insurer.id, FactKind.BRANCHES, LocalizedText("Report"), clock.today(ZONE), words=words_)
        account_services.record_fact(fact, None)
        db.session.commit()


@pytest.mark.requirement("SCM-02")
def test_a_price_stands_beside_all_answers_it_was_worked_out_for(visitor: Visitor, shop: Flask) -> None:
    content, _insurer = sold(shop)
    path = visitor.compare("term_life", ANSWERS)[0]
    above_all_prices = visitor.text.split('<ul class="chips" aria-label="Your answers">')[1].split("</ul>")[0]
    beside_one = visitor.get(path).split('data-req="SCM-02">')[1].split("</p>")[0]
    for told in map(words, (above_all_prices, beside_one)):
        assert [factor.label.en for factor in content.definition.factors if factor.label.en not in told] == []
        assert "34" in told
        assert "Assumed:" in told


@pytest.mark.requirement("PER-02")
def test_the_last_page_says_that_it_is_finished_and_sells_nothing_more(customer: Visitor, sale: Sale) -> None:
    customer.get(f"/application/{sale.application_id}/done")
    said = words(of_the_page(customer))
    assert "Your application is finished" in said
    assert "You need not do anything else." in said
    assert re.findall(r'href="(/compare|/apply|/offers)[^"]*"', of_the_page(customer)) == []


@pytest.mark.requirement("O13-46")
@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
@pytest.mark.parametrize("path", WITHOUT_AN_APPLICATION)
def test_the_brand_says_that_this_is_an_agency(shop: Flask, path: str, locale: str) -> None:
    page = Visitor(shop.test_client(), locale).get(path)
    kind = "insurance agency" if locale == "en" else "保险代理"
    assert kind in page.split("<title>")[1].split("</title>")[0]
    assert kind in words(page.split("<header")[1].split("</header>")[0])
    assert re.findall(r"Evenfold Insurance(?! agency)|保险平台|保险商城", page, re.IGNORECASE) == []


@pytest.mark.requirement("T26-11")
def test_no_page_outside_the_application_takes_anything_of_it(visitor: Visitor, shop: Flask, product_page: str) -> None:
    shown = [visitor.get(path) for path in WITHOUT_AN_APPLICATION]
    visitor.compare("term_life", ANSWERS)
    for page in (*shown, visitor.text, product_page):
        assert OF_AN_APPLICATION.search(page) is None
        for action in re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page):
            assert ACCESS[endpoint_of(shop, action)].page_class is not PageClass.SALES, action


def endpoint_of(shop: Flask, address: str) -> str:
    """The door to which a form is sent."""
    try:
        endpoint, _arguments = shop.url_map.bind("localhost").match(urlsplit(address).path, method="POST")
    except HTTPException as error:
        raise AssertionError(address) from error
    return str(endpoint)


@pytest.mark.requirement("T26-08")
def test_whoever_comes_from_elsewhere_is_led_no_further_than_the_comparison(
    visitor: Visitor, stranger: Visitor, nothing_written: NothingWritten
) -> None:
    path = visitor.compare("term_life", ANSWERS)[0]
    (enter,) = set(re.findall(r'href="(/apply/[^"]+)"', visitor.get(path)))
    with nothing_written():
        stranger.get(path)
        assert (stranger.at, stranger.status) == (path, 200)
        stranger.get(enter)
    assert urlsplit(stranger.at).path.startswith("/compare/term_life")
    assert [each for each in (ROOT / "templates").rglob("*.html") if "http-equiv" in each.read_text()] == []
