"""A state machine as a total table: every state answers every event, with a next state or a named refusal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from marketplace.kernel.errors import Conflict

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class TransitionRefused(Conflict):
    """This cannot happen in the present state."""

    code = "transition:refused"

    def __init__(self, state: StrEnum, event: StrEnum, reason: str) -> None:
        super().__init__(f"{event} in state {state}: {reason}")
        self.state, self.event, self.reason = state, event, reason


@dataclass(frozen=True)
class Table(Generic[S, E]):
    """`rows` maps (state, event) to the next state, or to a string that says why the event is refused."""

    states: type[S]
    events: type[E]
    rows: Mapping[tuple[S, E], S | str]

    def __post_init__(self) -> None:
        missing = [pair for pair in self.pairs() if pair not in self.rows]
        if missing:
            raise ValueError(f"the table is not total: {missing}")

    def pairs(self) -> Iterable[tuple[S, E]]:
        return ((state, event) for state in self.states for event in self.events)

    def next(self, state: S, event: E) -> S:
        """The state after `event`, or TransitionRefused with the reason of the row."""
        outcome = self.rows[(state, event)]
        if isinstance(outcome, self.states):
            return outcome
        raise TransitionRefused(state, event, str(outcome))

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram, refusals left out."""
        arrows = [
            f"    {state} --> {after}: {event}"
            for (state, event), after in self.rows.items()
            if isinstance(after, self.states)
        ]
        return "\n".join(["stateDiagram-v2", *arrows])
