"""The site that the walker walks: a sale, its people signed in, and an address for every endpoint."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from marketplace.accounts import queries as accounts
from marketplace.accounts import rules
from marketplace.accounts import services as account_services
from marketplace.accounts.values import Account, Desk, Insurer, Invitation, KeyScope, NewInvitation, NewTerm, Role
from marketplace.catalog.values import Line
from marketplace.consultation import services as consultation
from marketplace.correspondence import queries as correspondence
from marketplace.disclosure import services as disclosure
from marketplace.disclosure.values import NewReport
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.listing import queries as listing
from marketplace.listing import services
from marketplace.oversight import queries as oversight
from marketplace.oversight import services as oversight_services
from marketplace.oversight.values import SaleFilter
from marketplace.payment import queries as payments
from marketplace.payment.values import Purpose, RefundReason
from marketplace.policy import queries as policies
from marketplace.policy.values import PaperKind
from marketplace.privacy import services as privacy
from marketplace.privacy.values import Dispute, OpenHold
from marketplace.quoting import queries as quoting
from marketplace.screening import queries as screening
from marketplace.screening.services.finding import open_case
from marketplace.screening.values import Finding, RuleCode
from marketplace.servicing import queries as servicing
from marketplace.web.doors import ACCESS
from sandbox.demo.visitor import Identity, Visitor
from tests.factories.accounts import (
    PASSWORD,
    a_customer,
    a_member_of_staff,
    an_applicant,
    an_authenticator,
    an_insurer,
)
from tests.factories.catalog import STAFF as STAFF_ACTOR
from tests.factories.catalog import changed
from tests.factories.consultation import NINETY, PUBLIC, a_question, consented, own, registered
from tests.factories.disclosure import an_announcement
from tests.factories.evidence import acting, kept_evidence
from tests.factories.listing import accepted, people_of
from tests.factories.payment import a_refused_wish, a_wish
from tests.factories.recordings import record, view_of
from tests.simulator_server import SimulatorServer
from tests.web.conftest import ANSWERS, LI_NA, go_on, newest_code, newest_link, open_shop, run_jobs
from tests.web.desk_visits import WHY, sign_in

STAFF = {role.value: role for role in Role if role.is_staff}
OTHER_INSURER = "other_insurer"  # an administrator of another insurer than the one that sold
SOLD = "admin_sales"  # by whom what only its owner may touch is asked for
ROLES = ("visitor", "half", "owner", "other", *STAFF, OTHER_INSURER)
"""Who asks: `owner` bought, `other` is another customer, `half` gave the password of staff and no second step."""
ZHOU = Identity("Zhou Min", date(1990, 1, 2), "zhou.insures@example.com")
LONG_AGO, NEVER = date(2026, 1, 1), date(2999, 1, 1)
CARD = b"Age,Male,Female\n18-40,0.45,0.30\n41-65,1.10,0.80\n"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Site:
    """An application with a browser for each role. `places` fills in what addresses hold, by endpoint or for all;
    `accounts` are those of staff by role.
    """

    app: Flask
    browsers: dict[str, FlaskClient]
    accounts: dict[str, UUID] = field(default_factory=dict)
    places: dict[str, dict[str, Any]] = field(default_factory=dict)
    token_from: str = "/verify"
    tokens: dict[str, str] = field(default_factory=dict)

    def path(self, endpoint: str, *, seeded: bool = True) -> str:
        """An address of this endpoint: of what was seeded, or of what is not there."""
        rules_ = sorted(self.app.url_map.iter_rules(endpoint), key=lambda rule: len(rule.arguments))
        known = self.places.get("", {}) | self.places.get(endpoint, {})
        absent = {"filename": "no-such-file", "line": "term_life", "number": 99, "token": "no-such-token"}
        absent |= {"day": NEVER, "month": NEVER, "form": "csv"}
        values = {
            name: known.get(name) if seeded and name in known else absent.get(name, uuid4())
            for name in rules_[-1].arguments
        }
        with self.app.test_request_context():
            return str(rules_[-1].build(values)[1])

    def ask(self, role: str, method: str, path: str, **more: Any) -> TestResponse:
        """A request as the browser of `role` would send it: from a page of ours, with its token where it changes."""
        data = more.pop("data", {} if method == "GET" else {"csrf_token": self.token(role)})
        return self.browsers[role].open(path, method=method, data=data or None, buffered=True, **more)

    def token(self, role: str) -> str:
        if role not in self.tokens:
            found = TOKEN.search(self.browsers[role].get(self.token_from).get_data(as_text=True))
            self.tokens[role] = found[1] if found else ""
        return self.tokens[role]

    def endpoints(self) -> list[str]:
        return sorted({rule.endpoint for rule in self.app.url_map.iter_rules()})

    def methods(self, endpoint: str) -> set[str]:
        """What the endpoint takes, without what comes along by itself."""
        taken = {method for rule in self.app.url_map.iter_rules(endpoint) for method in rule.methods or ()}
        return taken - {"HEAD", "OPTIONS"}


@contextmanager
def no_limits() -> Iterator[None]:
    """A walk asks more often than a person may, and lasts longer than the visit of one."""
    day = timedelta(days=1)
    limits = {bucket: rules.Limit(1_000_000, each.window) for bucket, each in rules.LIMITS.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "LIMITS", limits)
        patch.setattr(rules, "PROOF_IS_FRESH", day)
        for name in ("CUSTOMER_SESSION", "STAFF_SESSION", "HALF_OPEN_SESSION"):
            patch.setattr(rules, name, rules.SessionLimits(idle=day, absolute=day))
        yield


@contextmanager
def a_walked_site(app: Flask, simulator: SimulatorServer) -> Iterator[Site]:
    """Li Na has bought and begun to buy again; everybody is signed in; nobody has proven anything twice but staff."""
    app.test_client_class = FlaskClient
    with open_shop(app, simulator), no_limits():
        owner = _buy(app)
        under_way = _begin(app, owner)
        people = _people(app)
        visitors = {"owner": owner, "half": _half_way_in(app, people["half"])}
        visitors |= {role: _visitor(app, people.get(role)) for role in ROLES if role not in visitors}
        site = Site(app, {role: visitors[role].client for role in ROLES})
        site.accounts = {role: account.id for role, account in people.items() if account.role.is_staff}
        site.places = _places(app, site, owner, under_way, people[SOLD])
        _say_why(site)
        yield site


def _say_why(site: Site) -> None:
    """Everybody who may look at the sale has said why."""
    for endpoint in ("sales_log.sale", "insurer_sales.sale"):
        for role in sorted(ACCESS[endpoint].roles):
            data = {"csrf_token": site.token(role), "reason": WHY}
            assert site.ask(role, "POST", site.path(endpoint), data=data).status_code == 303, role


def _visitor(app: Flask, account: Account | None) -> Visitor:
    visitor = Visitor(app.test_client())
    visitor.get("/")
    return sign_in(app, visitor, account) if account else visitor


def _half_way_in(app: Flask, account: Account) -> Visitor:
    """In front of the second step."""
    with app.app_context():
        an_authenticator(account)
        db.session.commit()
    half = Visitor(app.test_client())
    half.get("/sign-in")
    half.post({"email": account.email, "password": PASSWORD})
    return half


def _people(app: Flask) -> dict[str, Account]:
    """Everybody who signs in but the owner: another customer, and a member of staff in each role."""
    with app.app_context():
        harbour, farshore = accounts.insurer_by_code("harbour"), an_insurer("farshore")
        people = {
            name: a_member_of_staff(role, harbour if role.desk is Desk.INSURER else None)
            for name, role in STAFF.items()
        }
        people[OTHER_INSURER] = a_member_of_staff(Role.INSURER_ADMIN, farshore)
        people["half"] = a_member_of_staff(Role.ADMIN_SALES)
        people["other"] = a_customer("other@example.com")
        db.session.commit()
    return people


def _buy(app: Flask) -> Visitor:
    owner = Visitor(app.test_client())
    owner.get("/")
    owner.enter(owner.compare("term_life", ANSWERS)[0])
    go_on(owner, "pay", LI_NA, lambda address: newest_code(app, address))
    assert owner.pay()
    run_jobs(app)
    owner.get("/account/data/copy")
    owner.post({})
    owner.get("/account/data/ask")
    owner.post({"kind": "access", "words": "What do you keep about me?"})
    run_jobs(app)
    return owner


def _begin(app: Flask, owner: Visitor) -> dict[str, str]:
    """The addresses of an application that was begun and not finished, and of what led to it."""
    offer = owner.compare("term_life", ANSWERS)[0]
    comparison = owner.at
    owner.enter(offer)
    owner.give_address(LI_NA.email)
    application = owner.at.split("/")[2]
    elsewhere = Visitor(app.test_client())
    elsewhere.get("/sign-in")
    elsewhere.get("/find")
    elsewhere.post({"email": LI_NA.email})
    elsewhere.post({"code": newest_code(app, LI_NA.email)})
    return {"application_id": application, "offer_id": offer.split("/")[2], "reference": comparison.split("/")[3]}


PLANNED = {
    "age": "34", "sex": "female", "income": "100000", "smoker": "no", "public_insurance": "yes",
    "hospital_cover": "yes", "region": "shanghai", "debts": "400000", "budget": "9000",
}  # fmt: skip


def _plan(owner: Visitor) -> dict[str, dict[str, Any]]:
    """The addresses of a plan and of its basket, of which nothing has been applied for."""
    owner.get("/needs")
    start = re.search(r'name="start_on"[^>]*value="([^"]+)"', owner.text)
    assert start
    owner.post(PLANNED | {"start_on": start[1]})
    scheme = {"reference": owner.at.split("/")[2], "part": 0}
    owner.post({}, f"{owner.at}/apply")
    basket = {"basket_id": owner.at.split("/")[2], "number": 1}
    return dict.fromkeys(("needs.scheme", "needs.change_part", "needs.apply"), scheme) | dict.fromkeys(
        ("basket.basket", "basket.take_out", "basket.put_back", "basket.pay"), basket
    )


def _certificate(app: Flask, policy_id: UUID) -> UUID:
    with app.app_context():
        papers = policies.papers_of_contract(policy_id)
    return next(each.id for each in papers if each.kind is PaperKind.CERTIFICATE)


def _premium(app: Flask, policy_id: UUID) -> UUID:
    with app.app_context():
        return servicing.premiums_of(policy_id)[0].id


def _places(app: Flask, site: Site, owner: Visitor, under_way: dict[str, str], admin: Account) -> dict[str, Any]:
    with app.app_context():
        sold = next(sale for sale in oversight.sales(SaleFilter()).sales if sale.policy_id)
        told = next(entry for entry in oversight.timeline(sold.id) if entry.has_page)
        here, account_id = _session_of(owner)
        elsewhere = next(each for each in accounts.sessions(account_id) if each.id != here)
        factor = accounts.factors(admin.id).factors[0]
        upload_id, version_id, paper = _a_published_upload()
        harbour = accounts.insurer_by_code("harbour")
        card = services.keep_rate_card(harbour.id, "published", Line.TERM_LIFE, CARD, STAFF_ACTOR)
        key = account_services.make_api_key(
            accounts.account(site.accounts["insurer_admin"]), "nightly upload", 30, frozenset({KeyScope.CATALOGS_WRITE})
        ).key
        desk = accounts.account(site.accounts["admin_owner"])
        rejected = account_services.reject_applicant(an_applicant().id, "no", desk)
        proposed = account_services.propose_terms(NewTerm(harbour.id, "travel", 1500, clock.today(ZONE)), desk)
        account_services.accept_terms(proposed.id, accounts.account(site.accounts["insurer_admin"]))
        invited = _invite(harbour, desk)
        leaving = a_member_of_staff(Role.INSURER_CLAIMS, harbour)
        readers = {
            "evidence_desk": accounts.account(site.accounts["admin_compliance"]),
            "insurer_evidence": accounts.account(site.accounts["insurer_admin"]),
            "policy_evidence": accounts.account(account_id),
        }
        assert sold.application_id
        recorded = view_of(sold.application_id, "application.exclusions")
        record(recorded, ticked=True)
        assert sold.policy_id
        officer = acting(accounts.account(site.accounts["admin_compliance"]))
        dispute = privacy.open_hold(OpenHold(sold.policy_id, Dispute.COMPLAINT, "K-1", "She was not told.", officer))
        assert sold.order_id
        (paid,) = payments.attempts_of(Purpose.NEW_BUSINESS, sold.order_id)
        wished = a_refused_wish(paid.id, site.accounts["admin_finance"], site.accounts["admin_owner"])
        a_wish(paid.id, site.accounts["admin_finance"], amount=Money(100, "CNY"), reason=RefundReason.GOODWILL)
        (refund,) = payments.refunds_for(Purpose.NEW_BUSINESS, sold.order_id)
        asked_of = _a_question(site, UUID(under_way["offer_id"]), accounts.account(account_id)) | {
            "sample_id": oversight_services.draw_sample(),
            "announcement_id": an_announcement().id,
            "report_id": disclosure.take_report(NewReport("evenfo1d.example", "It looks like yours.", "", "en")).id,
        }
        evidence = {desk: kept_evidence(sold.application_id, reader) for desk, reader in readers.items()}
        db.session.commit()
        with_file = next(mail.id for mail in correspondence.inbox() if mail.attachments)
    document = re.search(r"/documents/([0-9a-f-]{36})", owner.get(f"/offers/{under_way['offer_id']}"))
    copy = re.search(r"/account/data/copies/([0-9a-f-]{36})", owner.get("/account/data"))
    wishes = site.browsers["admin_compliance"].get(site.path("data_desk.desk")).text
    wish = re.search(r"/requests/([0-9a-f-]{36})", wishes)
    mail = re.search(r"/inbox/([0-9a-f-]{36})", owner.get("/inbox"))
    assert document
    assert copy
    assert wish
    assert mail
    every = {
        **under_way, "line": "term_life", "number": 1, "filename": "css/evenfold.css", "sale_id": sold.id,
        "entry_id": told.entry_id, "policy_id": sold.policy_id, "session_id": elsewhere.id, "factor_id": factor.id,
        "document_id": document[1], "export_id": copy[1], "request_id": wish[1], "message_id": mail[1],
        "token": newest_link_token(app, owner), "upload_id": upload_id, "version_id": version_id, "card_id": card.id,
        "code": harbour.code, "insurer_id": harbour.id, "key_id": key.id, "applicant_id": rejected.application.id,
        "attempt_id": paid.id, "wish_id": wished.id, "refund_id": refund.id,
        "case_id": _a_case(app, sold.application_id),
        "hold_id": dispute.id, "term_id": proposed.id, "invitation_id": invited.id, "colleague_id": leaving.id,
        "day": LONG_AGO, "month": LONG_AGO, "form": "csv",
        "paper_id": _certificate(app, sold.policy_id), "premium_id": _premium(app, sold.policy_id), **asked_of,
    }  # fmt: skip
    bought = {"application_id": sold.application_id}
    finished = ("checkout.pay", "checkout.returned", "checkout.done", "checkout.policy_document")
    attached = {"message_id": with_file, "number": 0}
    drafted = {"filename": paper}
    papers = dict.fromkeys(("insurer_uploads.document", "listing_review.document"), drafted)
    read = {
        f"{desk}.{name}": {"bundle_id": bundle_id}
        for desk, bundle_id in evidence.items()
        for name in ("bundle", "download")
    }
    asked = {"evidence_desk.ask": bought, "replay_desk.recording": {"entry_id": recorded.id}}
    special = (
        read
        | asked
        | {"replay_desk.recording": {"entry_id": recorded.id}}
        | {"insured.answer": {"token": link_of_insured(app)}}
        | {"inbox.attachment": attached, "applicant_desk.paper": {"number": 0}}
    )
    return {"": every} | special | papers | dict.fromkeys(finished, bought) | _plan(owner)


def _a_case(app: Flask, application_id: UUID | None) -> UUID:
    """Of a pattern that nothing else here makes."""
    assert application_id is not None
    with app.app_context():
        open_case(Finding(RuleCode.BOUGHT_AND_LEFT, "0" * 64, (application_id,), {"times": 3}))
        db.session.commit()
        return next(each.id for each in screening.waiting_cases() if each.rule is RuleCode.BOUGHT_AND_LEFT)


def _invite(insurer: Insurer, by: Account) -> Invitation:
    asked = NewInvitation(insurer.id, "asked@harbour.example", "Asked", Role.INSURER_CLAIMS)
    return account_services.invite_staff(asked, by)


def _a_question(site: Site, offer_id: UUID, owner: Account) -> dict[str, UUID]:
    """What the owner asked, and was answered; a public answer of it that was refused, with a consent that was taken
    back; and an entry of the register of practitioners that has ended.
    """
    claims = accounts.account(site.accounts["insurer_claims"])
    harbour = accounts.insurer_by_code("harbour")
    certificate = registered(claims, harbour, ("term_life",))
    thread = a_question(quoting.offer(offer_id), owner)
    consultation.answer_question(thread.id, claims, NINETY)
    consented(thread)
    answer = consultation.propose_answer(thread.id, claims, PUBLIC)
    consultation.refuse_answer(answer.id, accounts.account(site.accounts["admin_sales"]), "It names the town.")
    consultation.withdraw_consent(thread.id, own(thread))
    account_services.end_practitioner(certificate.id, claims)
    return {"thread_id": thread.id, "answer_id": answer.id, "practitioner_id": certificate.id}


def _a_published_upload() -> tuple[UUID, UUID, str]:
    """A catalog that was accepted and is not on sale yet, its version, and one of its documents."""
    people = people_of(accounts.insurer_by_code("harbour"))
    (version_id,) = accepted(people, changed("catalog.toml", "2026-01-01", "2099-01-01"))
    (upload,) = listing.uploads_of_insurer(people.insurer.id)
    db.session.commit()
    return upload.id, version_id, listing.draft(upload.id, 1).content.documents[0].sha256


def newest_link_token(app: Flask, owner: Visitor) -> str:
    """A link by which somebody sets a new password."""
    elsewhere = Visitor(app.test_client())
    elsewhere.get("/reset")
    elsewhere.post({"email": LI_NA.email})
    return newest_link(app, LI_NA.email, "password_reset").rsplit("/", 1)[1]


def link_of_insured(app: Flask) -> str:
    """By which somebody whom another customer wants to insure is asked to agree."""
    applicant = Visitor(app.test_client())
    applicant.enter(applicant.compare("term_life", ANSWERS)[0])
    go_on(applicant, "people", ZHOU, lambda address: newest_code(app, address))
    insured = {"insured_name": "Wang Jun", "insured_birth_on": "1992-03-05", "insured_email": "wang.jun@example.com"}
    applicant.post(
        {"applicant_name": ZHOU.name, "applicant_birth_on": "1990-01-02", "relationship": "spouse"} | insured
    )
    go_on(applicant, "insured", ZHOU, lambda address: newest_code(app, address))
    applicant.post({})
    return newest_link(app, "wang.jun@example.com", "insured_asked").rsplit("/", 1)[1]


def _session_of(owner: Visitor) -> tuple[UUID, UUID]:
    """The session of this browser and whose it is."""
    cookie = owner.client.get_cookie("session")
    assert cookie
    found = accounts.session_behind(cookie.value)
    assert found
    return found[0].id, found[1].id
