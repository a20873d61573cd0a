"""The desks of the marketplace."""

import re
from io import BytesIO
from typing import Any

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleFilter
from marketplace.screening.services.finding import open_case
from marketplace.screening.values import Finding, RuleCode
from sandbox.demo.visitor import Visitor
from tests.factories.accounts import PASSWORD
from tests.factories.payment import two_needed
from tests.factories.recordings import record, view_of
from tests.journeys.visits.visiting import UUID, Visits
from tests.web.conftest import newest_link, run_jobs
from tests.web.desk_visits import links

_WORDS = ("legal_name", "short_name", "regulator", "address")
_AN_INSURER: dict[str, Any] = {
    **dict.fromkeys(_WORDS, "SPECIMEN"), **{f"{name}_zh": "样本" for name in _WORDS}, "code": "w9",
    "licence_no": "SPECIMEN-0009", "phone": "400-000-0009", "email": "service@w9.example", "solvency": "201.5",
    "solvency_source": "SPECIMEN", "solvency_on": "2026-01-31", "admin_name": "Li Na",
    "admin_email": "admin@w9.example",
}  # fmt: skip


class Offices(Visits):
    """Compliance, finance, sales, and who lets insurers in."""

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
        self.samples(desk)
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

    def samples(self, desk: Visitor) -> None:
        """Nothing was drawn yet; then the lot falls on some, they are checked, and the report is read."""
        desk.get("/admin/samples")
        desk.post({}, "/admin/samples/draw")
        run_jobs(self.shop)
        desk.get("/admin/samples")
        for report in re.findall(rf'action="(/admin/samples/{UUID})"', desk.text):
            desk.post({"conclusions": ""}, report)
            desk.post({"conclusions": "Nothing."}, report)

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
