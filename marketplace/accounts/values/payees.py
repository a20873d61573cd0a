"""How an insurer is paid: its account at Stripe, opened for it once, set up by its own people on Stripe's pages."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.errors import NotFound, Refused

PAYEE_COUNTRIES = ("HK", "SG", "GB", "IE", "DE", "FR", "NL", "LU", "CH", "US", "JP", "AU")
"""Where Stripe opens accounts of this kind, as far as our insurers may have a bank there (docs.stripe.com/connect)."""


class PayeeState(StrEnum):
    """`checking`: everything was given and Stripe looks at it; `restricted`: it worked or could have, and does not."""

    BEGUN = "begun"
    CHECKING = "checking"
    READY = "ready"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True)
class Payee:
    """The account at Stripe of one insurer. `account_id` is Stripe's name for it, once it is opened; `due` what Stripe
    asks for, in its words, when it was last asked (`seen_at`).
    """

    id: UUID
    insurer_id: UUID
    country: str
    account_id: str | None
    state: PayeeState
    due: tuple[str, ...]
    created_at: datetime
    seen_at: datetime | None


class PayeeNotFound(NotFound):
    """This insurer has no account at Stripe yet."""

    code = "accounts:payee-not-found"


class PayeeMismatch(Refused):
    """This account at Stripe belongs to somebody else."""

    code = "accounts:payee-mismatch"


class PayeeMissing(Refused):
    """This insurer cannot be paid yet: its account at Stripe is not ready."""

    code = "accounts:payee-missing"
