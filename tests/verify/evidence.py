"""A small log and the bundles of its contracts, made after the format and not by the product: what verifies here and
is changed by a test shows what the verifier finds, and the product's own bundles must look the same to it.
"""

import copy
import io
import json
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marketplace.kernel.canonical import canonical_bytes, digest
from tests.verify.trees import consistency_proof, inclusion_proof
from verify.merkle import leaf as leaf_hash
from verify.merkle import root_over

ORIGIN = "market.example/log"
NAMES = UUID("5f0cf5a9-4a34-4d2c-9a0c-5c3e8c3b7a10")
SALE, OTHER = str(uuid5(NAMES, "sale")), str(uuid5(NAMES, "other"))
APPLICATION, SECOND = str(uuid5(NAMES, "application")), str(uuid5(NAMES, "second"))
POLICY_NO = "EF-2026-000123"
START = 1_790_000_000 * 10**6
CLAUSES, POLICY_PDF, PICTURE = b"%PDF-1.7 clauses", b"%PDF-1.7 policy", b"\x89PNG picture"


def hex_of(data: bytes) -> str:
    return sha256(data).hexdigest()


MADE_OF = {"templates": {"page.html": hex_of(b"<p>")}, "assets": {"page.css": hex_of(b"p {}")}}
"""What the pages of `a_sale` are made of, which is what is released."""


@dataclass(frozen=True)
class LogKey:
    """A key of a log or, of the other kind, of a witness."""

    name: str
    seed: bytes
    kind: int = 1

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def material(self) -> bytes:
        return bytes([self.kind]) + self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + self.material).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(self.material).decode()}"

    def line(self, text: str, at: int | None = None) -> str:
        """The signature line under a text; with a time a cosignature."""
        head = b"" if at is None else at.to_bytes(8, "big")
        said = text if at is None else f"cosignature/v1\ntime {at}\n{text}"
        signature = self.id + head + self.private.sign(said.encode())
        return f"— {self.name} {b64encode(signature).decode()}\n"


KEY, NEW_KEY, FOREIGN_KEY = LogKey(ORIGIN, b"1" * 32), LogKey(ORIGIN, b"2" * 32), LogKey(ORIGIN, b"3" * 32)
WITNESS = LogKey("witness.example", b"4" * 32, 4)
POLICY = f"# whom to believe\nlog {KEY.vkey}\nquorum none\n"
POLICY_AFTER_ROTATION = f"log {KEY.vkey}\nlog {NEW_KEY.vkey}\nquorum none\n"


@dataclass
class Recorded:
    """An entry of the log: its leaf, what it says, its salt, the page it showed."""

    leaf: dict[str, Any]
    envelope: dict[str, Any]
    salt: bytes
    page: bytes | None = None

    @property
    def hash(self) -> bytes:
        return leaf_hash(canonical_bytes(self.leaf))

    def seal(self) -> None:
        """Bring the leaf up to what the entry says and shows."""
        self.leaf["b"] = hex_of(self.salt + canonical_bytes(self.envelope))
        self.leaf["r"] = None if self.page is None else hex_of(self.page)


@dataclass
class Log:
    """`versions` are the manifests of pages by their id."""

    entries: list[Recorded] = field(default_factory=list)
    versions: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.entries)

    def leaves(self, size: int | None = None) -> list[bytes]:
        return [entry.hash for entry in self.entries[:size]]

    def of(self, journey: str) -> list[Recorded]:
        return [entry for entry in self.entries if entry.leaf["j"] == journey]

    def add(
        self,
        kind: str,
        journey: str = SALE,
        body: Mapping[str, Any] | None = None,
        *,
        page: bytes | None = None,
        version: str | None = None,
        application: str | None = APPLICATION,
    ) -> int:
        """The next entry of a journey; its number in the log."""
        before, index = self.of(journey), self.size
        leaf = {
            "v": 1,
            "t": kind,
            "j": journey,
            "n": len(before) + 1,
            "p": before[-1].hash.hex() if before else None,
            "ts": START + index * 10**7,
            "pv": version,
        }
        envelope = {
            "actor": {"account_id": None, "label": "访客", "role": "visitor"},
            "application_id": application,
            "body": dict(body or {"step": index}),
            "business_at": "2026-11-28T11:00:00+00:00",
            "entry_id": str(uuid5(NAMES, f"{journey} {index}")),
            "insurer_id": None,
        }
        entry = Recorded(leaf, envelope, sha256(f"salt {index}".encode()).digest()[:16], page)
        entry.seal()
        self.entries.append(entry)
        return index

    def version(self, manifest: Mapping[str, Any]) -> str:
        self.versions[digest(manifest)] = manifest
        return digest(manifest)

    def rechain(self) -> None:
        """Make every journey whole again, as the owner of the log could: numbers and the hash before."""
        last: dict[str, Recorded] = {}
        for entry in self.entries:
            entry.seal()
            before = last.get(entry.leaf["j"])
            entry.leaf["n"] = before.leaf["n"] + 1 if before else 1
            entry.leaf["p"] = before.hash.hex() if before else None
            last[entry.leaf["j"]] = entry

    def checkpoint(self, size: int | None = None, key: LogKey = KEY, cosigned: Iterable[str] = ()) -> bytes:
        count = self.size if size is None else size
        text = self.text(count)
        return "".join([text, "\n", key.line(text), *cosigned]).encode()

    def text(self, size: int) -> str:
        return f"{ORIGIN}\n{size}\n{b64encode(root_over(self.leaves(size))).decode()}\n"

    def receipt(self, index: int, size: int | None = None, key: LogKey = KEY) -> bytes:
        hashes = inclusion_proof(self.leaves(size), index)
        lines = [
            "c2sp.org/tlog-proof@v1",
            f"extra {b64encode(canonical_bytes(self.entries[index].leaf)).decode()}",
            f"index {index}",
            *(b64encode(each).decode() for each in hashes),
        ]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint(size, key)

    def consistency(self, before: int, size: int | None = None) -> bytes:
        return "".join(
            b64encode(each).decode() + "\n" for each in consistency_proof(self.leaves(size), before)
        ).encode()

    def copy(self) -> "Log":
        return copy.deepcopy(self)


