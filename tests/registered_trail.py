"""A recorder that refuses whatever the register of personal data does not name, so that no test writes it unnoticed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from marketplace.privacy.values import registry
from marketplace.traceability.services import recording
from marketplace.traceability.values import Act, View


class UnregisteredKeyError(Exception):
    """An entry of the trail says something under a key that the register does not know."""


def registered() -> frozenset[str]:
    """The keys of entries that stand in the register, of what is about a person and of what is not."""
    places = [each.places for each in (*registry().items, *registry().not_personal)]
    return frozenset().union(*(each.trail for each in places))


@contextmanager
def refusing() -> Iterator[set[str]]:
    """Refuse such entries, and fail in the end where one was written all the same: a page may swallow the refusal."""
    write, odd = recording._entry, set[str]()

    def written(what: Act | View, **more: Any) -> dict[str, Any]:
        if unknown := set(what.body) - registered():
            odd.update(unknown)
            raise UnregisteredKeyError(f"{what.type} writes {sorted(unknown)}")
        return write(what, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "_entry", written)
        yield odd
    if odd:
        pytest.fail(f"the trail was to hold {sorted(odd)}, which registry.toml does not name")
