"""`make asvs`: run every test that carries a check of the standard, then print id, tests and result."""

import sys
from collections.abc import Iterable, Mapping

import pytest

from tests.asvs.checks import Check, State, chosen
from tests.marked import Held, Marked

_WORDS = {State.LATER: "later", State.OUTSIDE: "not applicable", State.PAPER: "on paper"}


def main(arguments: list[str]) -> int:
    """0 when every check that applies is held by tests that pass."""
    marked = Marked("asvs")
    ended = pytest.main(["-q", "--no-header", "--no-summary", "-m", "asvs", *arguments], plugins=[marked])
    held = marked.held()
    checks = chosen()
    red = [check for check in checks if check.state is State.HOLDS and not _green(held.get(check.id))]
    sys.stdout.write("\n".join((*_lines(checks, held), "", _total(held, red))) + "\n")
    return 1 if red or ended not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} else 0


def _lines(checks: Iterable[Check], held: Mapping[str, Held]) -> Iterable[str]:
    for check in checks:
        yield f"{check.id:<8} L{check.level}  {_result(check, held.get(check.id)):<14}  {check.asks}"
        if check.state is State.HOLDS:
            yield from (f"{'':<29}{name}" for name in (held[check.id].tests if check.id in held else ()))
        else:
            yield f"{'':<29}{check.note}"


def _result(check: Check, held: Held | None) -> str:
    if check.state is not State.HOLDS:
        return _WORDS[check.state]
    if held is None:
        return "NO TEST"
    return "passed" if held.passed else "FAILED" if held.failed else "NOT RUN"


def _green(held: Held | None) -> bool:
    return held is not None and held.passed


def _total(held: Mapping[str, Held], red: Iterable[Check]) -> str:
    levels = []
    for level in (1, 2, 3):
        apply = [check for check in chosen() if check.level == level and check.state is State.HOLDS]
        levels.append(f"level {level}: {sum(_green(held.get(check.id)) for check in apply)} of {len(apply)}")
    names = ", ".join(check.id for check in red) or "none"
    return f"Checks that apply so far and pass: {', '.join(levels)}. Red: {names}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