def a_sale(log: Log | None = None, made_of: Mapping[str, Any] = MADE_OF) -> Log:
    """Two journeys side by side; one ends with a contract, and the log goes on. In a log of its own, or in that one."""
    log = log or Log()
    version = log.version(
        {"page": "sale.exclusions", "locale": "zh-Hans-CN", "documents": [hex_of(CLAUSES)], **made_of}
    )
    log.add("entry:shown", page=b"<p>enter</p>", version=version)
    log.add("entry:acknowledged")
    log.add("product:shown", OTHER, application=None)
    log.add("page:shown", page="<p>条款</p>".encode(), version=version)
    log.add("document:confirmed", body={"sha256": hex_of(CLAUSES)})
    log.add("page:shown", OTHER, application=None)
    log.add("answer:given", body={"question": "smoker", "old": None, "new": "no"})
    log.add("payment:succeeded", body={"amount": 12300})
    head = log.of(SALE)[-1].hash.hex()
    log.add("contract:concluded", body={"number": POLICY_NO, "version": 1, "body_sha256": "ab" * 32, "head": head})
    log.add("policy:signed", body={"sha256": hex_of(POLICY_PDF)})
    log.add("page:shown", OTHER, application=None)
    return log


CONCLUDED, SIGNED = 8, 9


@dataclass
class Bundle:
    """The files of an `evidence.zip` on the way to it; `core` becomes `core/core.json`."""

    core: dict[str, Any]
    files: dict[str, bytes]

    def entry(self, index: int) -> dict[str, Any]:
        found: dict[str, Any] = next(entry for entry in self.core["entries"] if entry["index"] == index)
        return found

    def body(self, index: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files[f"core/bodies/{index}.json"])
        return found

    def set_body(self, index: int, value: Mapping[str, Any]) -> None:
        self.files[f"core/bodies/{index}.json"] = canonical_bytes(value)

    def zipped(self) -> bytes:
        return pack({"core/core.json": canonical_bytes(self.core), **self.files}.items())


def pack(files: Iterable[tuple[str, bytes]]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def bundle_of(
    log: Log,
    journeys: Sequence[str] = (SALE,),
    *,
    size: int | None = None,
    key: LogKey = KEY,
    newer: LogKey | None = KEY,
) -> Bundle:
    """The evidence of the contract: the core as of `size` entries, the wrapper with the newest checkpoint."""
    count = SIGNED + 1 if size is None else size
    leaves = log.leaves(count)
    chosen = sorted(
        (index for index in range(count) if log.entries[index].leaf["j"] in journeys),
        key=lambda index: (log.entries[index].leaf["j"], log.entries[index].leaf["n"]),
    )
    files: dict[str, bytes] = {}
    entries = []
    for index in chosen:
        recorded = log.entries[index]
        body, page = f"core/bodies/{index}.json", f"core/pages/{index}.html"
        files[body] = canonical_bytes({"salt": recorded.salt.hex(), "envelope": recorded.envelope})
        if recorded.page is not None:
            files[page] = recorded.page
        entries.append(
            {
                "index": index,
                "leaf": dict(recorded.leaf),
                "proof": [each.hex() for each in inclusion_proof(leaves, index)],
                "size": count,
                "body": body,
                "page": page if recorded.page is not None else None,
                "withheld": None,
            }
        )
    kept = {"clauses.pdf": CLAUSES, "policy.pdf": POLICY_PDF, "page-3.png": PICTURE}
    described = {name: {"name": name, "sha256": hex_of(data), "file": f"core/{name}"} for name, data in kept.items()}
    shown = {log.entries[index].leaf["pv"] for index in chosen}
    core = {
        "format": "evenfold-evidence/1",
        "origin": ORIGIN,
        "contract": {"application_id": APPLICATION, "policy_no": POLICY_NO},
        "entries": entries,
        "page_versions": {version: log.versions[version] for version in shown if version},
        "documents": [described["clauses.pdf"]],
        "exhibits": [{"kind": "policy", **described["policy.pdf"]}, {"kind": "picture", **described["page-3.png"]}],
    }
    files |= {f"core/{name}": data for name, data in kept.items()}
    files["core/checkpoint"] = log.checkpoint(count, key)
    files["README.txt"] = b"How to check this.\n"
    files["wrapper/wrapper.json"] = canonical_bytes({"reader": "compliance", "reason": "complaint"})
    if newer is not None and log.size > count:
        files[f"wrapper/checkpoints/{log.size}"] = log.checkpoint(key=newer)
        files[f"wrapper/consistency/{count}-{log.size}"] = log.consistency(count)
    return Bundle(core, files)
