"""How often a mail that proves something may be asked for. Nobody can use up what the owner of an address needs.

Counted is who asks: by source, and by source and address. An address itself takes so much that strangers use it up only
from many places, and that leaves a way in: once there are no more codes, a link; once there are no more links, one that
was mailed within the half hour still works, in any browser. A browser in which the account was signed in before, and a
session's own fresh proof, are counted apart from all of it.
"""

from uuid import UUID

from marketplace.accounts import rules
from marketplace.accounts.models import AccountRow
from marketplace.accounts.services import checks, devices, tries
from marketplace.accounts.values import Bucket, CodePurpose, CodesUsedUp, LinksOnTheirWay, TooManyTries


def count_code(address: str, row: AccountRow | None, source: str, device: str | None) -> None:
    """Count a request for a code. Raises TooManyTries, and CodesUsedUp where it is the address that takes no more."""
    if not _of_own_browser(address, row, device):
        _count_of_stranger(address, source)
        _count_of_address((Bucket.CODE_OF_ADDRESS, address), CodesUsedUp)


def count_link(purpose: CodePurpose, address: str, row: AccountRow | None, source: str, device: str | None) -> None:
    """Count a request for a link; each purpose has its own count, so that one of its links works whenever no more are
    given. Raises TooManyTries, and LinksOnTheirWay where it is the address that takes no more.
    """
    if not _of_own_browser(address, row, device):
        _count_of_stranger(address, source)
        _count_of_address((Bucket.LINK_OF_ADDRESS, f"{purpose.value} {address}"), LinksOnTheirWay)


def count_code_of_session(session_id: UUID) -> None:
    """Count a request for a code by whoever is signed in. Raises TooManyTries."""
    tries.count((Bucket.MAIL_OF_SESSION, str(session_id)))


def count_sharing(email: str) -> str:
    """Count a mail that proves nothing and that anybody may have sent to this address; its one spelling. Raises
    Invalid(email), TooManyTries.
    """
    address = checks.address(email)
    tries.count((Bucket.SHARING_OF_ADDRESS, address))
    return address


def count_copy(policy_id: UUID) -> None:
    """Count that the holder of a policy wants it mailed again. Raises TooManyTries."""
    tries.count((Bucket.COPY_OF_POLICY, str(policy_id)))


def count_question(account_id: UUID) -> None:
    """Count a question of a customer to an insurer. Raises TooManyTries."""
    tries.count((Bucket.QUESTION_OF_ACCOUNT, str(account_id)))


def count_identity(application_id: UUID, whose: str) -> None:
    """Count an attempt to prove who the applicant or the insured is. Raises TooManyTries."""
    tries.count((Bucket.IDENTITY_OF_APPLICATION, f"{whose} {application_id}"))


def give_identity_back(application_id: UUID, whose: str) -> None:
    """It was proven, and counts no longer."""
    tries.give_back((Bucket.IDENTITY_OF_APPLICATION, f"{whose} {application_id}"))


def count_insured_asked(application_id: UUID) -> None:
    """Count a mail that asks the insured to agree. Raises TooManyTries."""
    tries.count((Bucket.INSURED_ASKED_OF_APPLICATION, str(application_id)))


def guesses(row: AccountRow | None, source: str, device: str | None) -> tuple[tries.Counted, ...]:
    """What a try at a code is counted in besides the code itself: its source, unless the account knows the browser."""
    known = devices.is_known(row.id if row else None, device)
    return () if known else ((Bucket.TRY_OF_SOURCE, rules.counted_source(source)),)


def _of_own_browser(address: str, row: AccountRow | None, device: str | None) -> bool:
    """Whether the account knows the browser; the request is counted as that browser's then."""
    known = devices.is_known(row.id if row else None, device)
    if known:
        tries.count((Bucket.MAIL_OF_BROWSER, f"{device} {address}"))
    return known


def _count_of_stranger(address: str, source: str) -> None:
    network = rules.counted_source(source)
    pair = f"{network} {address}"
    tries.count((Bucket.MAIL_OF_SOURCE, network), (Bucket.MAIL_OF_PAIR, pair), (Bucket.MAIL_OF_PAIR_DAILY, pair))


def _count_of_address(counted: tries.Counted, refusal: type[TooManyTries]) -> None:
    try:
        tries.count(counted)
    except TooManyTries as error:
        raise refusal(error.retry_at) from None
