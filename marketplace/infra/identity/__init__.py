"""The port to whoever proves that a person is who they say: what is claimed, the document shown, what was found.

`infra.identity.demonstration.DemonstrationVerifier` looks at the document alone and asks no register. One that does is
a class with these names that `wiring` hands to `configure`; who asks does not know which it is.
"""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

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


class IdentityVerifier(Protocol):
    """`method` is how the trail names it."""

    method: str

    def verify(self, claim: Claim, document: IdentityDocument, today: date, key: str) -> Verdict:
        """Whether the document is the claimant's, real and valid on `today`. Asked again with the same `key` it finds
        what it found before. Raises IdentityUnavailable.
        """

    def specimen(self, claim: Claim) -> str | None:
        """For one that asks no register: a number that fits the claim and that nobody has, to try it with."""


_verifier: IdentityVerifier | None = None


def configure(verifier: IdentityVerifier | None) -> None:
    """For the wiring: the one that this process uses; None checks nobody."""
    global _verifier  # noqa: PLW0603  one for each process, set at start
    _verifier = verifier


def verifier() -> IdentityVerifier:
    """Raises IdentityUnavailable where there is none."""
    if _verifier is None:
        raise IdentityUnavailable("no identity verifier is configured (IDENTITY_VERIFIER)")
    return _verifier
