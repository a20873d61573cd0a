"""`make compliance`: run every test that carries a requirement, print how each of them stands, by law and market, and
write the results for the admins' page.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from marketplace.kernel import clock
from marketplace.oversight.queries import survey
from marketplace.oversight.values import Result, Standing, Survey, register_sha256
from sandbox.instance import Instance
from tests.environment import ROOT
from tests.marked import Held, Marked

_WORDS = {Result.PASSED: "passed", Result.FAILED: "FAILED", Result.PARTLY: "in part", Result.MISSING: "open",
          Result.OUTSIDE: "does not apply", Result.NOT_RUN: "NO TEST"}  # fmt: skip
RED = (Result.FAILED, Result.NOT_RUN)
WHOLE = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
REPORT = Instance(ROOT / "instance").compliance_report


def main(arguments: list[str]) -> int:
    """0 when each requirement that is said to be built is held by tests that pass. Only a whole run is written down."""
    marked = Marked("requirement")
    ended = pytest.main(["-q", "--no-header", "--no-summary", "-m", "requirement", *arguments], plugins=[marked])
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        write(report, marked.held())
        found = survey(report)
    if ended in WHOLE and not arguments:
        write(REPORT, marked.held())
    sys.stdout.write("\n".join((*lines(found), "", total(found))) + "\n")
    return 1 if found.number(*RED) or ended not in WHOLE else 0


def write(path: Path, held: Mapping[str, Held]) -> None:
    """At once: the page may be looked at meanwhile. Tests that were left out on this machine hold nothing."""
    report: dict[str, Any] = {
        "made_at": clock.now().isoformat(timespec="seconds"),
        "commit": commit(),
        "register": register_sha256(),
        "held": {
            name: {"tests": sorted(each.tests), "passed": each.passes, "failed": each.failed}
            for name, each in sorted(held.items())
        },
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(report, indent=1) + "\n")
    beside.replace(path)


def commit() -> str:
    """Of the source as it lies here, marked where it was changed since."""
    told = subprocess.run(
        ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+changes"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return told.stdout.strip()


def lines(found: Survey) -> Iterable[str]:
    for law, standings in found.standings.items():
        yield from ("", f"{law.name.en} [{', '.join(sorted(law.profiles))}]")
        for each in standings:
            yield from _lines(each)


def _lines(standing: Standing) -> Iterable[str]:
    asked = standing.requirement
    source = f"{asked.source}{'?' if asked.doubtful else ''}"
    yield f"{asked.id:<8} {_WORDS[standing.result]:<15} {source:<10} {asked.asks.en}"
    yield from (f"{'':<36}{name}" for name in standing.tests)
    if reason := asked.missing or asked.outside:
        yield f"{'':<36}({reason.en})"


def total(found: Survey) -> str:
    """The last line; before it, what must not be."""
    red = [each.requirement.id for each in chain.from_iterable(found.standings.values()) if each.result in RED]
    built, not_built = found.number(Result.PASSED), found.number(Result.PARTLY, Result.MISSING, Result.OUTSIDE)
    return (
        f"Red: {', '.join(red) or 'none'}. In part: {found.number(Result.PARTLY)}."
        f" Without an object here: {found.number(Result.OUTSIDE)}.\n"
        f"{built} of {found.total} requirements pass, {not_built} not built"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
