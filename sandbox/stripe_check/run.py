"""The scenario run against one address."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from sandbox.stripe_check.comparison import at
from sandbox.stripe_simulator.settings import API_VERSION

SCENARIO = Path(__file__).with_name("scenario.toml")
SECONDS = 30
REFERENCE = re.compile(r"\{([a-z_0-9]+)(?:\.([a-z_0-9.]+))?\}")


@dataclass(frozen=True, slots=True)
class Step:
    """One request, and what is promised of its answer. `account`: it depends on the account at Stripe."""

    name: str
    call: str
    status: int
    params: dict[str, Any] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    account: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """`promised` is the step's `expect` with the references of this run put in."""

    step: Step
    status: int
    body: dict[str, Any]
    promised: dict[str, Any]


def scenario(file: Path = SCENARIO) -> tuple[Step, ...]:
    return tuple(Step(**step) for step in tomllib.loads(file.read_text(encoding="utf-8"))["step"])


def run(base: str, key: str, word: str, steps: tuple[Step, ...]) -> list[Outcome]:
    """Ask everything in order. A step that needs an answer that never came is asked all the same."""
    answers: dict[str, Any] = {"run": word}
    outcomes = []
    with requests.Session() as session:
        session.headers["Stripe-Version"] = API_VERSION
        session.auth = (key, "")
        for step in steps:
            method, path = step.call.split(" ", 1)
            pairs = list(form(filled(step.params, answers)))
            answer = session.request(
                method,
                base + filled(path, answers),
                headers={"Idempotency-Key": filled(step.key, answers)} if step.key else {},
                params=pairs if method == "GET" else None,
                data=pairs if method != "GET" else None,
                timeout=SECONDS,
            )
            answers[step.name] = answer.json()
            outcomes.append(Outcome(step, answer.status_code, answers[step.name], filled(step.expect, answers)))
    return outcomes


def filled(value: Any, answers: dict[str, Any]) -> Any:
    """A value with its references replaced by parts of earlier answers."""
    if isinstance(value, dict):
        return {key: filled(inner, answers) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, answers) for inner in value]
    if not isinstance(value, str):
        return value

    def looked_up(match: re.Match[str]) -> str:
        answer = answers[match[1]]
        return str(at(answer, match[2]) if match[2] else answer)

    return REFERENCE.sub(looked_up, value)


def form(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Stripe's form notation."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from form(inner, f"{name}[{key}]" if name else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from form(inner, f"{name}[{number}]")
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)
