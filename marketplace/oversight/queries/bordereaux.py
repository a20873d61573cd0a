"""The account with an insurer as it is handed over: a bordereau for each day, with the contracts and their persons; a
statement for each month, with where it began and where it ended.

Nothing of this is kept a second time: both are read from the shares, which never change once they are posted, so a day
that is over stays as it is, but for persons whose time of keeping is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.oversight.values import (
    SETTLED_AFTER,
    Bordereau,
    BordereauLine,
    BordereauNotReady,
    NamedPerson,
    NumberedLines,
    Statement,
    Sums,
)
from marketplace.payment import queries as payments
from marketplace.payment.values import ShareLine
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from marketplace.privacy import queries as privacy


def bordereau(insurer_id: UUID, day: date) -> Bordereau:
    """What happened to this insurer's shares on a day of ours that is over. Raises BordereauNotReady."""
    since, until = _begin(day), _begin(day + timedelta(days=1))
    _require_over(until)
    found = payments.share_lines(insurer_id, since, until)
    contracts = policies.policies(line.contract_id for line in found)
    shown = _shown(contracts.values())
    lines = tuple(_line(line, contracts[line.contract_id], shown[line.contract_id]) for line in found)
    return Bordereau(day, lines, _sums(found, payments.owed_at(insurer_id, since)))


def statement(insurer_id: UUID, month: date) -> Statement:
    """The account with this insurer over the month that begins with `month` and is over; no persons. Raises
    BordereauNotReady.
    """
    since, until = _begin(month), _begin((month + timedelta(days=31)).replace(day=1))
    _require_over(until)
    found = payments.share_lines(insurer_id, since, until)
    return Statement(month, _numbered(found), _sums(found, payments.owed_at(insurer_id, since)))


def latest_share_lines(insurer_id: UUID, limit: int) -> NumberedLines:
    """What happened to this insurer's shares last, newest first; no persons."""
    return _numbered(payments.latest_share_lines(insurer_id, limit))


def _numbered(found: Sequence[ShareLine]) -> NumberedLines:
    contracts = policies.frames(line.contract_id for line in found)
    numbers = {contract.id: contract.number for contract in contracts}
    return tuple((line, numbers[line.contract_id]) for line in found)


def _require_over(until: datetime) -> None:
    if until + SETTLED_AFTER > clock.now():
        raise BordereauNotReady


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(ZONE))


def _shown(contracts: Iterable[Policy]) -> Mapping[UUID, tuple[NamedPerson, ...]]:
    """By contract, the persons that it names; none where it is erased, or may not be used any more (its customer closed
    the account, and it covers nothing).
    """
    known = tuple(contracts)
    restricted = privacy.restricted_journeys(contract.journey_id for contract in known)
    return {
        contract.id: ()
        if contract.erased or (contract.journey_id in restricted and _is_restricted(contract))
        else tuple(
            NamedPerson(person["role"], person["name"], date.fromisoformat(person["birth_on"]))
            for person in contract.body["persons"]
        )
        for contract in known
    }


def _is_restricted(contract: Policy) -> bool:
    found = privacy.restriction_on(contract.journey_id, contract.application_id)
    return found is not None and not (
        found.application_id == contract.application_id and clock.today(ZONE) <= found.covered_until
    )


def _line(line: ShareLine, contract: Policy, persons: tuple[NamedPerson, ...]) -> BordereauLine:
    said = {} if contract.erased else contract.body["premium"]
    return BordereauLine(
        share=line,
        number=contract.number,
        product_name=None if contract.erased else contract.product_name,
        period=contract.period,
        persons=persons,
        premium_lines=tuple(
            (LocalizedText.from_json(each["label"]), Money(each["minor"], said["currency"]))
            for each in said.get("lines", ())
        ),
    )


def _sums(lines: Iterable[ShareLine], before: Iterable[Money]) -> tuple[Sums, ...]:
    """By currency: what was owed before, what was added and sent, and what is owed after."""
    opening = {each.currency: each for each in before}
    by: dict[str, list[ShareLine]] = {currency: [] for currency in opening}
    for line in lines:
        by.setdefault(line.premium.currency, []).append(line)
    return tuple(
        Sums(
            before=opening.get(currency, Money.zero(currency)),
            premium=sum((line.premium for line in found), Money.zero(currency)),
            commission=sum((line.commission for line in found), Money.zero(currency)),
            passed_on=sum((line.passed_on for line in found), Money.zero(currency)),
        )
        for currency, found in sorted(by.items())
    )
