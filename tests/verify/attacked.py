"""A file of evidence as somebody hands it over, what its reader has besides, and what is to be found."""

from dataclasses import dataclass

from tests.verify.evidence import POLICY
from verify.findings import Code

Faults = tuple[tuple[Code, int | None], ...]


@dataclass(frozen=True)
class Attack:
    """`faults` with the entry each is about; `authorities` are the certificates whose time-stamps the reader trusts."""

    data: bytes
    faults: Faults
    receipts: tuple[bytes, ...] = ()
    policy: str = POLICY
    authorities: bytes | None = None
