"""The port to whoever proves that a person is who they say: what is claimed, the document shown, what was found.

There are two kinds. One is told what stands in a document and answers at once (`IdentityVerifier`): the demonstration's
looks at the document alone and asks no register. The other has a page of its own, where the document is shown to it and
not to us (`HostedVerifier`): Stripe Identity. `wiring` hands one of them to `configure`.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol, runtime_checkable

from marketplace.kernel.errors import Unavailable
from marketplace.kernel.identity import Claim, Flaw, IdentityDocument


class IdentityUnavailable(Unavailable):
    """Your identity cannot be checked at the moment. Nothing is lost; please try again a little later."""

    code = "identity:unavailable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reference` names the check at the verifier; `flaw` says why it is not proven, None where it is."""

    reference: str
    flaw: Flaw | None


@runtime_checkable
class IdentityVerifier(Protocol):
    """`method` is how the trail names it."""

    method: str

    def verify(self, claim: Claim, document: IdentityDocument, today: date, key: str) -> Verdict:
        """Whether the document is the claimant's, real and valid on `today`. Asked again with the same `key` it finds
        what it found before. Raises IdentityUnavailable.
        """

    def specimen(self, claim: Claim) -> str | None:
        """For one that asks no register: a number that fits the claim and that nobody has, to try it with."""


class HostedState(StrEnum):
    """How a check stands at a verifier with a page of its own."""

    WAITING = "waiting"
    PROCESSING = "processing"
    VERIFIED = "verified"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class DocumentPerson:
    """Whom a genuine document names; its number is not asked for. `birth_on` is None where it was not told."""

    first_name: str
    last_name: str
    birth_on: date | None


@dataclass(frozen=True, slots=True)
class HostedCheck:
    """A check as it is now. `our_id` is ours, None where somebody else began it; `url` the page, good for one visit,
    while it waits; `report` names what was looked at last; `flaw` why that was not enough; `person` is there when it
    is verified.
    """

    reference: str
    state: HostedState
    our_id: str | None
    url: str | None = None
    report: str | None = None
    flaw: Flaw | None = None
    person: DocumentPerson | None = None


@runtime_checkable
class HostedVerifier(Protocol):
    """`method` is how the trail names it. Every call raises IdentityUnavailable where it may succeed later."""

    method: str

    def begin(self, our_id: str, return_url: str) -> HostedCheck:
        """A new check. Asked again with the same id, it finds what it made before (for a day)."""

    def look_up(self, reference: str) -> HostedCheck:
        """The check as it is now."""

    def close(self, reference: str) -> None:
        """Nobody may show anything for it any more. What is closed, or decided, stays as it is."""

    def forget(self, reference: str) -> None:
        """Take out of its books whatever was shown for this check."""


_verifier: IdentityVerifier | HostedVerifier | None = None


def configure(verifier: IdentityVerifier | HostedVerifier | None) -> None:
    """For the wiring: the one that this process uses; None checks nobody."""
    global _verifier  # noqa: PLW0603  one for each process, set at start
    _verifier = verifier


def is_hosted() -> bool:
    """Whether a document is shown on the verifier's own page."""
    return isinstance(_verifier, HostedVerifier)


def verifier() -> IdentityVerifier:
    """The one that is told of documents. Raises IdentityUnavailable where there is none."""
    if not isinstance(_verifier, IdentityVerifier):
        raise IdentityUnavailable("no identity verifier that is told of documents is configured (IDENTITY_VERIFIER)")
    return _verifier


def hosted() -> HostedVerifier:
    """The one with a page of its own. Raises IdentityUnavailable where there is none."""
    if not isinstance(_verifier, HostedVerifier):
        raise IdentityUnavailable("no identity verifier with a page of its own is configured (IDENTITY_VERIFIER)")
    return _verifier
