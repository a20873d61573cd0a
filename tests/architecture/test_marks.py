"""Marks and lists agree: no check is claimed that no test carries, none is carried that is not in the list."""

import re
from pathlib import Path

import pytest

from marketplace.oversight.values import laws
from tests.asvs.checks import State, chosen
from tests.marked import Marked

TESTS = Path(__file__).parents[1]
MARK = re.compile(r"mark\.asvs\(([^)]*)\)")
REQUIREMENT = re.compile(r"mark\.requirement\(([^)]*)\)")


def _carried() -> dict[str, set[str]]:
    """Id -> files that carry it."""
    found: dict[str, set[str]] = {}
    for path in set(TESTS.rglob("test_*.py")) - {Path(__file__)}:
        for mark in MARK.finditer(path.read_text()):
            for known in re.findall(r"\d+\.\d+\.\d+", mark[1]):
                found.setdefault(known, set()).add(path.name)
    return found


def test_every_check_that_holds_is_on_a_test_and_the_other_way_round() -> None:
    claimed = {check.id for check in chosen() if check.state is State.HOLDS}
    carried = set(_carried())
    assert (sorted(claimed - carried), sorted(carried - claimed)) == ([], [])


def test_every_requirement_that_is_claimed_is_on_a_test_and_none_is_on_one_that_does_not_apply() -> None:
    marks = (mark[1] for path in TESTS.rglob("test_*.py") for mark in REQUIREMENT.finditer(path.read_text()))
    carried = {known for mark in marks for known in re.findall(r'"([^"]+)"', mark)}
    known = {each.id: each for law in laws() for each in law.requirements}
    assert sorted(carried - set(known)) == []
    assert sorted(name for name, each in known.items() if each.is_claimed and name not in carried) == []
    assert sorted(name for name in carried if known[name].outside) == []


def test_every_check_is_there_once_and_says_why_it_does_not_hold() -> None:
    checks = chosen()
    assert len({check.id for check in checks}) == len(checks)
    assert [check.id for check in checks if check.state is not State.HOLDS and not check.note] == []


def test_the_report_sees_what_fails_and_what_was_left_out(pytester: pytest.Pytester) -> None:
    """The control: three tests of known ends."""
    pytester.makeini("[pytest]\nmarkers = asvs(id): a check")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.asvs("1.1.1", "1.1.2")
        def test_good(): pass

        @pytest.mark.asvs("1.1.2")
        def test_bad(): assert False

        @pytest.mark.asvs("1.1.3")
        def test_absent(): pytest.skip("not here")
        """
    )
    marked = Marked("asvs")
    pytester.inline_run(plugins=[marked])
    assert {known: held.passed for known, held in marked.held().items()} == {
        "1.1.1": True,
        "1.1.2": False,
        "1.1.3": False,
    }
