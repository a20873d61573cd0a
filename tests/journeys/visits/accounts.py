"""What customers do with an account: questions, own data, second steps."""

import re
from datetime import timedelta

from pyotp import TOTP

from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from sandbox.demo.visitor import Visitor
from tests.factories.accounts import PASSWORD, a_member_of_staff
from tests.factories.consultation import NINETY, PUBLIC, WAITING
from tests.journeys.visits.visiting import UUID, Visits
from tests.web.conftest import ANSWERS, newest_link, run_jobs
from tests.web.desk_visits import ILL, Clerk, links


class Accounts(Visits):
    """Customers behind their sign-in, and staff on the way in."""

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
