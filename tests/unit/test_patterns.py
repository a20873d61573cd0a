"""No pattern of ours takes a time that grows with every character typed (ReDoS).

Every literal pattern in the source is tried on texts made to be almost what it wants. What is measured is how much
longer twice the text takes: four times is a square, sixteen times a fourth power, a thousand times is exponential.
"""

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from timeit import repeat

import pytest

MARKETPLACE = Path(__file__).parents[2] / "marketplace"
READS = {"compile", "match", "fullmatch", "search", "sub", "findall", "split"}
PIECES = (
    "a",
    "1",
    "A",
    "-",
    "_",
    ".",
    " ",
    "\t",
    "=",
    "@",
    "a1",
    "a.",
    "a-",
    "1.",
    " .",
    "a ",
    "a@",
    "A-",
    "EF1",
    "aa1",
)
ENDS = ("!", "\x00", "")
LONG = 20
MUCH = 40


def patterns_in(source: str) -> Iterator[str | bytes]:
    """The first argument of `re.something(…)` and every `pattern=…`."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        said = [each.value for each in node.keywords if each.arg == "pattern"]
        if isinstance(node.func, ast.Attribute) and node.func.attr in READS and ast.unparse(node.func.value) == "re":
            said.append(node.args[0])
        yield from (each.value for each in said if isinstance(each, ast.Constant))


def growth(pattern: str | bytes) -> float:
    """By how much the worst text of twice the length takes longer."""
    compiled = re.compile(pattern if isinstance(pattern, str) else pattern.decode())
    worst = 0.0
    for piece, end in product(PIECES, ENDS):
        short, long = ((piece * LONG)[: LONG // 2] + end, (piece * LONG)[:LONG] + end)
        took = [min(repeat(lambda text=text: compiled.search(text), repeat=5, number=3)) for text in (short, long)]
        worst = max(worst, took[1] / took[0])
    return worst


PATTERNS = sorted(
    {each if isinstance(each, str) else each.decode() for path in MARKETPLACE.rglob("*.py")
     for each in patterns_in(path.read_text())}
)  # fmt: skip


@pytest.mark.asvs("1.3.12")
@pytest.mark.parametrize("pattern", PATTERNS)
def test_twice_the_text_takes_a_few_times_as_long(pattern: str) -> None:
    assert growth(pattern) < MUCH


@pytest.mark.asvs("1.3.12")
@pytest.mark.parametrize("pattern", [r"^(a+)+$", r"^(a|a)*$", r"^([a-z]+1?)*-$"])
def test_a_pattern_that_runs_away_is_seen(pattern: str) -> None:
    assert list(patterns_in(f"re.compile({pattern!r})")) == [pattern]
    assert growth(pattern) > MUCH
