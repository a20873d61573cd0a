"""The register of the law is whole, in both languages, and a report says of each requirement what its tests say."""

import json
from pathlib import Path
from typing import Any

import pytest

from marketplace.kernel.text import LocalizedText
from marketplace.oversight.queries import survey
from marketplace.oversight.values import Requirement, Result, Source, laws, register_sha256, requirements
from tests.compliance.__main__ import commit, lines, total, write
from tests.marked import Held

NUMBERS = {"T26": 54, "O13": 50, "SCM": 11, "N108": 10, "PER": 13, "EU": 27, "UK": 13}
ASKED = LocalizedText("Asked.", "要求。")
PLACE = {"en": "art. 1", "zh": "第1条"}
MISSING = LocalizedText("A page.", "页面。")
MADE = {"made_at": "2026-11-29T08:00:00+00:00", "commit": "abc", "register": register_sha256()}
ENDED = {"tests": ["tests/test_one.py::test_it"], "passed": 2, "failed": 0}


def test_every_requirement_is_there_in_its_order() -> None:
    assert {law.key: [each.id for each in law.requirements] for law in laws()} == {
        key: [f"{key}-{number:02}" for number in range(1, count + 1)] for key, count in NUMBERS.items()
    }
    assert sum(NUMBERS.values()) == 178


def test_every_word_of_the_register_is_there_in_both_languages() -> None:
    said = {law.key: [law.name] for law in laws()}
    said |= {
        each.id: [words for words in (each.place, each.asks, each.missing, each.outside) if words]
        for law in laws()
        for each in law.requirements
    }
    assert [name for name, all_words in said.items() if not all(words.en and words.zh for words in all_words)] == []


def test_nothing_is_missing_and_outside_at_once() -> None:
    assert [each.id for law in laws() for each in law.requirements if each.missing and each.outside] == []


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """One law of five requirements."""
    told: dict[str, Any] = {
        "law": {"name": {"en": "A law", "zh": "法"}, "profiles": ["uk"]},
        "A-01": {"place": PLACE, "source": "official", "asks": ASKED.to_json()},
        "A-02": {"place": PLACE, "source": "memory", "doubtful": True, "asks": ASKED.to_json()},
        "A-03": {"place": PLACE, "source": "inferred", "asks": ASKED.to_json(), "missing": MISSING.to_json()},
        "A-04": {"place": PLACE, "source": "secondary", "asks": ASKED.to_json(), "missing": MISSING.to_json()},
        "A-05": {"place": PLACE, "source": "official", "asks": ASKED.to_json(), "outside": MISSING.to_json()},
    }
    law = requirements._law("A", told)
    monkeypatch.setattr("marketplace.oversight.queries.compliance.laws", lambda: (law,))


def results(path: Path | None) -> list[Result]:
    return [each.result for standings in survey(path).standings.values() for each in standings]


@pytest.mark.usefixtures("register")
def test_without_a_report_nothing_is_kept(tmp_path: Path) -> None:
    for path in (None, tmp_path / "absent.json"):
        assert results(path) == [Result.NOT_RUN, Result.NOT_RUN, Result.MISSING, Result.MISSING, Result.OUTSIDE]
        assert survey(path).made_at is None


@pytest.mark.usefixtures("register")
@pytest.mark.parametrize(
    ("held", "changed"),
    [
        ({"A-01": ENDED}, {0: Result.PASSED}),
        ({"A-03": ENDED}, {2: Result.PARTLY}),
        ({"A-02": ENDED | {"failed": 1}}, {1: Result.FAILED}),
        ({"A-04": ENDED | {"failed": 1}}, {3: Result.FAILED}),
        ({"A-01": ENDED | {"passed": 0}}, {}),
    ],
)
def test_a_requirement_is_what_its_tests_say(
    held: dict[str, object], changed: dict[int, Result], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps({**MADE, "held": held}))
    assert results(report) == [changed.get(place, result) for place, result in enumerate(results(None))]


@pytest.mark.usefixtures("register")
def test_a_report_about_another_register_says_nothing(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps({**MADE, "register": "0" * 64, "held": {"A-01": ENDED}}))
    assert results(report) == results(None)
    assert survey(report).of_another


@pytest.mark.usefixtures("register")
def test_the_report_is_written_and_printed_with_what_is_missing(tmp_path: Path) -> None:
    report = tmp_path / "of" / "today.json"
    passed, failed = Held(["tests/test_one.py::test_it"], passes=2), Held(["tests/test_two.py::test_it"], failed=1)
    write(report, {"A-01": passed, "A-02": failed, "A-03": passed})
    found = survey(report)
    assert found.commit == commit()
    assert list(lines(found)) == [
        "",
        "A law [uk]",
        "A-01     passed          official   Asked.",
        "                                    tests/test_one.py::test_it",
        "A-02     FAILED          memory?    Asked.",
        "                                    tests/test_two.py::test_it",
        "A-03     in part         inferred   Asked.",
        "                                    tests/test_one.py::test_it",
        "                                    (A page.)",
        "A-04     open            secondary  Asked.",
        "                                    (A page.)",
        "A-05     does not apply  official   Asked.",
        "                                    (A page.)",
    ]
    assert total(found) == ("Red: A-02. In part: 1. Without an object here: 1.\n1 of 5 requirements pass, 3 not built")


def test_a_requirement_is_claimed_unless_it_says_why_not() -> None:
    asked = Requirement("A-01", LocalizedText.from_json(PLACE), Source.OFFICIAL, ASKED)
    assert asked.is_claimed
    assert not Requirement("A-01", LocalizedText.from_json(PLACE), Source.OFFICIAL, ASKED, missing=MISSING).is_claimed
    assert not Requirement("A-01", LocalizedText.from_json(PLACE), Source.OFFICIAL, ASKED, outside=MISSING).is_claimed
