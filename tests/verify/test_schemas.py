"""The schemas in `verify/schema/` say what the files are: what is handed out fits, what is amiss does not."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from marketplace.rating.values import RiskOutOfRange, Tariff
from tests.factories.catalog import RISK, a_draft_product
from tests.factories.tariffs import RISK as RISKS
from tests.factories.tariffs import tariffs
from tests.verify.attacks import NO_ATTACKS, Attack
from tests.verify.evidence import Bundle
from tests.verify.test_malformed import GOOD, JSON, checked, places, put
from tests.verify.test_premium import an_offer, published

FOLDER = Path(__file__).parents[2] / "verify" / "schema"
SCHEMAS = {file.name: json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))}
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)


def faults(name: str, document: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator(SCHEMAS[name], registry=REGISTRY)
    carried = json.loads(json.dumps(document))
    return [error.json_path for error in validator.iter_errors(carried)]


def test_they_are_schemas() -> None:
    assert list(SCHEMAS) == ["evidence.json", "offer.json", "tariff.json"]
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


@settings(max_examples=150, deadline=None)
@given(tariffs(), RISKS)
def test_every_offer_and_every_tariff_fits(tariff: Tariff, risk: dict[str, Any]) -> None:
    assert faults("tariff.json", published(tariff)) == []
    try:
        offer = an_offer(tariff, risk)
    except RiskOutOfRange:
        assume(False)
    assert faults("offer.json", offer) == []


def test_what_is_missing_too_much_or_of_another_kind_does_not_fit() -> None:
    tariff = a_draft_product().tariff
    offer, whole = an_offer(tariff, RISK), published(tariff)
    assert faults("offer.json", offer) == faults("tariff.json", whole) == []
    assert faults("offer.json", offer | {"format": "evenfold-premium/2"}) == ["$.format"]
    assert faults("offer.json", {name: value for name, value in offer.items() if name != "risk"}) == ["$"]
    assert faults("offer.json", offer | {"risk": {"age": 34.5}}) == ["$.risk.age"]
    assert faults("tariff.json", whole | {"key": "k"}) == ["$.key"]
    assert faults("tariff.json", whole | {"tariff": whole["tariff"] | {"extra": 1}}) == ["$.tariff"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "surprise"), ("id", "Not A Name"), ("when", {"age": []}), ("rate", 0.06), ("label", {"zh": "税"})],
)
def test_a_step_of_no_known_kind_or_with_a_number_that_is_no_decimal_does_not_fit(field: str, value: object) -> None:
    step = {"id": "tax", "kind": "tax", "rate": "0.06", "of": [], "when": {}, "label": {"en": "Tax"}}
    whole = published(a_draft_product().tariff)
    assert faults("tariff.json", whole | {"tariff": whole["tariff"] | {"steps": [step]}}) == []
    assert faults("tariff.json", whole | {"tariff": whole["tariff"] | {"steps": [step | {field: value}]}}) != []


@pytest.mark.requirement("T26-43")
@pytest.mark.parametrize("name", NO_ATTACKS)
def test_the_evidence_of_a_contract_fits(name: str) -> None:
    assert faults("evidence.json", core_of(NO_ATTACKS[name]())) == []


def core_of(case: Attack) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(case.data)) as archive:
        found: dict[str, Any] = json.loads(archive.read("core/core.json"))
    return found


@pytest.mark.requirement("T26-43")
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(places(GOOD.core)), JSON)
def test_what_the_schema_of_evidence_refuses_is_not_verified(path: tuple[Any, ...], new: Any) -> None:
    """And whatever is verified fits the schema."""
    core = put(GOOD.core, path, new)
    try:
        data = Bundle(core, GOOD.files).zipped()
    except UnicodeEncodeError:
        assume(False)
    refused = bool(faults("evidence.json", core))
    assert not (refused and checked(data).is_proven)


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (("format",), "evenfold-evidence/2"),
        (("entries",), []),
        (("entries", 0, "leaf", "v"), 2),
        (("entries", 0, "leaf", "n"), 0),
        (("entries", 0, "leaf", "b"), None),
        (("entries", 0, "withheld"), "yes"),
        (("entries", 0, "body"), "core/core.json"),
        (("documents", 0, "file"), "wrapper/clauses.pdf"),
        (("exhibits", 0), {"kind": "policy"}),
        (("more",), None),
    ],
    ids=str,
)
def test_what_is_amiss_in_evidence_does_not_fit(path: tuple[Any, ...], new: Any) -> None:
    assert faults("evidence.json", put(GOOD.core, path, new)) != []
