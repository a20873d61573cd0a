"""The chosen checks: `checks.csv`, one row each, with its level, what it asks and where it stands.

State `holds` is the claim that a test carries the mark of the check; `later` names what it waits for; `outside` says
why it has no object here; `paper` is a duty of people, which no test can show.
"""

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("checks.csv")


class State(StrEnum):
    HOLDS = "holds"
    LATER = "later"
    OUTSIDE = "outside"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the standard (OWASP ASVS 5.0.0) in our words; `note` is the reason of any state but `holds`."""

    id: str
    level: int
    asks: str
    state: State
    note: str


@cache
def chosen() -> tuple[Check, ...]:
    """All rows, in the standard's order."""
    with _FILE.open(newline="", encoding="utf-8") as lines:
        return tuple(
            Check(row["id"], int(row["level"]), row["asks"], State(row["state"]), row["note"])
            for row in csv.DictReader(lines)
        )
