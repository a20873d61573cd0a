"""The desk of an insurer."""

from datetime import timedelta
from io import BytesIO

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.catalog.values import Line
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.listing import services as listing
from sandbox.demo.visitor import Visitor, hidden_fields
from tests.factories.catalog import HARBOUR_TERM, STAFF, changed, zipped
from tests.factories.listing import dearer
from tests.journeys.visits.visiting import UUID, Visits
from tests.web.conftest import ANSWERS, run_jobs
from tests.web.desk_visits import links
from tests.web.walked_site import CARD


class Insurers(Visits):
    """Sales, account, staff, and a catalog on its road to sale."""

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
