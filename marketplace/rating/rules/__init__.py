"""Pure decisions of rating: what a risk costs by a tariff, one by one or many at once, and what proves it."""

from marketplace.rating.rules.arithmetic import half_up
from marketplace.rating.rules.loading import loaded
from marketplace.rating.rules.premium import (
    CompiledTariff,
    TariffShape,
    compile_shape,
    compile_tariff,
    premium,
    shape_of_tariff,
)

__all__ = [
    "CompiledTariff",
    "TariffShape",
    "compile_shape",
    "compile_tariff",
    "half_up",
    "loaded",
    "premium",
    "shape_of_tariff",
]
