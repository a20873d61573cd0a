"""The public words of screening."""

from marketplace.screening.values.cases import (
    Case,
    CaseClosed,
    CaseEvent,
    CaseNotFound,
    CasePage,
    CaseState,
    Decision,
    EventKind,
    Fact,
    SecondPersonNeeded,
)
from marketplace.screening.values.declared import RULES, Example, Rule, RuleCode
from marketplace.screening.values.traces import Finding, Trace, TraceKind

__all__ = [
    "RULES",
    "Case",
    "CaseClosed",
    "CaseEvent",
    "CaseNotFound",
    "CasePage",
    "CaseState",
    "Decision",
    "EventKind",
    "Example",
    "Fact",
    "Finding",
    "Rule",
    "RuleCode",
    "SecondPersonNeeded",
    "Trace",
    "TraceKind",
]
