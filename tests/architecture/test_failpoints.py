"""Each moment at which tests let a process die has one place in the code and a sentence, and only tests arm them."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.infra import failpoints
from marketplace.infra.failpoints import At

ROOT = Path(__file__).parents[2]
FOLDERS = ("marketplace", "sandbox", "verify", "bench", "migrations")
SHIPPED = [
    *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")),
    *(ROOT / "config.py", ROOT / "wsgi.py"),
]
REGISTRY = ROOT / "marketplace" / "infra" / "failpoints.py"


def reached(source: str) -> Iterator[str]:
    """The moments of this source; each must be named as it stands, or nobody could look for it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "reach":
            name = ast.unparse(node.args[0])
            assert name.startswith("At."), f"reach({name}) names no moment"
            yield name.removeprefix("At.")


def arms(source: str) -> bool:
    """Whether it speaks of arming the moments, by a call or in any other way."""
    return any(
        "arm" in {getattr(node, "attr", ""), getattr(node, "id", ""), getattr(node, "name", "")}
        or "_die" in {getattr(node, "attr", ""), getattr(node, "id", "")}
        for node in ast.walk(ast.parse(source))
    )


def test_each_moment_is_in_one_place() -> None:
    found = Counter(name for path in SHIPPED for name in reached(path.read_text()))
    assert found == Counter(point.name for point in At)
    assert len(found) >= 30


def test_each_moment_says_what_is_true_then() -> None:
    assert [point.name for point in At if len(point.value.split()) < 4] == []


@pytest.mark.asvs("15.2.3")
def test_nobody_but_a_test_arms_them() -> None:
    for planted in ("failpoints.arm(die)", "from marketplace.infra.failpoints import arm", "failpoints._die = die"):
        assert arms(planted), planted
    assert [str(path.relative_to(ROOT)) for path in SHIPPED if path != REGISTRY and arms(path.read_text())] == []


@pytest.mark.asvs("15.2.3")
def test_no_setting_can_arm_them() -> None:
    """What they are made of reads nothing of the environment, and they are not armed when they are imported."""
    tree = ast.parse(REGISTRY.read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"collections.abc", "enum"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    assert failpoints._die is None
