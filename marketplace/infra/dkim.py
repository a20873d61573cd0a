"""Our domain's signature on a mail (DKIM, RFC 6376 and 8301), for whoever has no relay that signs.

It is made once, from the message alone: no instant stands in it, so the same message has the same signature. Of the
kinds there are the one that every receiver knows is made: RSA with SHA-256, both halves relaxed.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from marketplace.kernel.errors import Unavailable

SHORTEST_KEY = 2048
_OTHERS = 0o077
_SIGNED = (
    "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted",
    "Content-Language",
)  # fmt: skip
_ONCE_MORE = ("From", "Subject")
"""Named once more than they stand there, so that nobody can add another one."""
_BLANKS = re.compile(rb"[ \t]+")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_WIDTH = 70


class KeyUnfit(Unavailable):
    """The key cannot sign mail: it is missing, shown to others, or no RSA key of a length that receivers take."""

    code = "mail:key-unfit"


@dataclass(frozen=True)
class Signer:
    """`key` is a PEM file that only its owner may read; its public half stands in the DNS at
    `<selector>._domainkey.<domain>`.
    """

    domain: str
    selector: str
    key: Path

    def sign(self, eml: bytes) -> bytes:
        """The message (CRLF line ends) with the signature before it. Raises KeyUnfit."""
        head, _, body = eml.partition(b"\r\n\r\n")
        fields = _fields(head + b"\r\n")
        covered = {name: fields[name.lower().encode()] for name in _SIGNED if name.lower().encode() in fields}
        named = (*covered, *(name for name in _ONCE_MORE if name in covered))
        digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
        unsigned = (
            f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d={self.domain}; s={self.selector};\r\n"
            f" h={':'.join(named[:5])}:\r\n {':'.join(named[5:])};\r\n bh={digest};\r\n b="
        ).encode()
        signed = b"".join([*covered.values(), relaxed_field(unsigned).removesuffix(b"\r\n")])
        value = base64.b64encode(self._private.sign(signed, PKCS1v15(), SHA256())).decode()
        lines = "\r\n ".join(value[at : at + _WIDTH] for at in range(0, len(value), _WIDTH))
        return unsigned + lines.encode() + b"\r\n" + eml

    def problem(self) -> str | None:
        """Why it cannot sign, in words for whoever runs it; None where it can."""
        try:
            _ = self._private
        except KeyUnfit as error:
            return str(error)
        return None

    @cached_property
    def _private(self) -> RSAPrivateKey:
        try:
            if self.key.stat().st_mode & _OTHERS:
                raise KeyUnfit(f"DKIM_KEY: others than its owner may read {self.key.name}; mode 0600 is needed")
            key = load_pem_private_key(self.key.read_bytes(), password=None)
        except OSError as error:
            raise KeyUnfit(f"DKIM_KEY cannot be read ({error.strerror})") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyUnfit("DKIM_KEY is no private key in a PEM file without a password") from error
        if not isinstance(key, RSAPrivateKey) or key.key_size < SHORTEST_KEY:
            raise KeyUnfit(f"DKIM_KEY is no RSA key of {SHORTEST_KEY} bits or more")
        return key


def relaxed_field(field: bytes) -> bytes:
    """A field of the head as it is signed (RFC 6376, 3.4.2)."""
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", _FOLD.sub(b"", value)).strip() + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """The body as it is signed (RFC 6376, 3.4.4)."""
    lines = [_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _fields(head: bytes) -> dict[bytes, bytes]:
    """Name in small letters -> the field as it is signed. Ours stand there once each."""
    fields = (relaxed_field(field) for field in re.split(rb"\r\n(?![ \t])", head) if field)
    return {field.partition(b":")[0]: field for field in fields}
