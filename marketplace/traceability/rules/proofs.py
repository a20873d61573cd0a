"""What is handed out to be checked without us: proofs (c2sp.org/tlog-proof), whom to trust (c2sp.org/tlog-policy)."""

from base64 import b64encode
from collections.abc import Iterable, Sequence

VERSION = "c2sp.org/tlog-proof@v1"


def proof_file(leaf: bytes, index: int, beside: Sequence[bytes], checkpoint: str) -> bytes:
    """The bytes of a `.tlog-proof` that says what it proves: the leaf itself is its extra data."""
    lines = [VERSION, f"extra {_text(leaf)}", f"index {index}", *map(_text, beside), ""]
    return ("\n".join(lines) + "\n" + checkpoint).encode()


def trust_policy(origin: str, vkeys: Iterable[str]) -> bytes:
    """Which keys sign for the log, the earlier ones first. No witness signs it yet."""
    lines = [
        f"# Whoever checks evidence of {origin} trusts these keys. Compare them with those printed on a policy.",
        *(f"log {vkey}" for vkey in vkeys),
        "quorum none",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def authorities_file(roots: Iterable[tuple[str, str]]) -> bytes:
    """Certificates (PEM), each under the name of the authority whose time-stamps lead to it. What stands between is
    read over by every program.
    """
    head = "# Who stamps the time of the log, and the certificate that its time-stamps lead to.\n"
    return (head + "".join(f"\n# {name}\n{root}" for name, root in roots)).encode()


def _text(data: bytes) -> str:
    return b64encode(data).decode()
