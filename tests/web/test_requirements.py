"""Admins read how each requirement of the law stands, by the last report, and never better than it."""

import json
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from marketplace.accounts.values import Role
from marketplace.oversight.values import laws, register_sha256
from sandbox.demo.visitor import Visitor, words
from tests.web.desk_visits import at_the_desk

PAGE = "/admin/requirements"
ALL = [each for law in laws() for each in law.requirements]
CLAIMED = [each.id for each in ALL if each.is_claimed]


@pytest.fixture
def staff(shop: Flask) -> Visitor:
    return at_the_desk(shop, Role.ADMIN_COMPLIANCE)


@pytest.fixture
def report(shop: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything that is claimed passed but the first, which failed."""
    passed = {"tests": ["tests/web/test_purchase.py::test_it"], "passed": 1, "failed": 0}
    held = dict.fromkeys(CLAIMED, passed) | {CLAIMED[0]: passed | {"failed": 1}}
    path = tmp_path / "compliance.json"
    path.write_text(
        json.dumps(
            {
                "made_at": "2026-11-29T08:00:00+00:00",
                "commit": "0123456789abcdef+changes",
                "register": register_sha256(),
                "held": held,
            }
        )
    )
    monkeypatch.setitem(shop.config, "COMPLIANCE_REPORT", path)
    return path


def test_without_a_report_nothing_is_shown_as_kept(staff: Visitor) -> None:
    assert "The results of the tests were not handed over to this installation" in words(staff.get(PAGE))
    for law in laws():
        page = staff.get(f"{PAGE}?law={law.key}")
        assert [each.id for each in law.requirements if each.id not in words(page)] == []
        assert '<span class="tag ">tests pass</span>' not in page


@pytest.mark.usefixtures("report")
def test_each_requirement_is_shown_with_its_tests_and_what_is_missing(staff: Visitor) -> None:
    for law in laws():
        page = unescape(words(staff.get(f"{PAGE}?law={law.key}")))
        assert "of version 0123456789. It had changes that are in no version." in page
        for each in law.requirements:
            assert {
                text.en for text in (each.asks, each.missing, each.outside) if text and text.en not in page
            } == set()
        passed = sum(each.id in CLAIMED[1:] for each in law.requirements)
        assert staff.text.count('<span class="tag ">tests pass</span>') == passed
        assert staff.text.count("tests/web/test_purchase.py::test_it") == passed + (law.key == "T26")


def test_a_report_about_other_requirements_is_not_believed(staff: Visitor, report: Path) -> None:
    report.write_text(report.read_text().replace(register_sha256(), "0" * 64))
    page = staff.get(PAGE)
    assert "about other requirements than these" in words(page)
    assert '<span class="tag ">tests pass</span>' not in page


@pytest.mark.usefixtures("report")
def test_they_are_found_by_law_and_by_result(staff: Visitor) -> None:
    failed = words(staff.get(f"{PAGE}?result=failed"))
    assert CLAIMED[0] in failed
    assert CLAIMED[1] not in failed
    assert "No requirement fits these filters." in words(staff.get(f"{PAGE}?law=UK&result=failed"))
    staff.get(f"{PAGE}?result=nothing")
    assert staff.status == 422
    assert CLAIMED[0] in words(staff.get(f"{PAGE}?law=mars"))
