"""The roads of a purchase, walked by customers without script: each step in its order, or posted before its turn.

What can be posted is read from the declared road (`web/customer/road.py`), so a step that comes to it is tried too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from flask import Flask, url_for

from marketplace.application import queries as applications
from marketplace.application import services
from marketplace.application.rules import ORDER
from marketplace.application.values import ApplicationView, Ruling, State, Step
from marketplace.catalog.values import Line, Outcome, ProductContent, Profile
from marketplace.infra.db import db
from marketplace.infra.identity.demonstration import specimen_number
from marketplace.traceability.values import Actor, ActorRole
from marketplace.underwriting.values import ReasonCode
from marketplace.web.customer.road import ENDPOINTS
from sandbox.demo.visitor import SUITS, Identity, LostError, Visitor, hidden_fields
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.quoting import INFORMATION, a_content, a_question, a_tariff, publish
from tests.web.conftest import asked, form_for, go_one, newest_link

ZHOU = Identity("Zhou Min", date(1992, 3, 5), "zhou.min@example.com")
HUSBAND = {"insured_name": "Wang Jun", "insured_birth_on": "1992-03-05", "insured_email": "wang.jun@example.com"}
QUESTIONS = (a_question("back"), a_question("smokes", Outcome.LOAD, loading="25 percent"))
TRIP = {"zone": "europe", "days": "10", "age": "34", "sports": "no"}
TERM = {
    "age": "34", "sex": "female", "smoker": "no", "sum_insured": "1000000", "term_years": "20",
    "occupation_class": "1", "region": "shanghai",
}  # fmt: skip
TYPED = {
    "email": ZHOU.email, "code": "123456", "applicant_name": ZHOU.name, "applicant_birth_on": "1992-03-05",
    "relationship": "self", "kind": "resident_card", "name": ZHOU.name, "number": specimen_number(ZHOU.born_on),
    "notice": "yes", "health_consent": "yes", "back": "no", "smokes": "no", "confirm": "yes", "declare": "yes",
    "agree": "yes", "answer": "Nothing of that kind.", "own_will": "yes",
    "client_notice": "yes", "privacy_notice": "yes", **SUITS,
}  # fmt: skip
"""Everything that the forms of all steps ask for: a form that is posted too early lacks nothing but its turn."""

MOST_PAPERS = 5
_ENDS = {Step.ENTRY, Step.DONE}


def _steps(*but: Step, and_: tuple[Step, ...] = ()) -> tuple[Step, ...]:
    """The declared road without what this product does not ask: a step that is new there is on every road here."""
    return tuple(step for step in ORDER if step in and_ or step in ENDPOINTS.keys() - _ENDS - {*but})


@dataclass(frozen=True)
class Road:
    """One way through an application: `steps` are those at which its customer stands, in the order of the words."""

    steps: tuple[Step, ...]
    line: Line = Line.TRAVEL
    content: ProductContent | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    yes: frozenset[str] = frozenset()


WITH_QUESTIONS = a_content("trip", questions=QUESTIONS)
ROADS = {
    "a simple product": Road(
        _steps(Step.NEEDS, Step.IDENTITY, Step.QUESTIONS, Step.CONSENT, Step.COUNTER_OFFER),
        content=a_content("trip", profile=Profile.EU_NONLIFE, information=INFORMATION),
    ),
    "with proof of identity": Road(_steps(Step.NEEDS, Step.CONSENT, Step.COUNTER_OFFER), content=WITH_QUESTIONS),
    "with the consent of the insured": Road(
        _steps(Step.COUNTER_OFFER), Line.TERM_LIFE, told={"relationship": "spouse"} | HUSBAND
    ),
    "referred and asked": Road(
        _steps(Step.NEEDS, Step.CONSENT, Step.COUNTER_OFFER, and_=(Step.REFERRED,)),
        content=WITH_QUESTIONS,
        yes=frozenset({"back"}),
    ),
    "on other terms": Road(_steps(Step.NEEDS, Step.CONSENT), content=WITH_QUESTIONS, yes=frozenset({"smokes"})),
}
"""Those of one contract. Harbour Term, which pays on death, is on sale in every shop of the tests."""


def posted_steps(shop: Flask) -> set[Step]:
    """The steps of the declared road that have a form. The entry page opens an application, so there is none before."""
    forms = {rule.endpoint for rule in shop.url_map.iter_rules() if "POST" in (rule.methods or ())}
    return {step for step, endpoint in ENDPOINTS.items() if endpoint in forms} - {Step.ENTRY}


@dataclass
class Traveller:
    """A customer on one of the roads."""

    shop: Flask
    visitor: Visitor
    road: Road
    code_for: Callable[[str], str]
    who: Identity = ZHOU
    application_id: UUID = field(init=False)

    def begin(self, offer: str | None = None) -> None:
        """From the comparison past the entry page."""
        if offer is None:
            if self.road.content is not None:
                with self.shop.app_context():
                    publish(an_insurer("trips"), self.road.content, a_tariff())
                    db.session.commit()
            offer = self.visitor.compare(self.road.line.value, TRIP if self.road.line is Line.TRAVEL else TERM)[0]
        self.visitor.get(offer)
        self.visitor.get(offer.replace("/offers/", "/apply/"))
        self.visitor.post(dict.fromkeys(re.findall(r'type="checkbox" name="([^"]+)"', self.visitor.text), "yes"))
        found = re.match(r"/application/([0-9a-f-]{36})/", self.visitor.at)
        assert found, self.visitor.at
        self.application_id = UUID(found[1])

    @property
    def view(self) -> ApplicationView:
        with self.shop.app_context():
            return applications.application_view(self.application_id)

    @property
    def resume(self) -> str:
        return f"/application/{self.application_id}"

    def go_on(self) -> None:
        """Do the one step that may be done now."""
        step, visitor = self.view.next_step, self.visitor
        visitor.get(self.resume)
        acts: dict[Step, Callable[[], object]] = {
            Step.EMAIL: lambda: visitor.post({"email": self.who.email}),
            Step.CODE: lambda: visitor.post({"code": self.code_for(self.who.email)}),
            Step.PEOPLE: self._tell,
            Step.QUESTIONS: self._answer,
            Step.DOCUMENTS: self._read,
            Step.CONSENT: self._have_the_insured_agree,
            Step.REVIEW: lambda: visitor.post({"declare": "yes"}),
            Step.REFERRED: self._be_decided_about,
            Step.COUNTER_OFFER: lambda: visitor.post({"agree": "yes"}),
        }
        for _ in range(MOST_PAPERS):
            acts.get(step, lambda: go_one(visitor, self.who, self.code_for))()
            if self.view.next_step is not step:
                return
        raise LostError(f"{step} is not done at {visitor.at} ({visitor.status})")

    def pay(self) -> None:
        self.visitor.get(f"{self.resume}/pay")
        assert self.visitor.pay() is True

    def _tell(self) -> None:
        if not self.road.told:
            self.visitor.give_people(self.who)
            return
        self.visitor.post(
            {"applicant_name": self.who.name, "applicant_birth_on": self.who.born_on.isoformat()} | self.road.told
        )

    def _answer(self) -> None:
        said = {name: "yes" if name in self.road.yes else "no" for name in asked(self.visitor.text)}
        self.visitor.post({"notice": "yes", "health_consent": "yes"} | said)

    def _read(self) -> None:
        """A document that its page does not show is opened first."""
        if 'name="open"' in self.visitor.text:
            self.visitor.client.post(self.visitor.at, data=hidden_fields(self.visitor.text) | {"open": "1"})
        self.visitor.post({"confirm": "yes"})

    def _have_the_insured_agree(self) -> None:
        self.visitor.post({})
        insured = Visitor(self.shop.test_client())
        insured.get(newest_link(self.shop, HUSBAND["insured_email"], "insured_asked"))
        card = {"kind": "resident_card", "name": "Wang Jun", "number": specimen_number(date(1992, 3, 5))}
        insured.post(card | {"agree": "yes"})
        assert "You have agreed." in insured.text

    def be_asked(self) -> None:
        """By the underwriter."""
        with self.shop.app_context():
            services.ask_applicant(self.application_id, self.view.offer.insurer_id, "Since when?", _clerk())
            db.session.commit()

    def _be_decided_about(self) -> None:
        """The question is answered, and the underwriter accepts."""
        if self.visitor.at.endswith("/question"):
            self.visitor.post({"answer": "Since last year."})
        with self.shop.app_context():
            words = "Your back is well again."
            ruling = Ruling(self.application_id, self.view.offer.insurer_id, 2, ReasonCode.HEALTH, words)
            assert services.decide_referral(ruling, _clerk()).state is State.ACCEPTED
            db.session.commit()

    # --- out of turn ------------------------------------------------------------------------------------------------

    def post_early(self, step: Step) -> tuple[int, str]:
        """The form of a step, genuine in everything but its turn: status and page of the answer."""
        with self.shop.test_request_context():
            path = url_for(ENDPOINTS[step], application_id=self.application_id)
        data = form_for(self.shop, self.visitor, path) | TYPED | self._hashes(step)
        answer = self.visitor.client.post(path, data=data)
        return answer.status_code, answer.get_data(as_text=True)

    def _hashes(self, step: Step) -> dict[str, str]:
        """Of what the page of the step would show now."""
        view = self.view
        found = {
            Step.QUESTIONS: view.health_consent.subject_sha256 if view.health_consent else "",
            Step.DOCUMENTS: view.documents[0].document.sha256,
            Step.EXCLUSIONS: view.exclusions_sha256,
            Step.REVIEW: view.told_sha256,
            Step.COUNTER_OFFER: view.counter.sha256 if view.counter else "",
        }
        return {"sha256": found.get(step, "")}


def _clerk() -> Actor:
    return Actor(ActorRole.INSURER, a_member_of_staff().id, "insurer_underwriter")
