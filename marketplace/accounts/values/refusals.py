"""What accounts refuse, and why."""

from datetime import datetime

from marketplace.accounts.values.people import MessageRequest
from marketplace.kernel.errors import Conflict, NotFound, Refused, Unavailable


class TooManyTries(Refused):
    """There were too many tries. Please wait a few minutes and try again."""

    code = "accounts:too-many-tries"

    def __init__(self, retry_at: datetime) -> None:
        super().__init__()
        self.retry_at = retry_at


class LimitsUnavailable(Unavailable):
    """Tries cannot be counted at the moment, so none is allowed."""

    code = "accounts:limits-unavailable"


class SignInRefused(Refused):
    """This address and password do not belong together."""

    code = "accounts:sign-in-refused"


class LinkNeeded(TooManyTries):
    """There were many wrong tries for this address. Set a new password by the link that we mail to it."""

    code = "accounts:link-needed"


class CodesUsedUp(TooManyTries):
    """Very many codes were asked for this address today. Set a password by the link that we mail to it."""

    code = "accounts:codes-used-up"


class LinksOnTheirWay(TooManyTries):
    """Many links were mailed to this address within half an hour. The newest of them works, in any browser."""

    code = "accounts:links-on-their-way"


class FactorTriesUsedUp(TooManyTries):
    """There were too many wrong second steps. `notice` is the mail to the owner, at the first time of a day."""

    code = "accounts:factor-tries-used-up"

    def __init__(self, retry_at: datetime, notice: MessageRequest | None) -> None:
        super().__init__(retry_at)
        self.notice = notice


class FactorRefused(Refused):
    """This was not accepted as your second step."""

    code = "accounts:factor-refused"


class LastFactor(Refused):
    """This is your only second step, so it stays."""

    code = "accounts:last-factor"


class FactorNotFound(NotFound):
    """You have no such second step."""

    code = "accounts:factor-not-found"


class SessionNotFound(NotFound):
    """There is no such session of yours."""

    code = "accounts:session-not-found"


class CodeRefused(Refused):
    """This code is not right, was used already, or is too old. Ask for a new one."""

    code = "accounts:code-refused"


class LinkRefused(Refused):
    """This link was used already or is too old. Ask for a new one."""

    code = "accounts:link-refused"


class AccountNotFound(NotFound):
    """There is no such account."""

    code = "accounts:account-not-found"


class NotACustomersAccount(Refused):
    """Accounts of staff are disabled by an administrator, not closed by themselves."""

    code = "accounts:not-a-customers-account"


class InsurerNotFound(NotFound):
    """There is no such insurer."""

    code = "accounts:insurer-not-found"


class AccountExists(Conflict):
    """An account with this address exists already."""

    code = "accounts:account-exists"


class InsurerExists(Conflict):
    """An insurer with this code exists already."""

    code = "accounts:insurer-exists"
