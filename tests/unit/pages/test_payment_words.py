"""Whatever state money is in, the pages have words for it: a word that is missing is a page that fails."""

import pkgutil
from collections.abc import Iterator, Mapping
from enum import Enum
from importlib import import_module

from marketplace import web
from marketplace.payment.values import RefundState, ShareEvent
from marketplace.web import sale_file
from marketplace.web.insurer.account_tables import event_words


def maps_over_payment() -> Iterator[tuple[str, type[Enum], set[object]]]:
    """Each map of a page whose keys are words of payment, wherever it stands."""
    for found in pkgutil.walk_packages(web.__path__, f"{web.__name__}."):
        for name, value in vars(import_module(found.name)).items():
            kinds = {type(key) for key in value} if isinstance(value, Mapping) else set()
            for kind in kinds:
                if kind.__module__.startswith("marketplace.payment.values") and issubclass(kind, Enum):
                    yield f"{found.name}.{name}", kind, set(value)


def test_every_map_of_words_over_payment_is_whole() -> None:
    found = list(maps_over_payment())
    assert {kind for _, kind, _ in found} >= {RefundState}
    assert [(name, set(kind) - keys) for name, kind, keys in found if set(kind) != keys] == []


def test_a_refund_that_a_bank_overtook_has_words_of_its_own() -> None:
    words = [str(sale_file._REFUNDS[state]) for state in RefundState]
    assert len(set(words)) == len(words)


def test_every_line_of_an_account_with_an_insurer_has_words() -> None:
    assert len({event_words(each) for each in ShareEvent}) == len(ShareEvent)
