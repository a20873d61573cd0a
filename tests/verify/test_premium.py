"""The offline verifier reads the same formats on its own: both agree, and what was altered is not proven."""

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marketplace.kernel.text import LocalizedText
from marketplace.rating.rules import compile_tariff, loaded, premium
from marketplace.rating.rules.proofs import proven, tree_of
from marketplace.rating.values import ExtraPremium, RiskOutOfRange, Tariff
from tests.factories.catalog import PREMIUM_MINOR, RISK, a_draft_product
from tests.factories.tariffs import RISK as RISKS
from tests.factories.tariffs import tariffs
from verify.__main__ import main
from verify.premium import on_terms, recompute
from verify.tariff import Refused, by_proofs, whole

KEY = b"k" * 32
ROOT = Path(__file__).parents[2]


def an_offer(tariff: Tariff, risk: dict[str, Any]) -> dict[str, Any]:
    breakdown = premium(compile_tariff(tariff), risk)
    return {
        "format": "evenfold-premium/1",
        "risk": risk,
        "tariff": proven(tariff, KEY, risk),
        "breakdown": breakdown.to_json(),
    }


def published(tariff: Tariff) -> dict[str, Any]:
    root = tree_of(tariff, KEY).root.hex()
    return {"format": "evenfold-tariff/1", "root": root, "key": KEY.hex(), "tariff": tariff.to_json()}


@settings(max_examples=300, deadline=None)
@given(tariffs(), RISKS)
def test_a_second_reading_of_the_format_gives_the_same_lines(tariff: Tariff, risk: dict[str, Any]) -> None:
    try:
        offer = an_offer(tariff, risk)
    except RiskOutOfRange:
        with pytest.raises((Refused, ValueError)):
            recompute(whole(json.loads(json.dumps(published(tariff)))), risk)
        assume(False)
    carried = json.loads(json.dumps(offer))
    shown, all_of_it = by_proofs(carried["tariff"]), whole(json.loads(json.dumps(published(tariff))))
    assert shown.root == all_of_it.root
    told = [(line["step"], line["kind"], line["amount"]) for line in offer["breakdown"]["lines"]]
    for reading in (shown, all_of_it):
        assert [(line.step, line.kind, line.amount) for line in recompute(reading, carried["risk"])] == told


@pytest.fixture
def offer() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(an_offer(a_draft_product().tariff, RISK)))
    return found


def run(folder: Path, offer: dict[str, Any], *more: str) -> int:
    file = folder / "offer.json"
    file.write_text(json.dumps(offer))
    return main(["premium", str(file), *more])


@pytest.mark.requirement("SCM-09")
def test_an_offer_is_recomputed_and_its_lines_printed(
    offer: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, offer, "--root", offer["tariff"]["root"]) == 0
    said = capsys.readouterr().out
    assert str(PREMIUM_MINOR) in said
    assert f"are part of the tariff {offer['tariff']['root']}" in said


def test_an_offer_says_little_of_the_tariff(offer: dict[str, Any]) -> None:
    """Of some thousand cells the few that were used, and no salt of another."""
    rows = sum(table["rows"] for table in offer["tariff"]["head"]["leaf"]["tables"])
    assert len(offer["tariff"]["rows"]) < 5 < rows
    assert KEY.hex() not in json.dumps(offer)


