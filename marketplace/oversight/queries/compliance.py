"""How the requirements of the law stand, by the last report of the tests that carry them."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from marketplace.oversight.values import Requirement, Result, Standing, Survey, laws, register_sha256


def survey(path: Path | None) -> Survey:
    """By the report in this file, as `make compliance` writes it: `made_at`, `commit`, `register` (`register_sha256`),
    and under `held` of each id the names of its `tests` and how many runs of them `passed` and `failed`.

    Where there is no file, or it is about another register, nothing was run.
    """
    report = json.loads(path.read_bytes()) if path is not None and path.is_file() else None
    held = report["held"] if report and report["register"] == register_sha256() else None
    return Survey(
        datetime.fromisoformat(report["made_at"]) if report else None,
        report["commit"] if report else "",
        report is not None and held is None,
        {law: tuple(_standing(each, (held or {}).get(each.id)) for each in law.requirements) for law in laws()},
    )


def _standing(requirement: Requirement, held: Mapping[str, Any] | None) -> Standing:
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
