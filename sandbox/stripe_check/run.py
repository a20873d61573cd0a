"""The scenario run against one address."""

import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from sandbox.stripe_check.comparison import at
from sandbox.stripe_simulator.settings import API_VERSION

SCENARIO = Path(__file__).with_name("scenario.toml")
SECONDS = 30
TRIES, PAUSE_SECONDS = 30, 1.0
"""How often, and how long apart, a step is asked until what it waits for is there."""
REFERENCE = re.compile(r"\{([a-z_0-9]+)(?:\.([a-z_0-9.]+))?\}")


class MissingReferenceError(LookupError):
    """A step names a part of an answer that is not there. The text is for the report."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request, and what is promised of its answer.

    `until`: ask again until there is something at this path, or a word (`status=succeeded`). `account`: what depends on
    the account at Stripe, all of the answer or the parts at these paths; `later`: the parts that Stripe may fill in
    later. `headers` are promised of the answer as `expect` is of its body.
    """

    name: str
    call: str
    status: int
    params: dict[str, Any] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    key: str | None = None
    until: str | None = None
    account: bool | list[str] = False
    later: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.until is not None and self.method != "GET":
            raise ValueError(f"{self.name}: only what is read may be asked again")

    @property
    def method(self) -> str:
        return self.call.split(" ", 1)[0]

    @property
    def path(self) -> str:
        return self.call.split(" ", 1)[1]

    def is_there(self, answer: Any) -> bool:
        """Whether what the step waits for has come."""
        if self.until is None:
            return True
        path, _, word = self.until.partition("=")
        found = at(answer, path)
        return written(found) == word if word else found is not None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step. `promised` is its `expect`, `promised_headers` its `headers`, with this run's references.

    `missing` says why it was not asked; it has no answer then.
    """

    step: Step
    status: int = 0
    body: dict[str, Any] = field(default_factory=dict)
    promised: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    promised_headers: dict[str, str] = field(default_factory=dict)
    missing: str | None = None


def scenario(file: Path = SCENARIO) -> tuple[Step, ...]:
    return tuple(Step(**step) for step in tomllib.loads(file.read_text(encoding="utf-8"))["step"])


def given(word: str, destination: str | None, now: float) -> dict[str, Any]:
    """What steps may refer to beside earlier answers. `destination` is a connected account that can be paid."""
    words: dict[str, Any] = {"run": word, "begun": int(now) - 60, "in_an_hour": int(now) + 3600}
    return words | ({"destination": destination} if destination else {})


def run(
    base: str,
    key: str,
    words: Mapping[str, Any],
    steps: tuple[Step, ...],
    sleep: Callable[[float], None] = time.sleep,
) -> list[Outcome]:
    """Ask everything in order, as the library does: every POST under an idempotency key.

    A step that needs an answer that never came is not asked, nor are those that need its answer.
    """
    answers = dict(words)
    outcomes = []
    with requests.Session() as session:
        session.headers["Stripe-Version"] = API_VERSION
        session.auth = (key, "")
        for step in steps:
            try:
                outcome = _answered(session, base, step, answers, sleep)
                answers[step.name] = outcome.body
            except MissingReferenceError as missing:
                outcome = Outcome(step, missing=str(missing))
            outcomes.append(outcome)
    return outcomes


def _answered(
    session: requests.Session, base: str, step: Step, answers: dict[str, Any], sleep: Callable[[float], None]
) -> Outcome:
    """:raises MissingReferenceError: before anything is asked."""
    reads = step.method == "GET"
    pairs = list(form(filled(step.params, answers)))
    key = filled(step.key or f"{{run}}-{step.name}", answers)
    address = base + filled(step.path, answers)
    promised, promised_headers = filled(step.expect, answers), filled(step.headers, answers)
    for left in reversed(range(TRIES)):
        answer = session.request(
            step.method,
            address,
            headers={} if reads else {"Idempotency-Key": key},
            params=pairs if reads else None,
            data=None if reads else pairs,
            timeout=SECONDS,
        )
        body = answer.json()
        if step.is_there(body) or not left:
            break
        sleep(PAUSE_SECONDS)
    return Outcome(step, answer.status_code, body, promised, dict(answer.headers), promised_headers)


def filled(value: Any, answers: Mapping[str, Any]) -> Any:
    """A value with its references replaced by parts of earlier answers.

    :raises MissingReferenceError: there is no such part.
    """
    if isinstance(value, dict):
        return {key: filled(inner, answers) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, answers) for inner in value]
    if not isinstance(value, str):
        return value

    def looked_up(match: re.Match[str]) -> str:
        name, path = match[1], match[2]
        if name not in answers:
            raise MissingReferenceError(f"{match[0]} is not known: {name} was not asked or not given")
        found = at(answers[name], path) if path else answers[name]
        if found is None:
            raise MissingReferenceError(f"{match[0]} is not in the answer of {name}")
        return str(found)

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
        yield name, written(value)


def written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