def deeper(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def changed(offer: dict[str, Any]) -> dict[str, Any]:
        altered = copy.deepcopy(offer)
        change(altered)
        return altered

    return changed


ALTERED = {
    "total": lambda o: o["breakdown"].update(total=o["breakdown"]["total"] + 1),
    "line": lambda o: o["breakdown"]["lines"][0].update(amount=1),
    "kind of a line": lambda o: o["breakdown"]["lines"][0].update(kind="tax"),
    "risk": lambda o: o["risk"].update(age=35),
    "cell": lambda o: o["tariff"]["rows"][0]["leaf"]["row"].__setitem__(-1, "0.0001"),
    "table of a cell": lambda o: o["tariff"]["rows"][0]["leaf"].update(table="other"),
    "step": lambda o: o["tariff"]["head"]["leaf"]["steps"][-1].update(amount="1.00"),
    "head": lambda o: o["tariff"]["head"]["leaf"]["tables"][0].update(rows=1),
    "salt": lambda o: o["tariff"]["rows"][0].update(salt="00" * 16),
    "place": lambda o: o["tariff"]["rows"][0].update(index=o["tariff"]["rows"][0]["index"] + 1),
    "proof": lambda o: o["tariff"]["rows"][0]["proof"].pop(),
    "size": lambda o: o["tariff"].update(size=o["tariff"]["size"] + 1),
    "root": lambda o: o["tariff"].update(root="00" * 32),
    "no cells": lambda o: o["tariff"].update(rows=[]),
    "format": lambda o: o.update(format="evenfold-premium/9"),
    "terms that were not decided": lambda o: o.update(
        terms={
            "follows": "x",
            "decision_sha256": "00" * 32,
            "loadings": [{"step": "decided_1", "rate": "0.1", "label": {"en": "x"}}],
        }
    ),
}


@settings(max_examples=200, deadline=None)
@given(tariffs(), RISKS, st.lists(st.integers(1, 9_990_000), max_size=3))
def test_an_extra_premium_that_was_decided_is_recomputed_as_well(
    tariff: Tariff, risk: dict[str, Any], rates: list[int]
) -> None:
    extra = [
        ExtraPremium(f"decided_{number}", f"{rate // 10**6}.{rate % 10**6:06d}", LocalizedText("Extra"))
        for number, rate in enumerate(rates, 1)
    ]
    try:
        made = premium(compile_tariff(tariff), risk)
    except RiskOutOfRange:
        assume(False)
    told = [(line.step, line.kind.value, line.amount.minor) for line in loaded(made, extra).lines]
    terms = {"loadings": [{"step": each.step, "rate": each.rate} for each in extra]}
    of_tariff = recompute(whole(json.loads(json.dumps(published(tariff)))), risk)
    assert [(line.step, line.kind, line.amount) for line in on_terms(of_tariff, terms)] == told


def test_an_offer_on_other_terms_names_the_decision(
    offer: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label = {"en": "Extra premium 25%", "zh": "加费25%"}
    offer["terms"] = {
        "follows": "x",
        "decision_sha256": "ab" * 32,
        "loadings": [{"step": "decided_1", "rate": "0.25", "label": label}],
    }  # fmt: skip
    assert run(tmp_path, offer) == 1, "the lines do not say so yet"
    extra = [ExtraPremium("decided_1", "0.25", LocalizedText.from_json(label))]
    made = premium(compile_tariff(a_draft_product().tariff), RISK)
    offer["breakdown"] = json.loads(json.dumps(loaded(made, extra).to_json()))
    assert run(tmp_path, offer) == 0
    assert f"that of the decision {'ab' * 32}" in capsys.readouterr().out


@pytest.mark.parametrize("what", ALTERED)
def test_whatever_was_altered_is_not_proven(
    offer: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    assert run(tmp_path, deeper(ALTERED[what])(offer)) == 1
    assert "NOT PROVEN" in capsys.readouterr().err


def test_another_root_than_the_one_known_is_not_proven(offer: dict[str, Any], tmp_path: Path) -> None:
    assert run(tmp_path, offer, "--root", "ab" * 32) == 1


def test_a_tariff_published_whole_is_looked_at_instead(offer: dict[str, Any], tmp_path: Path) -> None:
    tariff = tmp_path / "tariff.json"
    tariff.write_text(json.dumps(published(a_draft_product().tariff)))
    assert run(tmp_path, offer, "--tariff", str(tariff)) == 0
    other = a_draft_product().tariff.to_json()
    other["tables"][0]["rows"][0][-1] = "9"
    tariff.write_text(json.dumps({"key": KEY.hex(), "tariff": other}))
    assert run(tmp_path, offer, "--tariff", str(tariff)) == 1


@pytest.mark.parametrize(
    "rows",
    [[["a", 1, 5, "1"], ["a", 5, 9, "2"]], [["a", 1, 9, "1"], ["a", 1, 9, "1"]]],
    ids=["bands that meet", "a row twice"],
)
def test_a_whole_tariff_in_which_two_rows_fit_is_refused(rows: list[Any]) -> None:
    table = {"name": "t", "value": "amount", "exact": ["zone"], "banded": ["age"], "interpolated": [], "scale": None}
    step = {"id": "s", "kind": "lookup", "table": "t", "line": "risk", "label": {"en": "x"}, "when": {}}
    tariff = {"currency": "CNY", "rounding": "half_up", "steps": [step], "tables": [{**table, "rows": rows}]}
    with pytest.raises(Refused, match="fit the same risk"):
        whole({"key": KEY.hex(), "tariff": tariff})


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "evenfold-premium/1"}', "[" * 100_000])
def test_what_is_no_offer_is_said_to_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "offer.json").write_text(text)
    assert main(["premium", str(tmp_path / "offer.json")]) == 1
    assert "NOT PROVEN" in capsys.readouterr().err


def test_it_runs_as_a_copied_folder_with_nothing_but_python(offer: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "verify", tmp_path / "verify", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "offer.json").write_text(json.dumps(offer))
    run_here = "import runpy, sys; sys.path.insert(0, '.'); sys.argv[1:] = ['premium', 'offer.json']"
    command = [sys.executable, "-I", "-S", "-c", f"{run_here}; runpy.run_module('verify', run_name='__main__')"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(PREMIUM_MINOR) in done.stdout


def test_neither_knows_the_other() -> None:
    for folder, other in (("verify", "marketplace"), ("marketplace", "verify")):
        for file in (ROOT / folder).rglob("*.py"):
            lines = [line.split("#")[0].split() for line in file.read_text().splitlines()]
            imports = [words[1].split(".")[0] for words in lines if words[:1] in (["import"], ["from"]) and words[1:]]
            assert other not in imports, file
