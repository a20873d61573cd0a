"""The change of the log's key: said in an entry of the log's own journey, signed by the old key and by the new one."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from marketplace.kernel.canonical import canonical_bytes
from marketplace.traceability.rules.notes import NoteRefused, Signer, Verifier


def journey_of_log(origin: str) -> UUID:
    """The log's own journey: the same for everybody who knows its name."""
    return uuid5(NAMESPACE_URL, origin)


def statement(old: Signer, new: Signer, size: int) -> dict[str, Any]:
    """The body of the entry. Raises NoteRefused for keys of two logs."""
    if old.name != new.name:
        raise NoteRefused("a log keeps its name when it changes its key")
    said = _said(old.verifier.vkey, new.verifier.vkey, old.name, size)
    signed = {f"by_{which}": each.sign(canonical_bytes(said)) for which, each in (("old", old), ("new", new))}
    return said | {name: b64encode(signature).decode() for name, signature in signed.items()}


def check_statement(body: Mapping[str, Any], origin: str) -> Verifier:
    """The new key of a statement that both keys signed for this log. Raises NoteRefused."""
    try:
        old, new = Verifier.parse(body["old"]), Verifier.parse(body["new"])
        said = canonical_bytes(_said(body["old"], body["new"], origin, int(body["size"])))
        signed = old.verifies(b64decode(body["by_old"]), said) and new.verifies(b64decode(body["by_new"]), said)
    except (KeyError, TypeError, ValueError) as error:
        raise NoteRefused("this says no change of a key") from error
    if not signed or {old.name, new.name} != {origin} or old == new:
        raise NoteRefused("the change of the key is not signed by both keys")
    return new


def _said(old: str, new: str, origin: str, size: int) -> dict[str, Any]:
    return {"new": new, "old": old, "origin": origin, "size": size}
