"""A bordereau in the words of the API. Amounts are whole minor units."""

from typing import Any

from marketplace.oversight.values import Bordereau, BordereauLine, Sums


def told(found: Bordereau) -> dict[str, Any]:
    return {
        "day": found.day.isoformat(),
        "lines": [_line(line) for line in found.lines],
        "sums": [_sums(each) for each in found.sums],
    }


def _line(line: BordereauLine) -> dict[str, Any]:
    share = line.share
    return {
        "event": share.event.value,
        "at": share.at.isoformat(),
        "policy_number": line.number,
        "product": line.product_name.to_json() if line.product_name else None,
        "cover": {
            "start_on": line.period.start_on.isoformat(),
            "end_on": line.period.end_on.isoformat(),
            "zone": line.period.zone,
        },
        "persons": [
            {"role": person.role, "name": person.name, "birth_on": person.birth_on.isoformat()}
            for person in line.persons
        ],
        "premium_lines": [{"label": label.to_json(), "minor": amount.minor} for label, amount in line.premium_lines],
        "currency": share.premium.currency,
        "premium_minor": share.premium.minor,
        "commission_minor": share.commission.minor,
        "passed_on_minor": share.passed_on.minor,
        "owed_minor": share.owed.minor,
        "reference": share.reference,
    }


def _sums(each: Sums) -> dict[str, Any]:
    return {
        "currency": each.before.currency,
        "before_minor": each.before.minor,
        "premium_minor": each.premium.minor,
        "commission_minor": each.commission.minor,
        "passed_on_minor": each.passed_on.minor,
        "after_minor": each.after.minor,
    }
