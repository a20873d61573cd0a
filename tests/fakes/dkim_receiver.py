"""A receiver that checks DKIM signatures (RFC 6376, 6.1): written apart from the signer, held to RFC 8463."""

import base64
import hashlib
import re
from email import message_from_bytes
from email.message import Message

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256


def _canonical(name: str, value: str) -> str:
    return f"{name.lower()}:{' '.join(value.split())}"


def _tags(value: str) -> dict[str, str]:
    return {name.strip(): rest.strip() for name, _, rest in (each.partition("=") for each in value.split(";")) if rest}


def _body_hash(eml: bytes) -> str:
    text = eml.split(b"\r\n\r\n", 1)[1].decode("latin-1")
    text = re.sub(r"[ \t]+\r\n", "\r\n", re.sub(r"[ \t]+", " ", text))
    text = re.sub(r"(\r\n)*\Z", "", text)
    whole = f"{text}\r\n" if text else ""
    return base64.b64encode(hashlib.sha256(whole.encode("latin-1")).digest()).decode()


def _covered(message: Message, names: str) -> list[str]:
    """From the last field of a name upwards; a name that stands there no more counts as nothing."""
    left = {name: message.get_all(name, [])[:] for name in {each.strip().lower() for each in names.split(":")}}
    found = [(name, left[name].pop()) for each in names.split(":") if left[name := each.strip().lower()]]
    return [_canonical(name, str(value)) for name, value in found]


def verified(eml: bytes, key: RSAPublicKey, selector: str) -> dict[str, str] | None:
    """The tags of the signature of this selector, or None where it does not hold."""
    message = message_from_bytes(eml)
    for value in message.get_all("DKIM-Signature", []):
        tags = _tags(str(value))
        if tags.get("s") != selector or tags.get("a") != "rsa-sha256" or tags.get("c") != "relaxed/relaxed":
            continue
        if "".join(tags["bh"].split()) != _body_hash(eml):
            return None
        unsigned = re.sub(r"(;\s*b=)[^;]*", r"\1", str(value))
        signed = "\r\n".join([*_covered(message, tags["h"]), _canonical("dkim-signature", unsigned)])
        try:
            key.verify(base64.b64decode("".join(tags["b"].split())), signed.encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return None
        return tags
    return None
