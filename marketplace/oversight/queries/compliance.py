"""How the requirements of the law stand, by the last report of the tests that carry them."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from marketplace.oversight.values import Requirement, Result, Standing, Survey, laws


def survey(path: Path | None) -> Survey:
    """By the report in this file, as `make compliance` writes it: `made_at`, `commit`, and under `held` of each id the
    names of its `tests` and how many runs of them `passed` and `failed`. Where there is no file, nothing was run.
    """
    report = json.loads(path.read_bytes()) if path is not None and path.is_file() else None
    return Survey(
        datetime.fromisoformat(report["made_at"]) if report else None,
        report["commit"] if report else "",
        {law: tuple(_standing(each, report) for each in law.requirements) for law in laws()},
    )


def _standing(requirement: Requirement, report: Mapping[str, Any] | None) -> Standing:
    held = report["held"].get(requirement.id) if report else None
    passed, failed = (bool(held and held[end]) for end in ("passed", "failed"))
    return Standing(
        requirement, _result(requirement, passed=passed, failed=failed), tuple(held["tests"] if held else ())
    )


def _result(requirement: Requirement, *, passed: bool, failed: bool) -> Result:
    if failed:
        return Result.FAILED
    if requirement.outside:
        return Result.OUTSIDE
    if requirement.missing:
        return Result.PARTLY if passed else Result.MISSING
    return Result.PASSED if passed else Result.NOT_RUN
