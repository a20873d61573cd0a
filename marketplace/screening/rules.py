"""What is found in traces, by the declared numbers, and what may become of a case."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from marketplace.kernel.money import minor_digits
from marketplace.kernel.transitions import Table
from marketplace.screening.values import RULES, CaseState, Decision, Finding, Rule, RuleCode, Trace, TraceKind

MOST_NAMED = 12
"""So many applications of a pattern are named, the newest; of all of them the numbers tell."""


def found_in(new: Trace, beside: Sequence[Trace], rules: Mapping[RuleCode, Rule] = RULES) -> Iterator[Finding]:
    """What is found now that `new` came to the traces `beside` it of the same person, insured or instrument."""
    for code, pattern in _PATTERNS.items():
        rule = rules[code]
        since = new.at - timedelta(days=rule.days)
        recent = [each for each in beside if since <= each.at <= new.at]
        yield from pattern(rule, new, recent)


def _death_cover(rule: Rule, new: Trace, beside: Sequence[Trace]) -> Iterator[Finding]:
    """The sums of applications in one currency; sums of several currencies are not added."""
    if new.kind is not TraceKind.APPLIED or not new.death_minor:
        return
    same = [new, *(each for each in beside if _is_of(each, new, TraceKind.APPLIED) and each.death_minor)]
    same = [each for each in same if each.currency == new.currency]
    total, insurers = sum(each.death_minor for each in same), {each.insurer_id for each in same}
    if len(insurers) >= rule.numbers["insurers"] and total >= _minor(rule.numbers["sum"], new.currency):
        yield _finding(rule, new.insured, same, total_minor=total, currency=new.currency, insurers=len(insurers))


def _answers_differ(rule: Rule, new: Trace, beside: Sequence[Trace]) -> Iterator[Finding]:
    if new.kind is not TraceKind.APPLIED:
        return
    others = [each for each in beside if _is_of(each, new, TraceKind.APPLIED) and each.insurer_id != new.insurer_id]
    differing = [each for each in others if _differ(each.answers, new.answers)]
    if differing:
        questions = max(_differ(each.answers, new.answers) for each in differing)
        yield _finding(rule, new.insured, [new, *differing], questions=questions)


def _differ(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    return sum(one[name] != other[name] for name in one.keys() & other.keys())


def _one_instrument(rule: Rule, new: Trace, beside: Sequence[Trace]) -> Iterator[Finding]:
    if new.kind is not TraceKind.PAID or new.instrument is None:
        return
    same = [new, *(each for each in beside if each.kind is TraceKind.PAID and each.instrument == new.instrument)]
    persons = {each.person for each in same}
    if len(persons) >= rule.numbers["persons"]:
        yield _finding(rule, new.instrument, same, persons=len(persons))


def _bought_and_left(rule: Rule, new: Trace, beside: Sequence[Trace]) -> Iterator[Finding]:
    if new.kind is not TraceKind.REFUNDED:
        return
    same = [new, *(each for each in beside if each.kind is TraceKind.REFUNDED and each.person == new.person)]
    times = len({each.application_id for each in same})
    if times >= rule.numbers["times"]:
        yield _finding(rule, new.person, same, times=times)


def _payer_differs(rule: Rule, new: Trace, _beside: Sequence[Trace]) -> Iterator[Finding]:
    if new.kind is TraceKind.PAID and new.payer_fits is False:
        yield _finding(rule, str(new.application_id), [new])


def _premium_out_of_proportion(rule: Rule, new: Trace, _beside: Sequence[Trace]) -> Iterator[Finding]:
    if new.kind is not TraceKind.APPLIED or not new.sum_minor:
        return
    least = _minor(rule.numbers["least"], new.currency)
    if new.premium_minor >= least and new.premium_minor * 100 >= new.sum_minor * rule.numbers["percent"]:
        yield _finding(
            rule, str(new.application_id), [new],
            total_minor=new.premium_minor, sum_minor=new.sum_minor, currency=new.currency,
        )  # fmt: skip


_PATTERNS: Mapping[RuleCode, Callable[[Rule, Trace, Sequence[Trace]], Iterator[Finding]]] = {
    RuleCode.DEATH_COVER: _death_cover,
    RuleCode.ANSWERS_DIFFER: _answers_differ,
    RuleCode.ONE_INSTRUMENT: _one_instrument,
    RuleCode.BOUGHT_AND_LEFT: _bought_and_left,
    RuleCode.PAYER_DIFFERS: _payer_differs,
    RuleCode.PREMIUM_OUT_OF_PROPORTION: _premium_out_of_proportion,
}
"""The list of names is asked before anything is decided, and not here."""


def _is_of(each: Trace, new: Trace, kind: TraceKind) -> bool:
    return each.kind is kind and each.insured == new.insured and each.application_id != new.application_id


def _minor(major: int, currency: str) -> int:
    return int(major * 10 ** minor_digits(currency))


def _finding(rule: Rule, subject: str, traces: Sequence[Trace], **numbers: int | str) -> Finding:
    newest = dict.fromkeys(each.application_id for each in sorted(traces, key=lambda each: each.at, reverse=True))
    return Finding(rule.code, subject, tuple(newest)[:MOST_NAMED], numbers)


def needs_second(decision: Decision) -> bool:
    """Whether one person alone decides so."""
    return decision is not Decision.CLEARED


_DECIDED = "it was decided"
CASES: Table[CaseState, Decision] = Table(
    CaseState,
    Decision,
    {
        (CaseState.OPEN, Decision.CLEARED): CaseState.CLOSED,
        (CaseState.OPEN, Decision.REPORTED): CaseState.PROPOSED,
        (CaseState.OPEN, Decision.REFUSED): CaseState.PROPOSED,
        (CaseState.PROPOSED, Decision.CLEARED): "a second person answers first",
        (CaseState.PROPOSED, Decision.REPORTED): "a second person answers first",
        (CaseState.PROPOSED, Decision.REFUSED): "a second person answers first",
        (CaseState.CLOSED, Decision.CLEARED): _DECIDED,
        (CaseState.CLOSED, Decision.REPORTED): _DECIDED,
        (CaseState.CLOSED, Decision.REFUSED): _DECIDED,
    },
)
"""What a person decides on a case; the second one agrees to what is proposed, or opens it again."""
