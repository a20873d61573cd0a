"""Every line of business compared, published rates, a plan and its basket."""

from datetime import date

from marketplace.catalog.values import LINES, Factor, FactorKind, Line, Profile
from marketplace.infra.db import db
from marketplace.kernel.text import LocalizedText
from sandbox.demo.visitor import Visitor
from tests.factories.accounts import an_insurer
from tests.factories.catalog import CATALOGS, catalog_files, published
from tests.factories.quoting import a_content, a_tariff, publish
from tests.journeys.visits.visiting import UUID, Visits
from tests.web.conftest import ANSWERS, LI_NA, go_on
from tests.web.desk_visits import links

HOUSEHOLD = {
    "age": "34", "sex": "female", "income": "200000", "smoker": "no", "public_insurance": "yes", "hospital_cover": "no",
    "partner_age": "36", "partner_sex": "male", "partner_smoker": "no", "partner_public_insurance": "yes",
    "partner_hospital_cover": "yes", "children": "4", "children_public_insurance": "yes",
    "children_hospital_cover": "no", "region": "shanghai", "debts": "9000000", "contents": "900000", "area": "90",
    "building": "brick", "budget": "21000",
}  # fmt: skip


class Comparing(Visits):
    """Those who look for what suits them."""

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
                visitor.pass_entry()
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


def _first_answers(path: str) -> dict[str, str]:
    return {factor.name: _an_answer(factor) for factor in LINES[Line(path.rsplit("/", 1)[1])].factors}


def _an_answer(factor: Factor) -> str:
    if factor.choices:
        return str(factor.choices[0].value)
    return "no" if factor.kind is FactorKind.BOOLEAN else str(max(factor.minimum or 0, 30))


def _other_catalogs() -> None:
    """The products of the demonstration's other insurers beside Harbour Term."""
    for folder in sorted(CATALOGS.iterdir()):
        if folder.name != "harbour":
            names = LocalizedText(folder.name.title(), "演示保险公司")
            published(an_insurer(folder.name, legal_name=names, short_name=names), catalog_files(folder.name))
    db.session.commit()
