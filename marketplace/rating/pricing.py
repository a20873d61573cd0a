"""Premiums from a tariff that is given: what others ask of the rules without a database behind it.

An upload is read in a child process that starts for each one; this room is light, so that the child starts fast.
"""

from marketplace.rating import rules
from marketplace.rating.values import Breakdown, Risk, RiskOutOfRange, Tariff


class Rater:
    """One tariff, compiled once, for many risks; `root` is its hash where it is a published one.

    Raises TariffFault where the tariff cannot be used.
    """

    def __init__(self, tariff: Tariff, root: str = "") -> None:
        self._compiled = rules.compile_tariff(tariff)
        self.root = root

    @property
    def tariff(self) -> Tariff:
        return self.shape.tariff

    @property
    def shape(self) -> rules.TariffShape:
        """What many risks at once are rated by (`rating.portfolio`)."""
        return self._compiled.shape

    @property
    def factors(self) -> frozenset[str]:
        """Every factor the tariff asks about."""
        return frozenset(self._compiled.kinds)

    def premium(self, risk: Risk) -> Breakdown:
        """The premium with its lines. Raises RiskOutOfRange naming the factor."""
        return rules.premium(self._compiled, risk)

    def gap(self, table: str, risk: Risk) -> RiskOutOfRange | None:
        """The refusal of one table for `risk` (only the table's own factors are looked at), or None."""
        try:
            self._compiled.tables[table].finder(table)(risk)
        except RiskOutOfRange as refusal:
            return refusal
        return None
