"""What is asked of whether an insurance suits, and what speaks against it (SCM articles 21 and 28, IDD articles 20 and
25). Decision 40 says why so much is asked and no more.
"""

from collections.abc import Iterator, Mapping, Sequence

from marketplace.application.values import Circumstance, Misfit, Warned
from marketplace.catalog.values import Line, ProductContent
from marketplace.kernel.canonical import digest
from marketplace.needs.values import PlannedPart
from marketplace.needs.values import Warned as WarnedOfPlan
from marketplace.quoting.values import Fit

_OF_PLAN = {
    WarnedOfPlan.COST_HIGH: Warned.COSTS_TOO_MUCH,
    WarnedOfPlan.OVER_BUDGET: Warned.OVER_BUDGET,
    WarnedOfPlan.COVERED_ALREADY: Warned.COVERED_ALREADY,
}


def circumstances_asked(content: ProductContent, part: PlannedPart | None) -> tuple[Circumstance, ...]:
    """Cover and means of who has no plan, for a plan knows them; and whether they are among those for whom the product
    is made. Nothing before a journey, which is insured once and for days.
    """
    if content.line is Line.TRAVEL:
        return ()
    means = (Circumstance.COVERED_ALREADY, Circumstance.COSTS_TOO_MUCH) if part is None else ()
    return means if content.target_market is None else (*means, Circumstance.MEANT_FOR_ME)


def warnings_of(
    fits: Mapping[str, Fit], told: Mapping[str, bool], part: PlannedPart | None
) -> Iterator[tuple[Warned, str | None]]:
    """Each reason once, with the code of the need where it is one that is not met. What is not known is told in the
    statement and is no warning.
    """
    for code, fit in fits.items():
        if fit is Fit.NOT_MET:
            yield Warned.NEED_NOT_MET, code
    if part is not None:
        yield from ((kind, None) for kind in _of_plan(part))
    if told.get(Circumstance.COVERED_ALREADY):
        yield Warned.COVERED_ALREADY, None
    if told.get(Circumstance.COSTS_TOO_MUCH):
        yield Warned.COSTS_TOO_MUCH, None
    if told.get(Circumstance.MEANT_FOR_ME) is False:
        yield Warned.NOT_MEANT_FOR, None


def _of_plan(part: PlannedPart) -> Iterator[Warned]:
    if part.amount < part.need.amount:
        yield Warned.SHORT_OF_PLAN
    for caution in part.cautions:
        if caution.kind in _OF_PLAN:
            yield _OF_PLAN[caution.kind]


def misfits_sha256(misfits: Sequence[Misfit]) -> str:
    """What is gone against: every reason with its words, in order. Of other reasons the confirmation says nothing."""
    return digest([[each.kind, each.need, each.words.to_json()] for each in misfits])
