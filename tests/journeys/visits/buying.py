"""From the start page to a policy, or to the end of an application."""

import re
from datetime import date

from marketplace.accounts.values import Role
from sandbox.demo.visitor import SUITS, Identity
from tests.journeys.visits.visiting import UUID, Visits
from tests.web.conftest import ANSWERS, LI_NA, days_later, go_on, newest_link, run_jobs
from tests.web.desk_visits import ILL, links

ZHOU = Identity("Zhou Min", date(1990, 1, 2), "zhou.min@example.com")
COUPLE = {
    "applicant_name": ZHOU.name, "applicant_birth_on": "1990-01-02", "relationship": "spouse",
    "insured_name": "Wang Jun", "insured_birth_on": "1992-03-05", "insured_email": "wang.jun@example.com",
}  # fmt: skip


class Buying(Visits):
    """Those who apply, whatever comes of it."""

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
        insured.get("/consent-returned")

    def policies(self) -> None:
        buyer = self.buyer
        buyer.get("/account")
        policy = links(buyer.text, rf"/policies/{UUID}")[0]
        buyer.get(f"{policy}/evidence")
        buyer.post({})
        buyer.get(f"{policy}/card")
        buyer.post({})
        buyer.get(f"{policy}/withdraw")
        days_later(self.shop, 16)
        buyer.get(f"{policy}/end")
        days_later(self.shop, 0)
        page = buyer.get(policy)
        number = re.search(r"EF[0-9A-Z-]+", page)
        code = re.search(r'translate="no">([^<]+)<', page)
        assert number
        assert code
        checker = self.visitor()
        checker.get("/verify")
        checker.post({"number": number[0], "code": code[1]})

    def expired(self) -> None:
        """The business clock goes on until no price holds any more."""
        days_later(self.shop, 400)
        for path in (self.comparison, self.offer):
            self.buyer.get(path)
