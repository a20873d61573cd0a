"""The papers about money, and the certificate: each to the standard of the policy, made once, mailed, told in words."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pikepdf
import pytest
import requests
from sqlalchemy import text

from marketplace.catalog.values import PaymentMethod
from marketplace.checkout import queries, services
from marketplace.checkout.values import Order, OrderState, PaymentUrls
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence.values import Attachment, MessageKind
from marketplace.infra import pdf, seals, signing
from marketplace.infra.db import db
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import Purpose, RefundState
from marketplace.policy import queries as policies
from marketplace.policy import services as policy_services
from marketplace.policy.values import DocumentState, Ground, Paper, PaperFinished, PaperKind
from marketplace.quoting.values import OfferView
from marketplace.traceability.values import Actor, ActorRole
from tests.deferred_jobs import drain, hasten, waiting
from tests.factories.accounts import a_guest, an_insurer
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.factories.traceability import a_journey
from tests.simulator_server import SECRET_KEY, SimulatorServer

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")
ATTACHED = {
    PaperKind.POLICY: "policy.json",
    PaperKind.CERTIFICATE: "certificate.json",
    PaperKind.RECEIPT: "receipt.json",
    PaperKind.REFUND_LETTER: "refund_letter.json",
}
LOCALES = ("en", "zh_Hans_CN")


SENT_BACK, DISPUTED = "4000000000005126", "4000000000000259"
FINANCE = Actor(ActorRole.ADMIN, label="admin_finance")


def bought(
    simulator: SimulatorServer, locale: str = "en", *, fails: bool = False, lines: int = 1, card: str | None = None
) -> Order:
    """An order that is paid, and worked at until nothing is left to do."""
    customer, journey_id = a_guest("li.na@example.com", locale), a_journey()
    offers = [a_cheaper_offer(journey_id) for _ in range(lines)]
    order = services.place_order([an_accepted_application(customer, each, locale).id for each in offers], customer.id)
    attempt = services.pay(order.id, URLS)
    db.session.commit()
    url = payment.open_session(attempt.id)
    db.session.commit()
    simulator.pay(url, *([card] if card else []))
    if fails:
        db.session.execute(text("UPDATE quoting_offer SET voided_at = now()"))
        db.session.commit()
    services.check_payment(order.id)
    drain()
    db.session.expire_all()
    return queries.order(order.id)


def a_cheaper_offer(journey_id: UUID) -> OfferView:
    """Of a new insurer, before all that are there: the first costs 106.00 with its tax."""
    before = db.session.execute(text("SELECT count(*) FROM accounts_insurer")).scalar_one()
    return an_offer_of(an_insurer(f"harbour{before}"), f"{100 - 10 * before}.00", journey_id=journey_id)


def papers_of(order: Order) -> dict[PaperKind, Paper]:
    contracts = policies.policies_of_order(order.id)
    found = [each for contract in contracts for each in policies.papers_of_contract(contract.id)]
    return {each.kind: each for each in (*found, *policies.papers_of_order(order.id))}


def data_of(document: bytes, kind: PaperKind) -> Mapping[str, Any]:
    with pikepdf.open(BytesIO(document)) as opened:
        return json.loads(opened.attachments[ATTACHED[kind]].get_file().read_bytes())  # type: ignore[no-any-return]


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.requirement("O13-27", "SCM-10")
@pytest.mark.parametrize("locale", LOCALES)
def test_every_paper_keeps_the_standard_of_the_policy(simulator: SimulatorServer, tmp_path: Path, locale: str) -> None:
    issued, refunded = bought(simulator, locale), bought(simulator, locale, fails=True)
    papers = papers_of(issued) | papers_of(refunded)
    assert set(papers) == set(PaperKind)
    for kind, paper in papers.items():
        document = policies.paper_bytes(paper)
        report = signing.check(document, seals.trust_roots(), issued_sha256=paper.sha256)
        assert (report.valid, report.reason) == (True, "sealed"), kind
        assert policies.check_paper(document).ground is Ground.AS_ISSUED
        (tmp_path / "paper.pdf").write_bytes(document)
        with pikepdf.open(BytesIO(document)) as opened:
            declared = opened.open_metadata()
            assert (declared["pdfaid:part"], declared["pdfaid:conformance"], declared["pdfuaid:part"]) == (
                "3",
                "A",
                "1",
            )
            assert opened.Root.MarkInfo.Marked is True
            assert opened.Root.ViewerPreferences.DisplayDocTitle is True
            assert str(opened.Root.Lang) == {"en": "en", "zh_Hans_CN": "zh-CN"}[locale]
            assert paper.number in declared["dc:title"]
            (attached,) = (each for each in opened.Root.AF if each.AFRelationship == "/Data")
            assert str(attached.UF) == ATTACHED[kind]
            raw = attached.EF.F.read_bytes()
            assert raw == pdf.machine_readable(json.loads(raw))
            assert opened.check_pdf_syntax() == []
            assert len(opened.pages) == 1 or kind is PaperKind.POLICY
        if shutil.which("qpdf"):
            done = run(tmp_path, "qpdf", "--check", "paper.pdf")
            assert (done.returncode, done.stderr) == (0, "")
        if shutil.which("pdfsig"):
            said = run(tmp_path, "pdfsig", "-nocert", "paper.pdf").stdout
            assert "Signature Validation: Signature is Valid." in said
            assert "Total document signed" in said


@pytest.mark.requirement("O13-27")
def test_the_receipt_says_who_paid_what_for_which_contract_of_which_insurer(simulator: SimulatorServer) -> None:
    order = bought(simulator)
    (policy,) = policies.policies_of_order(order.id)
    receipt = papers_of(order)[PaperKind.RECEIPT]
    said = data_of(policies.paper_bytes(receipt), PaperKind.RECEIPT)
    assert said["number"] == receipt.number
    assert (said["payer"], said["total"]["minor"], said["currency"]) == ("Lin Yue", 10_600, "CNY")
    (contract,) = said["contracts"]
    assert contract["policy_number"] == policy.number
    assert contract["insurer"]["name"] == "Harbour Life Insurance Co."
    assert sum(line["amount"]["minor"] for line in contract["lines"]) == 10_600
    assert [tax["amount"]["minor"] for tax in said["taxes"]] == [600]
    assert said["agency"]["name"] == "Evenfold insurance agency"
    (attempt,) = payments.attempts_of(Purpose.NEW_BUSINESS, order.id)
    assert attempt.method is PaymentMethod.CARD, "as the provider says, not as it was offered"
    facts = {fact["label"]: fact["value"] for fact in said["facts"]}
    assert facts["Order"] == order.reference
    assert facts["Method of payment"].lower() == PaymentMethod.CARD.words.in_("en").lower()
    assert facts["Payment reference"] == f"{order.reference}/1"


def test_an_order_of_several_contracts_has_one_receipt_for_all(simulator: SimulatorServer) -> None:
    order = bought(simulator, lines=2)
    contracts = policies.policies_of_order(order.id)
    (receipt,) = policies.papers_of_order(order.id)
    said = data_of(policies.paper_bytes(receipt), PaperKind.RECEIPT)
    assert {each["policy_number"] for each in said["contracts"]} == {each.number for each in contracts}
    assert said["total"]["minor"] == sum(each["total"]["minor"] for each in said["contracts"]) == order.total.minor
    names = {f"{receipt.number}.pdf"}
    for contract in contracts:
        mail = correspondence.message_about(MessageKind.POLICY_ISSUED, str(contract.id))
        assert mail is not None
        assert names.isdisjoint(each.name for each in mail.attachments), "this mail is evidence of one contract"
    mail = correspondence.message_about(MessageKind.PAYMENT_RECEIPT, str(order.id))
    assert mail is not None
    assert {each.name for each in mail.attachments} == names


def test_the_certificate_names_persons_and_cover_and_neither_birthdays_nor_money(simulator: SimulatorServer) -> None:
    order = bought(simulator)
    (policy,) = policies.policies_of_order(order.id)
    said = data_of(policies.paper_bytes(papers_of(order)[PaperKind.CERTIFICATE]), PaperKind.CERTIFICATE)
    assert [person["name"] for person in said["persons"]] == ["Lin Yue", "Lin Yue"]
    assert (said["policy"]["number"], said["policy"]["check_code"]) == (policy.number, policy.check_code)
    assert said["covers"]
    everything = json.dumps(said)
    assert "premium" not in {key for key in said if key != "labels"}
    assert policy.body["persons"][0]["birth_on"] not in everything
    assert "106.00" not in everything


@pytest.mark.requirement("O13-43")
def test_the_letter_says_what_goes_back_why_where_and_when(simulator: SimulatorServer) -> None:
    order = bought(simulator, fails=True)
    assert order.state is OrderState.REFUNDED
    assert set(papers_of(order)) == {PaperKind.REFUND_LETTER}, "nothing was bought: there is no receipt"
    letter = papers_of(order)[PaperKind.REFUND_LETTER]
    said = data_of(policies.paper_bytes(letter), PaperKind.REFUND_LETTER)
    assert (said["amount"]["minor"], said["recipient"]) == (10_600, "Lin Yue")
    why, where, when = said["paragraphs"]
    assert "We could not conclude the contract" in why
    assert PaymentMethod.CARD.words.in_("en") in where
    assert "within five to ten working days" in when
    (refund,) = payments.refunds_for(Purpose.NEW_BUSINESS, order.id)
    mail = correspondence.message_about(MessageKind.REFUND_MADE, str(refund.id))
    assert mail is not None
    assert mail.attachments == (Attachment(f"{letter.number}.pdf", "application/pdf", letter.sha256 or ""),)


def letters_of(order: Order) -> list[Paper]:
    return [each for each in policies.papers_of_order(order.id) if each.kind is PaperKind.REFUND_LETTER]


def told_of_refunds() -> list[str]:
    """What the mails about refunds are about, first to last."""
    asked = "SELECT subject_key FROM correspondence_message WHERE kind = 'refund_made' ORDER BY queued_at"
    return list(db.session.execute(text(asked)).scalars())


def test_money_that_came_back_and_is_sent_again_has_a_letter_and_a_mail_of_its_own(simulator: SimulatorServer) -> None:
    order = bought(simulator, fails=True, card=SENT_BACK)
    (refund,), (first,) = payments.refunds_for(Purpose.NEW_BUSINESS, order.id), letters_of(order)
    simulator.wait_for_wallets()
    payment.send_refund(refund.id)
    db.session.commit()
    assert payments.refund(refund.id).state is RefundState.FAILED
    payment.ask_again(refund.id, FINANCE)
    db.session.commit()
    services.note_refund(order.id, refund.id)  # a late job about what came back
    db.session.commit()
    assert (letters_of(order), told_of_refunds()) == ([first], [str(refund.id)]), "it has not left yet"
    drain()
    before, again = letters_of(order)
    assert (before, again.state) == (first, DocumentState.SEALED)
    once, twice = told_of_refunds()
    assert (once, twice) == (str(refund.id), str(again.subject_id))
    mail = correspondence.message_about(MessageKind.REFUND_MADE, twice)
    assert mail is not None
    assert mail.attachments == (Attachment(f"{again.number}.pdf", "application/pdf", again.sha256 or ""),)
    repeated, why, *_ = data_of(policies.paper_bytes(again), PaperKind.REFUND_LETTER)["paragraphs"]
    assert f"our letter {first.number}" in repeated
    assert "We could not conclude the contract" in why
    assert "sent it once more" not in json.dumps(data_of(policies.paper_bytes(first), PaperKind.REFUND_LETTER))
    services.note_refund(order.id, refund.id)
    drain()
    assert (letters_of(order), len(told_of_refunds())) == ([before, again], 2)


def test_a_letter_whose_money_came_back_before_it_was_sealed_is_not_mailed(simulator: SimulatorServer) -> None:
    order = bought(simulator, fails=True, card=SENT_BACK)
    (refund,), (letter,) = payments.refunds_for(Purpose.NEW_BUSINESS, order.id), letters_of(order)
    db.session.execute(text("UPDATE payment_refund SET state = 'failed'"))
    db.session.execute(text("DELETE FROM correspondence_message WHERE kind = 'refund_made'"))
    db.session.commit()
    services.send_paper(PaperFinished(letter.id, letter.kind, refund.id, order.id))
    assert told_of_refunds() == []


def test_of_money_that_a_bank_took_nobody_says_that_we_sent_it(simulator: SimulatorServer) -> None:
    def hear(kind: str) -> None:
        delivery = simulator.webhook(kind)
        payment.receive_event(delivery.payload, delivery.signature)
        drain("payment")

    customer = a_guest("li.na@example.com")
    order = services.place_order([an_accepted_application(customer).id], customer.id)
    attempt = services.pay(order.id, URLS)
    db.session.commit()
    url = payment.open_session(attempt.id)
    db.session.commit()
    simulator.pay(url, DISPUTED)
    db.session.execute(text("UPDATE quoting_offer SET voided_at = now()"))
    payment.settle(attempt.id)
    db.session.commit()
    hear("charge.dispute.created")
    drain()
    assert queries.order(order.id).state is OrderState.NOT_ISSUABLE
    (dispute,) = payments.disputes()
    evidence = {"evidence[uncategorized_text]": "losing_evidence"}
    requests.post(f"{simulator.url}/v1/disputes/{dispute.id}", evidence, auth=(SECRET_KEY, ""), timeout=10)
    simulator.wait_for_wallets()
    hear("charge.dispute.closed")
    drain()
    (refund,) = payments.refunds_for(Purpose.NEW_BUSINESS, order.id)
    assert (refund.state, queries.order(order.id).state) == (RefundState.OVERTAKEN, OrderState.REFUNDED)
    assert simulator.listed("/v1/refunds") == []
    assert (letters_of(order), told_of_refunds()) == ([], [])


def test_papers_are_made_once_and_numbered_without_gaps(simulator: SimulatorServer) -> None:
    first, second = bought(simulator), bought(simulator)
    numbers = [papers_of(each)[PaperKind.RECEIPT].number for each in (first, second)]
    assert [number[-6:] for number in numbers] == ["000001", "000002"]
    before = papers_of(first)
    services.order_receipt(first.id)
    drain()
    assert papers_of(first) == before
    failed = bought(simulator, fails=True)
    (refund,) = payments.refunds_for(Purpose.NEW_BUSINESS, failed.id)
    services.note_refund(failed.id, refund.id)
    drain()
    assert [each.number[-6:] for each in policies.papers_of_order(failed.id)] == ["000001"]
    assert correspondence.message_about(MessageKind.REFUND_MADE, str(refund.id)) is not None


def test_a_letter_that_cannot_be_printed_keeps_nobody_from_being_told(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unprintable(template: str, *_: Any, **__: Any) -> bytes:
        raise pdf.Unprintable(f"the template {template} failed")

    with monkeypatch.context() as broken:
        broken.setattr(pdf, "render", unprintable)
        order = bought(simulator, fails=True)
    (letter,) = policies.papers_of_order(order.id)
    assert (letter.state, letter.sha256) == (DocumentState.FAILED, None)
    (refund,) = payments.refunds_for(Purpose.NEW_BUSINESS, order.id)
    mail = correspondence.message_about(MessageKind.REFUND_MADE, str(refund.id))
    assert mail is not None
    assert (mail.attachments, mail.state) == ((), "sent")
    assert policy_services.retry_failed() == 1
    db.session.commit()
    drain()
    (again,) = policies.papers_of_order(order.id)
    assert (again.number, again.state) == (letter.number, DocumentState.SEALED)


def test_a_receipt_that_comes_late_follows_in_a_mail_of_its_own(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = services.papers.policy.order_paper

    def away(*_: Any) -> UUID:
        return UUID(int=0)

    monkeypatch.setattr(services.papers.policy, "order_paper", away)
    order = bought(simulator)
    (policy,) = policies.policies_of_order(order.id)
    about = str(policy.id)
    assert correspondence.message_about(MessageKind.POLICY_ISSUED, about) is None, "it waits some seconds"
    db.session.execute(text("UPDATE policy_document SET sealed_at = sealed_at - interval '1 minute'"))
    hasten("checkout.send_policy")
    drain()
    mail = correspondence.message_about(MessageKind.POLICY_ISSUED, about)
    assert mail is not None
    assert [each.name for each in mail.attachments] == [f"{policy.number}.pdf", f"{policy.number}-certificate.pdf"]
    assert "checkout.send_payment_receipt" in waiting()
    monkeypatch.setattr(services.papers.policy, "order_paper", kept)
    for _ in range(2):
        hasten("checkout.send_payment_receipt")
        drain()
    (receipt,) = policies.papers_of_order(order.id)
    late = correspondence.message_about(MessageKind.PAYMENT_RECEIPT, str(order.id))
    assert late is not None
    assert late.attachments == (Attachment(f"{receipt.number}.pdf", "application/pdf", receipt.sha256 or ""),)
    assert "checkout.send_payment_receipt" not in waiting()


def test_what_a_receipt_says_is_sealed_for_whom_it_is_about(simulator: SimulatorServer) -> None:
    order = bought(simulator)
    row = db.session.execute(text("SELECT sealed_for, content FROM policy_document WHERE kind = 'receipt'")).one()
    assert row.sealed_for == order.lines[0].application_id
    assert b"Lin Yue" not in bytes(row.content)
