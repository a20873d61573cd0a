"""An extra premium that underwriting decided, laid on a premium that a tariff made. Source: docs/verifying.md."""

from collections.abc import Sequence

from marketplace.rating.rules.arithmetic import MILLION, half_up, scaled
from marketplace.rating.values import RATE_DIGITS, Breakdown, ExtraPremium, LineKind, Posted, Posting

_NOT_LOADED = (LineKind.TAX, LineKind.FEE)


def loaded(made: Breakdown, extra: Sequence[ExtraPremium]) -> Breakdown:
    """The premium with a line for each extra premium and, behind them, one for what each tax of the tariff takes of
    them.

    An extra premium is a share of the lines that are neither tax nor fee: several add up, they are not multiplied. Tax
    is taken of them in the proportion in which the tariff takes it of everything that is no tax. Each line is rounded
    once, half up.
    """
    base = sum(minor for posting, minor, _ in made.posted if posting.kind not in _NOT_LOADED)
    lines: list[Posted] = [
        (
            Posting(each.step, LineKind.LOADING, each.label, made.currency),
            half_up(base * scaled(each.rate, RATE_DIGITS), MILLION),
            None,
        )
        for each in extra
    ]
    added = sum(minor for _, minor, _ in lines)
    taxed = sum(minor for posting, minor, _ in made.posted if posting.kind is not LineKind.TAX)
    taxes = [(posting, minor) for posting, minor, _ in made.posted if posting.kind is LineKind.TAX]
    if added and taxed:
        lines += [
            (
                Posting(f"decided_tax_{number}", LineKind.TAX, posting.label, made.currency),
                half_up(minor * added, taxed),
                None,
            )
            for number, (posting, minor) in enumerate(taxes, 1)
        ]
    return Breakdown((*made.posted, *lines), made.currency)
