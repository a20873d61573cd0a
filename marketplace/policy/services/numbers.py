"""Who numbers contracts: the insurer, by a range that it set aside for us or by a system of its own, or we."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from marketplace.accounts.values import Insurer
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.errors import Invalid, Unavailable
from marketplace.policy import queries, rules
from marketplace.policy.models import AllottedRange, lock_ranges, locked_allotted, locked_number, take_number

log = logging.getLogger(__name__)
_FEW = 10


class PolicyIssuer(Protocol):
    """A port: what gives the contracts of an insurer their numbers.

    Asked inside the transaction that concludes the contract, with other contracts of the insurer waiting, and so not by
    a call over the network: who has to ask somebody writes a row, has a job ask, and raises `Unavailable` until the
    answer is there. Issuing is repeated by its own job, and gives the money back where a day was not enough.
    """

    def number(self, insurer: Insurer, application_id: UUID, year: int) -> str:
        """The number of the contract of this application, the same one whenever it is asked. Raises Unavailable."""


class Allotted:
    """From the range that the insurer allotted, the oldest first; where there is none, or none is left, a number of
    ours. Nobody who has paid waits for a range: that it runs out rings before and when it does.
    """

    def number(self, insurer: Insurer, application_id: UUID, year: int) -> str:  # noqa: ARG002  rolled back, it is the next one's
        while allotted := locked_allotted(insurer.id):
            number = rules.allotted_number(allotted.prefix, allotted.digits, allotted.next)
            allotted.next += 1
            db.session.flush()
            _ring(insurer, allotted)
            if queries.application_of_number(number) is None:
                return number
        sequence = locked_number(insurer.id, year)
        take_number(insurer.id, year)
        return rules.policy_number(insurer.code, year, sequence)


def _ring(insurer: Insurer, allotted: AllottedRange) -> None:
    """At a tenth, and at the end."""
    left = allotted.last - allotted.next + 1
    if left in {0, (allotted.last - allotted.first + 1) // _FEW}:
        log.error("ALARM of the numbers of %s that begin with %s, %s are left", insurer.code, allotted.prefix, left)


_DEFAULT = Allotted()
_issuers: Mapping[str, PolicyIssuer] = MappingProxyType({})


def configure(issuers: Mapping[str, PolicyIssuer]) -> None:
    """For the wiring: insurers, by their code, that number contracts by a system of their own."""
    global _issuers  # noqa: PLW0603  one set for each process, set at start
    _issuers = MappingProxyType(dict(issuers))


def number_of(insurer: Insurer, application_id: UUID, year: int) -> str:
    """Raises Unavailable while there is none, and for one that none can be or that another contract has."""
    number = _issuers.get(insurer.code, _DEFAULT).number(insurer, application_id, year)
    if not rules.is_number(number) or queries.application_of_number(number) is not None:
        log.error("ALARM the insurer %s gave a number that its contract cannot have: %s", insurer.code, number)
        raise Unavailable("the number of the contract is none")
    return number


def allot_numbers(insurer_id: UUID, prefix: str, first: str, last: str) -> int:
    """Note a range that an insurer has set aside for us; how many numbers that is. `first` and `last` with their zeros.

    Raises Invalid, also where some of them are in another range or on a contract.
    """
    rules.require_range(prefix, first, last)
    lock_ranges()
    bounds = rules.compact_number(prefix + first), rules.compact_number(prefix + last)
    if queries.any_number_between(*bounds):
        raise Invalid({"first": "some of these numbers are in another range, or on a contract, already"})
    numbers = int(first), int(last)
    row = AllottedRange(
        id=ids.new_id(), insurer_id=insurer_id, prefix=prefix, digits=len(last), first=numbers[0], last=numbers[1],
        next=numbers[0], allotted_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return numbers[1] - numbers[0] + 1
