"""A pytest plugin that remembers which marked ids each test holds and how it ended, for reports by id."""

from collections import defaultdict
from dataclasses import dataclass, field

import pytest


@dataclass(slots=True)
class Held:
    """The tests that hold an id: names of those that ran, without parameters, and how many runs passed, failed or were
    left out.
    """

    tests: list[str] = field(default_factory=list)
    passes: int = 0
    failed: int = 0
    left_out: int = 0

    @property
    def passed(self) -> bool:
        """Something was run and nothing failed. A test that was left out on this machine shows nothing."""
        return self.passes > 0 and not self.failed


class Marked:
    """Hand it to `pytest.main(plugins=[...])`; `held()` afterwards is id -> what holds it."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._ids: dict[str, tuple[str, ...]] = {}
        self._held: defaultdict[str, Held] = defaultdict(Held)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            self._ids[item.nodeid] = tuple(found for mark in item.iter_markers(self._mark) for found in mark.args)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        for found in self._ids.get(report.nodeid, ()):
            held = self._held[found]
            name = report.nodeid.split("[")[0]
            if name not in held.tests and not report.skipped:
                held.tests.append(name)
            held.passes += report.passed
            held.failed += report.failed
            held.left_out += report.skipped

    def held(self) -> dict[str, Held]:
        return dict(self._held)
