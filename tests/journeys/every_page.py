"""A walk past every page of the site, in the states that show it, keeping each as it was sent.

In process, by visitors who fill in the forms they are shown: what a walk keeps can be looked at in a browser at any
width, as often as needed, without the site.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from flask import Flask, make_response
from pyotp import TOTP
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.catalog.values import LINES, Factor, FactorKind, Line, Profile
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText
from marketplace.listing import services as listing
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleFilter
from marketplace.screening.services.finding import open_case
from marketplace.screening.values import Finding, RuleCode
from marketplace.web import error_pages
from sandbox.demo.visitor import SUITS, Identity, Visitor, hidden_fields
from tests.factories.accounts import PASSWORD, a_member_of_staff, an_insurer
from tests.factories.catalog import CATALOGS, HARBOUR_TERM, STAFF, catalog_files, changed, published, zipped
from tests.factories.consultation import NINETY, PUBLIC, WAITING
from tests.factories.listing import dearer
from tests.factories.payment import two_needed
from tests.factories.quoting import a_content, a_tariff, publish
from tests.factories.recordings import record, view_of
from tests.simulator_server import SimulatorServer
from tests.web.conftest import ANSWERS, LI_NA, days_later, go_on, newest_code, newest_link, open_shop, run_jobs
from tests.web.desk_visits import ILL, Clerk, links, sign_in
from tests.web.page_checks import CheckedClient
from tests.web.walked_site import CARD

HOUSEHOLD = {
    "age": "34", "sex": "female", "income": "200000", "smoker": "no", "public_insurance": "yes", "hospital_cover": "no",
    "partner_age": "36", "partner_sex": "male", "partner_smoker": "no", "partner_public_insurance": "yes",
    "partner_hospital_cover": "yes", "children": "4", "children_public_insurance": "yes",
    "children_hospital_cover": "no", "region": "shanghai", "debts": "9000000", "contents": "900000", "area": "90",
    "building": "brick", "budget": "21000",
}  # fmt: skip

ZHOU = Identity("Zhou Min", date(1990, 1, 2), "zhou.min@example.com")
COUPLE = {
    "applicant_name": ZHOU.name, "applicant_birth_on": "1990-01-02", "relationship": "spouse",
    "insured_name": "Wang Jun", "insured_birth_on": "1992-03-05", "insured_email": "wang.jun@example.com",
}  # fmt: skip
LOCALES = ("en", "zh_Hans_CN")
NOWHERE = "nowhere"
UUID = "[0-9a-f-]{36}"
_WORDS = ("legal_name", "short_name", "regulator", "address")
_AN_INSURER: dict[str, Any] = {
    **dict.fromkeys(_WORDS, "SPECIMEN"), **{f"{name}_zh": "样本" for name in _WORDS}, "code": "w9",
    "licence_no": "SPECIMEN-0009", "phone": "400-000-0009", "email": "service@w9.example", "solvency": "201.5",
    "solvency_source": "SPECIMEN", "solvency_on": "2026-01-31", "admin_name": "Li Na",
    "admin_email": "admin@w9.example",
}  # fmt: skip
STATUSES = (400, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503)


@dataclass(frozen=True, slots=True)
class Seen:
    """A page as it was sent. `path` has its query; `endpoint` is `nowhere` where no route answers."""

    endpoint: str
    path: str
    locale: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def name(self) -> str:
        return f"{self.endpoint} {self.status} {self.locale} {self.path}"

    @property
    def framed(self) -> bool:
        """Whether it is shown inside the frame of another page only."""
        return "sandbox" in dict(self.headers).get("Content-Security-Policy", "")


@contextmanager
def keeping(app: Flask, locale: str) -> Iterator[list[Seen]]:
    """Keep every page that clients of `app` are sent meanwhile; each is checked as in all tests."""
    kept: list[Seen] = []

    class Keeper(CheckedClient):
        def open(self, *args: Any, **kwargs: Any) -> TestResponse:
            response = super().open(*args, **kwargs)
            if response.mimetype == "text/html" and not 300 <= response.status_code < 400:
                kept.append(_seen(app, response, locale))
            return response

    before, app.test_client_class = app.test_client_class, Keeper
    yield kept
    app.test_client_class = before


def _seen(app: Flask, response: TestResponse, locale: str) -> Seen:
    request = response.request
    path = request.full_path.rstrip("?")
    headers = tuple((name, value) for name, value in response.headers if name not in {"Set-Cookie", "Content-Length"})
    return Seen(endpoint_of(app, request.path), path, locale, response.status_code, headers, response.get_data())


def endpoint_of(app: Flask, path: str) -> str:
    adapter = app.url_map.bind("localhost")
    for method in ("GET", "POST"):
        try:
            return str(adapter.match(path, method=method)[0])
        except HTTPException:
            continue
    return NOWHERE


@dataclass
class Walk:
    """The visits of one language. What one of them finds, a later one may use."""

    shop: Flask
    locale: str
    kept: list[Seen]
    buyer: Visitor = field(init=False)
    customer: Visitor = field(init=False)
    comparison: str = ""
    newest_desk: Any = None
    offer: str = ""

    def visitor(self) -> Visitor:
        return Visitor(self.shop.test_client(), self.locale)

    def code(self, address: str) -> str:
        return newest_code(self.shop, address)

    def desk(self, role: Role, insurer_code: str | None = None) -> Clerk:
        with self.shop.app_context():
            account = a_member_of_staff(role, accounts.insurer_by_code(insurer_code) if insurer_code else None)
            db.session.commit()
        clerk = Clerk(self.shop.test_client(), self.locale)
        sign_in(self.shop, clerk, account)
        self.newest_desk = account
        return clerk

    def all(self) -> None:
        self.storefront()
        self.buying()
        self.turned_away()
        self.for_another()
        self.every_line()
        self.planning()
        self.published_rates()
        self.policies()
        self.account()
        self.consultation()
        self.notices()
        self.own_data()
        self.second_step()
        self.compliance()
        self.sales_log()
        self.insurer_desk()
        self.catalog_road()
        self.insurers()
        self.joining()
        self.inbox()
        self.errors()
        self.expired()

    def storefront(self) -> None:
        visitor = self.visitor()
        for path in (
            "/",
            "/how-we-rank",
            "/disclosure",
            "/what-we-record",
            "/privacy",
            "/verify",
            "/verify/evidence",
            "/nowhere",
        ):
            visitor.get(path)
        visitor.get("/verify")
        visitor.post({})
        visitor.post({"number": "EF0000000000", "code": "WRONG"})

    def buying(self) -> None:
        """Each step with what it says of an answer that will not do, then done."""
        self.buyer = buyer = self.visitor()
        buyer.get("/")
        self.offer = buyer.compare("term_life", ANSWERS)[0]
        self.comparison = buyer.at
        for document in links(buyer.get(self.offer), rf"/documents/{UUID}/read"):
            self.visitor().get(document)
        buyer.get(self.offer.replace("/offers/", "/apply/"))
        buyer.post({})
        buyer.enter(self.offer)
        buyer.post({"email": "nobody"})
        go_on(buyer, "code", LI_NA, self.code)
        buyer.post({"code": "000000"})
        buyer.post({"code": self.code(LI_NA.email)})
        buyer.post({})
        buyer.post(SUITS | {"covered_already": "yes"})
        buyer.post({})
        buyer.get(f"{buyer.at}?change=1")
        buyer.post(SUITS)
        go_on(buyer, "people", LI_NA, self.code)
        buyer.post({"applicant_name": "", "applicant_birth_on": "", "mobile": "x"})
        buyer.post({"applicant_name": "Li Na", "applicant_birth_on": "1980-01-01", "relationship": "self"})
        go_on(buyer, "identity", LI_NA, self.code)
        buyer.post({"kind": "resident_card", "name": LI_NA.name, "number": "110101199203059983"})
        for step in ("questions", "documents", "exclusions", "review"):
            go_on(buyer, step, LI_NA, self.code)
            buyer.post({})
        review = buyer.at
        buyer.get(review.replace("/review", "/consent"))
        buyer.get(review)
        go_on(buyer, "pay", LI_NA, self.code)
        pay = buyer.at
        buyer.get(f"{pay}?cancelled=1")
        buyer.get(pay)
        assert buyer.pay() is True
        run_jobs(self.shop)
        done = buyer.at
        buyer.get("/account/data")
        buyer.get(done.replace("/done", "/consent"))
        buyer.get(done)

    def turned_away(self) -> None:
        """Referred to the insurer, asked, and accepted on other terms, which are not wanted."""
        applicant = self.visitor()
        applicant.get("/")
        applicant.enter(applicant.compare("term_life", ANSWERS)[0])
        go_on(applicant, "questions", ILL, self.code)
        applicant.answer(ILL)
        assert applicant.submit() == "ended"
        run_jobs(self.shop)
        resume, clerk = applicant.at.rsplit("/", 1)[0], self.desk(Role.INSURER_UNDERWRITER, "harbour")
        case = links(clerk.get("/insurer/underwriting"), f"/insurer/sales/{UUID}/underwriting")[0]
        clerk.get(case)
        clerk.post({}, case)
        clerk.post({"question": ""}, f"{case}/ask")
        clerk.post({"question": "SPECIMEN"}, f"{case}/ask")
        applicant.get(resume)
        applicant.post({"answer": ""})
        applicant.post({"answer": "SPECIMEN"})
        ruling = {"decision": "accept", "loading": "25", "unit": "percent", "code": "health", "words": "SPECIMEN"}
        clerk.get(case)
        clerk.post(ruling, case)
        applicant.get(resume)
        applicant.post({})
        applicant.post({"refuse": "yes"})
        run_jobs(self.shop)
        trial = links(clerk.get("/insurer/underwriting/try"), f"/insurer/underwriting/try/{UUID}")[0]
        clerk.get(trial)
        clerk.post({}, trial)

    def for_another(self) -> None:
        """The insured is asked, does not say enough, and agrees."""
        applicant = self.visitor()
        applicant.get("/")
        applicant.enter(applicant.compare("term_life", ANSWERS)[0])
        go_on(applicant, "people", ZHOU, self.code)
        applicant.post(COUPLE)
        go_on(applicant, "insured", ZHOU, self.code)
        applicant.post({})
        insured = self.visitor()
        insured.get(newest_link(self.shop, COUPLE["insured_email"], "insured_asked"))
        insured.post({})
        insured.post({"refuse": "yes"})
        insured.get("/consent/returned")

    def every_line(self) -> None:
        """All insurers on sale: each line with its own kinds of questions, left open once, then answered."""
        with self.shop.app_context():
            _other_catalogs()
        visitor = self.visitor()
        for line in links(visitor.get("/"), r"/compare/[a-z_]+"):
            visitor.get(line)
            visitor.post({})
            visitor.get(visitor.compare(line.rsplit("/", 1)[1], _first_answers(line))[0])
        visitor.compare("term_life", ANSWERS | {"age": "65", "term_years": "30"})
        visitor.compare("term_life", ANSWERS | {"needs-terminal_illness": "yes", "needs-waiver": "yes"})
        self._look_closer(visitor)

    def _look_closer(self, visitor: Visitor) -> None:
        """A comparison sorted, filtered in vain, side by side, changed, sent by mail, each refused once."""
        comparison = visitor.at
        for path in ("?sort=name&most=1300", "?most=0", "/side-by-side", "/side-by-side?offers=1", "/send"):
            visitor.get(f"{comparison}{path}")
        visitor.post({"email": "nobody"})
        visitor.get(f"{comparison}/side-by-side?offers=1,2,3,4")
        visitor.get(f"{comparison}/side-by-side?offers=1,2&rows=differing")
        for sum_insured in ("1", "500000"):
            token = visitor.get(comparison).split('name="csrf_token" value="')[1].split('"')[0]
            answers = {"csrf_token": token, "sum_insured": sum_insured, "term_years": "20", "needs-waiver": "yes"}
            visitor.post(answers, f"{comparison}/change")

    def planning(self) -> None:
        """A plan, another offer in it, and what it leaves open; then its basket to the payment of one part."""
        visitor = self.visitor()
        visitor.get("/how-we-plan")
        visitor.get("/needs")
        visitor.post({})
        start = visitor.text.split('name="start_on"')[1].split('value="')[1].split('"')[0]
        visitor.post(HOUSEHOLD | {"start_on": start})
        plan = visitor.at
        other = visitor.text.split('name="offer" value="')[1].split('"')[0]
        part = visitor.text.split('id="part-')[1].split('"')[0]
        visitor.post({"offer": other}, f"{plan}/parts/{part}")
        visitor.get(plan)
        visitor.post({}, f"{plan}/apply")
        basket = visitor.at
        for number, offer in enumerate(links(visitor.text, rf"/apply/{UUID}"), 1):
            if number > 1:
                visitor.get(basket)
                visitor.post({}, f"{basket}/lines/{number}/out")
            else:
                visitor.get(offer)
                visitor.post({})
                go_on(visitor, "review", LI_NA, self.code)
                visitor.post({"declare": "yes"})
        visitor.get(basket)
        visitor.get(f"{basket}/pay")
        assert "/pay" in visitor.at, visitor.at

    def published_rates(self) -> None:
        """Test data that says on each page that it cannot be bought."""
        with self.shop.app_context():
            content = a_content("plan", Line.US_HEALTH, profile=Profile.RATES_ONLY)
            publish(an_insurer("published"), content, a_tariff("10.00", "USD"), effective_from=date(2017, 1, 1))
            db.session.commit()
        visitor = self.visitor()
        visitor.get(visitor.compare("us_health", {"start_on": "2017-04-01", "rating_area": "R-MA001", "age": "40"})[0])

    def policies(self) -> None:
        buyer = self.buyer
        buyer.get("/account")
        policy = links(buyer.text, rf"/policies/{UUID}")[0]
        buyer.get(f"{policy}/evidence")
        buyer.post({})
        page = buyer.get(policy)
        number = re.search(r"EF[0-9A-Z-]+", page)
        code = re.search(r'translate="no">([^<]+)<', page)
        assert number
        assert code
        checker = self.visitor()
        checker.get("/verify")
        checker.post({"number": number[0], "code": code[1]})

    def account(self) -> None:
        visitor, address = self.visitor(), "lin.yue@example.com"
        visitor.get("/register")
        visitor.post({})
        visitor.post({"name": "Lin Yue", "email": address, "password": "short"})
        visitor.post({"name": "Lin Yue", "email": address, "password": PASSWORD})
        visitor.get(newest_link(self.shop, address, "confirm_address"))
        visitor.post({"password": "not the right one"})
        visitor.post({"password": PASSWORD})
        visitor.get("/verify")
        visitor.post({}, "/sign-out")
        visitor.get("/sign-in")
        visitor.post({})
        visitor.post({"email": address, "password": "not the right one"})
        visitor.get("/reset")
        visitor.post({"email": "nobody"})
        visitor.post({"email": address})
        visitor.get(newest_link(self.shop, address, "password_reset"))
        visitor.post({"password": "short"})
        visitor.get("/find")
        visitor.post({"email": "nobody"})
        visitor.post({"email": address})
        visitor.post({"code": "000000"})
        visitor.post({"code": self.code(address)})

        self.customer = visitor

    def consultation(self) -> None:
        """Asked from a product and in an application, answered, made public, and found by everybody."""
        visitor = self.visitor()
        visitor.get(self.offer)
        visitor.get(f"{self.offer}/ask")
        visitor.post({"words": "", "email": "nobody"})
        visitor.post({"words": WAITING, "email": "zhou.min@example.com"})
        visitor.post({"code": "000000"})
        visitor.post({"code": self.code("zhou.min@example.com")})
        thread = visitor.at
        visitor.post({"words": ""}, thread)
        applicant = self.visitor()
        applicant.get("/")
        applicant.enter(applicant.compare("term_life", ANSWERS)[0])
        asking = f"/application/{applicant.at.split('/')[2]}/ask"
        applicant.get(asking)
        applicant.post({"words": "", "email": ""})
        admin, owner = self.desk(Role.ADMIN_COMPLIANCE), self.desk(Role.INSURER_ADMIN, "harbour")
        owner.get("/insurer/practitioners")
        owner.post({}, "/insurer/practitioners/enter")
        colleague = str(self.newest_desk.id)
        days = {"valid_from": "2026-01-01", "valid_to": (clock.today(ZONE) + timedelta(days=365)).isoformat()}
        number = f"SPECIMEN-{self.locale.upper().replace('_', '-')}"
        entry = {"colleague": colleague, "certificate_no": number, "lines-term_life": "yes", **days}
        owner.post(entry, "/insurer/practitioners/enter")
        admin.get("/admin/practitioners")
        (accept,) = re.findall(rf'action="(/admin/practitioners/{UUID}/accept)"', admin.text)
        admin.post({}, accept)
        self._answered(owner, admin, visitor, thread)
        for path in ("/questions", "/questions?text=等待期", "/questions?text=nothing", "/talk", "/practitioners",
                     f"/practitioners?number={number}", "/practitioners?number=0", self.offer):  # fmt: skip
            self.visitor().get(path)

    def _answered(self, owner: Clerk, admin: Clerk, visitor: Visitor, thread: str) -> None:
        owner.get("/insurer/questions")
        question = links(owner.text, rf"/insurer/questions/{UUID}")[0]
        owner.get(question)
        owner.post({"words": ""})
        owner.post({"words": NINETY})
        visitor.get(thread)
        visitor.post({}, f"{thread}/public")
        visitor.post({"consent": "yes"}, f"{thread}/public")
        visitor.get("/account/questions")
        owner.get(f"{question}/public")
        owner.post({"question_en": "How long?"})
        said = {f"{name}_{locale}": getattr(each, name) for locale, each in PUBLIC.items()
                for name in ("question", "answer")}  # fmt: skip
        owner.post(said)
        owner.get("/insurer/questions/public")
        admin.get(question.replace("/insurer/", "/admin/"))
        admin.get("/admin/questions")
        answer = links(admin.text, rf"/admin/questions/public/{UUID}")[0]
        admin.get(answer)
        admin.post({"reason": ""}, f"{answer}/refuse")
        admin.post({}, f"{answer}/publish")

    def notices(self) -> None:
        """Written by one, released by another, taken back, and read by everybody."""
        author, second = self.desk(Role.ADMIN_COMPLIANCE), self.desk(Role.ADMIN_OWNER)
        author.get("/admin/notices/new")
        author.post({"kind": "closing"})
        author.post({"kind": "other", "title": "News", "title_zh": "消息", "text": "Words", "text_zh": "文字"})
        written = author.at
        second.get(written)
        second.post({}, f"{written}/release")
        author.get(f"/admin/notices/new?revokes={written.rsplit('/', 1)[1]}")
        second.get("/admin/notices")
        visitor, desk = self.visitor(), self.desk(Role.ADMIN_COMPLAINTS)
        visitor.get("/report-fake-site")
        visitor.post({"place": ""})
        visitor.post({"place": "evenfo1d.example", "words": "It looks like yours."})
        desk.get("/admin/reports")
        desk.get(links(desk.text, rf"/admin/reports/{UUID}")[0])
        desk.post({"answer": ""})
        for path in ("/notices", "/notices?kind=recall", written.replace("/admin", "")):
            self.visitor().get(path)

    def own_data(self) -> None:
        """One's own security and data, up to the end of the account."""
        visitor = self.customer
        visitor.get("/privacy/data")
        visitor.get("/account/security")
        visitor.get("/account/security/password")
        visitor.post({})
        visitor.get("/account/security/confirm")
        visitor.post({})
        visitor.get("/account/data/copy")
        visitor.post({})
        run_jobs(self.shop)
        visitor.get("/account/data/ask")
        visitor.post({})
        visitor.post({"kind": "correction", "words": "The name is wrong."})
        visitor.get("/account/data")
        visitor.get("/account/close")
        visitor.post({})
        leaver = self.visitor()
        leaver.get("/find")
        leaver.post({"email": ILL.email})
        leaver.post({"code": self.code(ILL.email)})
        leaver.get("/account/security/confirm")
        leaver.post({})
        leaver.get("/account/close")
        leaver.post({"understood": "yes"})
        assert leaver.at == "/account-closed"

    def second_step(self) -> None:
        """A new member of staff sets up an authenticator app, and is asked for it."""
        with self.shop.app_context():
            email = a_member_of_staff().email
            db.session.commit()
        staff = self.visitor()
        staff.get("/sign-in")
        staff.post({"email": email, "password": PASSWORD})
        staff.post({}, "/account/security/authenticator/begin")
        staff.post({"code": "000000"})
        secret = re.search(r'<code translate="no">([A-Z2-7 ]+)</code>', staff.text)
        assert secret
        staff.post({"code": TOTP(secret[1].replace(" ", "")).now()})
        staff.get("/account/security")
        again = self.visitor()
        again.get("/sign-in")
        again.post({"email": email, "password": PASSWORD})
        again.post({"code": "000000"})

    def compliance(self) -> None:
        desk = self.desk(Role.ADMIN_COMPLIANCE)
        request = links(desk.get("/admin/privacy"), rf"/admin/privacy/requests/{UUID}")[0]
        desk.get(request)
        desk.post({})
        sold = (desk.get(sale) for sale in links(desk.get("/admin"), rf"/admin/sales/{UUID}"))
        contract = next(found[0] for page in sold if (found := links(page, rf"/admin/privacy/contracts/{UUID}")))
        desk.get(contract)
        desk.post({})
        desk.post({"kind": "complaint", "reference": "SPECIMEN", "reason": "SPECIMEN"})
        desk.get(links(desk.text, rf"/admin/privacy/disputes/{UUID}")[0])
        desk.post({})
        desk.get("/admin/privacy")
        desk.get("/admin/books")
        self.refunds(desk)
        self.screening(desk)
        desk.get("/admin/security")
        desk.get("/admin/security?account=nobody")
        desk.get("/admin/requirements")
        desk.get("/admin/requirements?result=nothing")

    def screening(self, desk: Visitor) -> None:
        """A case is looked at, decided without a reason, proposed to be reported, and looked at again."""
        with self.shop.app_context():
            sold = next(sale for sale in oversight.sales(SaleFilter()).sales if sale.policy_id)
            assert sold.application_id is not None
            open_case(Finding(RuleCode.BOUGHT_AND_LEFT, "0" * 64, (sold.application_id,), {"times": 3}))
            db.session.commit()
        for case in links(desk.get("/admin/screening"), rf"/admin/screening/{UUID}")[:1]:
            desk.get(case)
            desk.post({}, f"{case}/decide")
            desk.post({"decision": "reported", "reason": "Three times in a month."}, f"{case}/decide")
            desk.get("/admin/screening")

    def refunds(self, second: Visitor) -> None:
        """One asks, with too much at first; the other does not agree without a reason."""
        finance = self.desk(Role.ADMIN_FINANCE)
        with self.shop.app_context():
            sold = next(sale for sale in oversight.sales(SaleFilter()).sales if sale.policy_id)
        finance.get("/admin/refunds?text=nothing&state=nothing")
        payment = links(finance.get(f"/admin/refunds?text={sold.policy_number}"), rf"/admin/refunds/payments/{UUID}")[0]
        finance.get(payment)
        finance.post({}, f"{payment}/ask")
        typed = {"amount": "10", "reason": "goodwill", "words": "She waited for us on the telephone."}
        finance.post(typed | {"amount": "100000"}, f"{payment}/ask")
        with two_needed():
            finance.post(typed, f"{payment}/ask")
        second.get("/admin/refunds")
        for refuse in re.findall(rf'action="(/admin/refunds/wishes/{UUID}/refuse)"', second.text)[:1]:
            second.post({}, refuse)
            second.post({"reason": "Nothing went wrong."}, refuse)

    def sales_log(self) -> None:
        with self.shop.app_context():
            sold = next(sale for sale in oversight.sales(SaleFilter()).sales if sale.policy_id)
            record(view_of(sold.application_id, "application.exclusions"), ticked=False)
        desk = self.desk(Role.ADMIN_SALES)
        desk.get("/admin/mail")
        desk.get("/admin/mail?state=nothing")
        desk.get(links(desk.get(f"/admin/sales/{sold.id}"), rf"/admin/sales/{UUID}/recordings/{UUID}")[0])
        desk.post({})
        desk.post({"reason": "C-17"})
        for sale in links(desk.get("/admin"), rf"/admin/sales/{UUID}"):
            desk.knock(sale)
            desk.post({})
            for page in links(desk.get(sale), rf"/admin/sales/{UUID}/pages/{UUID}")[:1]:
                desk.get(page)
                desk.get(f"{page}/stored")
            desk.get(f"{sale}/day")
            desk.post({"day": "2026-11-22"})
            desk.post({})
        desk.get("/admin/pages")
        desk.get("/admin?since=2027-01-02&until=2027-01-01&state=nothing&line=nothing")
        desk.get("/admin?text=nothing")
        desk.get("/admin/evidence")
        desk.post({})
        desk.post({"text": "EF-HARBOUR-2026-000001", "reason": "C-17"})
        for address in re.findall(rf'action="(/admin/evidence/contracts/{UUID})"', desk.text)[:1]:
            desk.post({}, address)
            desk.post({"reason": "C-17"}, address)
        desk.get("/insurer")

    def insurer_desk(self) -> None:
        desk = self.desk(Role.INSURER_ADMIN, "harbour")
        for sale in links(desk.get("/insurer"), rf"/insurer/sales/{UUID}"):
            desk.knock(sale)
            desk.post({})
            desk.get(sale)
            if f"{sale}/evidence" in desk.text:
                desk.get(f"{sale}/evidence")
                desk.post({})
                desk.post({"reason": "C-17"})
        desk.get("/insurer?since=2027-01-02&until=2027-01-01&state=nothing&line=nothing")
        desk.get("/insurer/products")
        desk.get("/insurer/rate-cards")
        desk.post({})
        with self.shop.app_context():
            insurer = accounts.insurer_by_code("harbour")
            card = listing.keep_rate_card(insurer.id, f"Card {clock.now()}", Line.TERM_LIFE, CARD, STAFF)
            db.session.commit()
        desk.get(f"/insurer/rate-cards/{card.id}")
        desk.post({"table_name": "No Name"})
        desk.get("/insurer/terms")
        desk.get("/insurer/account")
        desk.get("/insurer/keys")
        desk.post({"name": ""}, "/insurer/keys/make")
        desk.post({"name": "SPECIMEN", "days": "30"}, "/insurer/keys/make")
        desk.get("/insurer/keys")
        desk.get("/insurer/staff")
        desk.post({}, "/insurer/staff/invite")
        invited = {"name": "Li Na", "email": f"{self.locale}@harbour.example", "role": "insurer_claims"}
        desk.post(invited | {"language": self.locale}, "/insurer/staff/invite")
        desk.get("/insurer/payee")
        desk.post({}, "/insurer/payee/go")
        desk.get("/insurer/payee")
        desk.client.post("/insurer/payee/go", data=hidden_fields(desk.text) | {"country": "HK"})
        desk.get("/insurer/payee")

    def catalog_road(self) -> None:
        """A broken upload, then a good one through every hand, and the end of a sale."""
        first, second = self.desk(Role.INSURER_ADMIN, "harbour"), self.desk(Role.INSURER_CATALOG, "harbour")
        first.get("/insurer/uploads")
        first.post({})
        self._upload(first, changed(f"{HARBOUR_TERM}product.toml", "grace_days = 60", "grace_days = -1"))
        begin = (clock.today(ZONE) + timedelta(days=400 if self.locale == "en" else 500)).isoformat()
        upload = self._upload(first, dearer(begin))
        for view in ("", "/products/1", "/products/1/difference", "/products/1/premiums"):
            first.get(f"{upload}{view}")
        first.post({})
        first.post(ANSWERS)
        first.get(upload)
        first.post({}, f"{upload}/submit")
        second.get(upload)
        second.post({}, f"{upload}/send-back")
        second.get(upload)
        second.post({}, f"{upload}/approve")
        desk, review = self.desk(Role.ADMIN_REVIEWER), upload.replace("/insurer/uploads/", "/admin/catalogs/")
        desk.get("/admin/catalogs")
        for view in ("", "/products/1", "/products/1/difference", "/products/1/premiums"):
            desk.get(f"{review}{view}")
        desk.post({})
        desk.get(review)
        desk.post({}, f"{review}/refuse")
        desk.get(review)
        desk.post({}, f"{review}/accept")
        first.get(links(first.get("/insurer/products"), rf"/insurer/versions/{UUID}")[0])
        first.post({})
        first.post({"kind": "withdrawal", "reason_en": "It comes too early."})

    def _upload(self, staff: Visitor, files: dict[str, bytes]) -> str:
        """The address of the upload, looked at before and after it was read."""
        staff.get("/insurer/uploads")
        data = hidden_fields(staff.text) | {"file": (BytesIO(zipped(files)), f"{self.locale}.zip")}
        address = str(staff.client.post("/insurer/uploads", data=data).headers["Location"])
        staff.get(address)
        run_jobs(self.shop)
        staff.get(address)
        return address

    def insurers(self) -> None:
        """What is known of an insurer is entered; its sales are stopped by one and let go on by two."""
        desk, second = self.desk(Role.ADMIN_COMPLIANCE), self.desk(Role.ADMIN_OWNER)
        desk.get("/admin/insurers")
        with self.shop.app_context():
            path = f"/admin/insurers/{accounts.insurer_by_code('harbour').id}"
        desk.get(path)
        desk.post({}, f"{path}/facts")
        told = {"source": "SPECIMEN", "source_zh": "样本", "as_of": "2026-01-31"}
        for kind, figure in (("claims_paid", "97.4"), ("days_to_decide", "1.5"), ("complaints", "0.42")):
            desk.post(told | {"kind": kind, "figure": figure}, f"{path}/facts")
        desk.post({"kind": "address", "words": "SPECIMEN", "words_zh": "样本路1号"} | told, f"{path}/facts")
        desk.post({}, f"{path}/invite")
        desk.post({}, f"{path}/terms")
        desk.post({"line": "travel", "basis_points": "1500", "effective_from": "2036-01-31"}, f"{path}/terms")
        desk.post({}, f"{path}/suspend")
        desk.post({"reason": "SPECIMEN"}, f"{path}/suspend")
        self.visitor().get("/insurers/harbour")
        self.desk(Role.INSURER_ADMIN, "harbour").get("/insurer")
        desk.post({}, f"{path}/ask-to-lift")
        desk.post({"reason": "SPECIMEN"}, f"{path}/ask-to-lift")
        second.get(path)
        second.post({}, f"{path}/lift")
        for page in ("/insurers", "/insurers/harbour"):
            self.visitor().get(page)

    def joining(self) -> None:
        """An insurer applies, two people approve, its administrator comes in."""
        applicant, desk, second = self.visitor(), self.desk(Role.ADMIN_COMPLIANCE), self.desk(Role.ADMIN_OWNER)
        desk.get("/admin/insurers/applications")
        applicant.get("/insurers/apply")
        applicant.post({})
        applicant.get("/insurers/apply")
        applicant.post(_AN_INSURER | {"licence": (BytesIO(b"%PDF-1.7"), "1.pdf")})  # type: ignore[arg-type]  # a file
        applicant.get(newest_link(self.shop, "admin@w9.example", "confirm_applicant"))
        applicant.post({})
        path = links(desk.get("/admin/insurers/applications"), rf"/admin/insurers/applications/{UUID}")[0]
        desk.get(path)
        desk.post({}, f"{path}/reject")
        desk.get(path)
        desk.post({}, f"{path}/approve")
        second.get(path)
        second.post({}, f"{path}/approve")
        second.get(path)
        admin = self.visitor()
        admin.get(newest_link(self.shop, "admin@w9.example", "join_insurer"))
        admin.post({"password": "short"})
        admin.post({"password": PASSWORD})

    def inbox(self) -> None:
        visitor = self.visitor()
        for mail in links(visitor.get("/inbox"), rf"/inbox/{UUID}"):
            visitor.get(mail)
            visitor.get(f"{mail}/body")
        visitor.get("/inbox?to=nobody@example.com")

    def errors(self) -> None:
        """The page of every status we answer with, also those that no visit meets on demand."""
        headers = {"Accept-Language": "zh-CN" if self.locale.startswith("zh") else "en"}
        for status in STATUSES:
            with self.shop.test_request_context(f"/status/{status}", headers=headers):
                self.shop.preprocess_request()
                body = error_pages.page(status, "", resume="/application/x", again="/compare/term_life")
                response = self.shop.process_response(make_response(body))
            sent = tuple(response.headers)
            self.kept.append(Seen(NOWHERE, f"/status/{status}", self.locale, status, sent, response.get_data()))

    def expired(self) -> None:
        """The business clock goes on until no price holds any more."""
        days_later(self.shop, 400)
        for path in (self.comparison, self.offer):
            self.buyer.get(path)


def _first_answers(path: str) -> dict[str, str]:
    return {factor.name: _an_answer(factor) for factor in LINES[Line(path.rsplit("/", 1)[1])].factors}


def _an_answer(factor: Factor) -> str:
    if factor.choices:
        return str(factor.choices[0].value)
    return "no" if factor.kind is FactorKind.BOOLEAN else str(max(factor.minimum or 0, 30))


def every_page(app: Flask, simulator: SimulatorServer, locale: str) -> list[Seen]:
    """All that one walk in a language is sent. Leaves rows behind in every table."""
    with open_shop(app, simulator), keeping(app, locale) as kept:
        Walk(app, locale, kept).all()
    clock.set_business_offset(timedelta())
    return kept


def _other_catalogs() -> None:
    """The products of the demonstration's other insurers beside Harbour Term."""
    for folder in sorted(CATALOGS.iterdir()):
        if folder.name != "harbour":
            names = LocalizedText(folder.name.title(), "演示保险公司")
            published(an_insurer(folder.name, legal_name=names, short_name=names), catalog_files(folder.name))
    db.session.commit()
