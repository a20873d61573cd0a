"""Pure decisions about the register of practitioners (Order 2020 No. 13, articles 33 to 35)."""

import re
from datetime import date, timedelta

from marketplace.accounts.values import Fault, NewPractitioner

_NUMBER = re.compile(r"[A-Z0-9]{1,12}(?:-[A-Z0-9]{1,12}){0,5}|[0-9]{20,32}")
SHORTEST_NUMBER, LONGEST_NUMBER = 6, 40
LONGEST_VALIDITY = timedelta(days=366 * 10)


def spelled(number: str) -> str:
    """The one spelling of a certificate's number: capitals, no blanks."""
    return "".join(number.split()).upper()


def practitioner_faults(new: NewPractitioner, today: date) -> dict[str, Fault]:
    """By field: no number of a certificate, no line of business, days that are no period or are over."""
    number = spelled(new.certificate_no)
    found: dict[str, Fault] = {}
    if not SHORTEST_NUMBER <= len(number) <= LONGEST_NUMBER or not _NUMBER.fullmatch(number):
        found["certificate_no"] = Fault.CERTIFICATE_NUMBER
    if not new.lines:
        found["lines"] = Fault.CERTIFICATE_SCOPE
    if not new.valid_from <= new.valid_to <= new.valid_from + LONGEST_VALIDITY or new.valid_to < today:
        found["valid_to"] = Fault.CERTIFICATE_DAYS
    return found
