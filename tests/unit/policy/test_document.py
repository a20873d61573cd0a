"""What the contract says, and that its paper can be set in both languages, twice the same."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pikepdf
import pytest

from marketplace.catalog.values import Payment, Risk
from marketplace.infra import pdf
from marketplace.kernel.canonical import canonical_bytes, digest
from marketplace.kernel.text import LocalizedText as Words
from marketplace.policy import rules
from marketplace.policy.document import Conclusion, Facing, contract_body, paper
from marketplace.traceability.values import Channel
from tests.factories.policy import AGENCY, a_command, a_content, an_insurer

CONCLUDED_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
FACING = Facing(
    check_code="7KMF94QC",
    verify_url="http://localhost:8000/verify?number=EF-HARBOUR-2026-000042",
    verify_page="http://localhost:8000/verify",
    seal_name="SPECIMEN Harbour Life Insurance Co.",
    trust_policy="http://localhost:8000/log/trust.policy",
    log_key="localhost/log+6b1c9f0a+AbHy",
)


def a_body(risk: Risk | None = None, **changes) -> dict:
    content, command = a_content(**changes), a_command()
    command = replace(command, risk={**command.risk, **(risk or {})})
    period = rules.period(content.term, command.risk, command.start_on, "Asia/Shanghai")
    conclusion = Conclusion("EF-HARBOUR-2026-000042", Channel.SELF, CONCLUDED_AT, period)
    return contract_body(command, conclusion, content, an_insurer(), AGENCY)


@pytest.mark.requirement("PER-09")
def test_the_contract_names_everything_a_policy_must_show() -> None:
    body = a_body()
    assert body["number"] == "EF-HARBOUR-2026-000042"
    assert body["insurer"]["legal_name"]["zh"] == "港湾人寿保险有限公司"
    assert body["insurer"]["phone"] == "400-000-0001"
    assert body["agency"]["legal_name"] == {"en": "Evenfold insurance agency", "zh": "衡页保险代理"}
    assert body["product"]["name"]["en"] == "Harbour Term 20"
    assert body["product"]["clause_name"]["en"] == "Harbour Term Life Insurance Clauses"
    assert [(each["role"], each["name"]) for each in body["persons"]] == [
        ("applicant", "Zhang Wei"),
        ("insured", "张伟"),
    ]
    assert body["period"] == {"start_on": "2027-03-01", "end_on": "2047-02-28", "zone": "Asia/Shanghai"}
    assert (body["premium"]["minor"], body["premium"]["currency"]) == (128_400, "CNY")
    assert (body["premium"]["frequency"], body["premium"]["times"]) == ("yearly", 20)
    assert sum(line["minor"] for line in body["premium"]["lines"]) == 128_400
    assert [each["code"] for each in body["exclusions"]] == ["suicide", "war"]
    assert [each["sha256"] for each in body["documents"]] == [each.sha256 for each in a_content().documents]
    assert body["key_facts"]["waiting_days"] == 90
    assert body["channel"] == "self"
    facts = {fact["label"]: fact["value"] for fact in paper(body, FACING, "en")["facts"]}
    assert facts["Bought"] == "online, without a salesperson"
    assert facts["Sum insured"] == "¥1,000,000"
    assert facts["Premium is paid"] == "yearly, 20 payments"


@pytest.mark.parametrize(
    ("chosen", "times", "said"),
    [
        ("yearly", 20, "yearly, 20 payments"),
        ("half_yearly", 40, "half-yearly, 40 payments"),
        ("quarterly", 80, "quarterly, 80 payments"),
        ("monthly", 240, "monthly, 240 payments"),
    ],
)
def test_a_chosen_frequency_stands_with_the_premium_and_nowhere_else(chosen: str, times: int, said: str) -> None:
    payment = Payment(frequency_factor="payment_frequency", times_factor="term_years")
    body = a_body(risk={"payment_frequency": chosen}, payment=payment)
    assert (body["premium"]["frequency"], body["premium"]["times"]) == (chosen, times)
    assert "payment_frequency" not in [fact["factor"] for fact in body["chosen"]]
    told = paper(body, FACING, "en")
    assert {fact["label"]: fact["value"] for fact in told["facts"]}["Premium is paid"] == said
    assert told["premium"]["note"] == f"This is the first premium of {times}."


def test_the_sum_insured_is_what_the_customer_chose() -> None:
    (death,) = a_body()["covers"]
    assert death["limit"] == {"en": "¥1,000,000", "zh": "¥1,000,000"}
    assert death["limit_units"] == 1_000_000


@pytest.mark.requirement("SCM-05")
def test_a_cover_that_was_not_asked_for_is_not_promised() -> None:
    assert [each["code"] for each in a_body()["covers"]] == ["death"]


def test_the_body_survives_a_store_of_json_with_the_same_digest() -> None:
    body = a_body()
    kept = json.loads(json.dumps(body, sort_keys=True))
    assert canonical_bytes(kept) == canonical_bytes(body)
    assert digest(kept) == digest(body)
    assert digest(a_body(summary=Words("Other words"))) != digest(body)


@pytest.mark.requirement("O13-27")
@pytest.mark.parametrize(
    ("locale", "insurer", "agency"),
    [
        ("en", "Harbour Life Insurance Co.", "Evenfold insurance agency"),
        ("zh_Hans_CN", "港湾人寿保险有限公司", "衡页保险代理"),
    ],
)
def test_the_paper_carries_number_and_both_legal_names(locale: str, insurer: str, agency: str) -> None:
    data = paper(a_body(), FACING, locale)
    assert data["insurer"]["name"] == insurer
    assert data["intermediary"]["name"] == agency
    assert data["policy"]["number"] == "EF-HARBOUR-2026-000042"
    assert data["policy"]["verify_at"] == "localhost:8000/verify"
    assert "SPECIMEN Harbour Life Insurance Co." in data["seal"]
    assert "SPECIMEN" in data["notice"]


def test_the_period_is_said_in_the_time_zone_of_the_contract() -> None:
    period = paper(a_body(), FACING, "en")["period"]
    assert period["starts"] == {"text": "March 1, 2027, 00:00", "iso": "2027-03-01T00:00:00+08:00"}
    assert period["ends"] == {"text": "February 28, 2047, 24:00", "iso": "2047-03-01T00:00:00+08:00"}


def test_outside_a_demonstration_the_paper_is_no_specimen() -> None:
    assert paper(a_body() | {"demonstration": False}, FACING, "en")["notice"] is None


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_the_paper_is_set_twice_the_same_and_carries_its_data(locale: str, tmp_path) -> None:
    data = paper(a_body(), FACING, locale)
    first, second = (
        pdf.render("policy", data, qr_svg=pdf.qr_svg(FACING.verify_url), issued_at=CONCLUDED_AT) for _ in range(2)
    )
    assert first == second
    file = tmp_path / "policy.pdf"
    file.write_bytes(first)
    with pikepdf.open(file) as document:
        attached = json.loads(document.attachments["policy.json"].get_file().read_bytes())
        assert document.Root.Lang == ("zh-CN" if locale.startswith("zh") else "en")
    assert attached == json.loads(canonical_bytes(data))


def test_a_product_without_optional_words_is_set_as_well() -> None:
    bare = a_body(clause_name=None, key_facts=type(a_content().key_facts)(), documents=(), exclusions=())
    for locale in ("en", "zh_Hans_CN"):
        assert pdf.render("policy", paper(bare, FACING, locale), qr_svg=None, issued_at=CONCLUDED_AT)


STATED = {
    "format": "evenfold-needs/1",
    "paragraphs": [
        Words("You asked for term life.", "您要求定期寿险。").to_json(),
        Words("Stated.", "已说明。").to_json(),
    ],
}


@pytest.mark.requirement("EU-07", "UK-03")
@pytest.mark.parametrize(("locale", "said"), [("en", "You asked for term life."), ("zh_Hans_CN", "您要求定期寿险。")])
def test_the_statement_of_needs_stands_in_the_contract_and_on_its_paper(locale: str, said: str) -> None:
    content = a_content()
    command = replace(a_command(), statement=STATED)
    period = rules.period(content.term, command.risk, command.start_on, "Asia/Shanghai")
    conclusion = Conclusion("EF-HARBOUR-2026-000042", Channel.SELF, CONCLUDED_AT, period)
    body = contract_body(command, conclusion, content, an_insurer(), AGENCY)
    assert body["needs"] == STATED
    (section,) = (each for each in paper(body, FACING, locale)["sections"] if each["key"] == "needs")
    assert section["paragraphs"][0] == said
    assert len(section["paragraphs"]) == len(STATED["paragraphs"])
    assert "needs" not in a_body(), "a contract from before says nothing of it"
    assert "needs" not in {each["key"] for each in paper(a_body(), FACING, locale)["sections"]}
