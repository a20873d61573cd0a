"""Abuses of the change of the log's key, and changes that are none."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from marketplace.kernel.canonical import canonical_bytes
from tests.verify.attacked import Attack
from tests.verify.evidence import (
    CONCLUDED,
    FOREIGN_KEY,
    KEY,
    NEW_KEY,
    ORIGIN,
    OTHER,
    POLICY,
    POLICY_AFTER_ROTATION,
    SALE,
    Bundle,
    Log,
    LogKey,
    a_sale,
    bundle_of,
)
from tests.verify.trees import inclusion_proof
from verify.findings import Code

OWN = str(uuid5(NAMESPACE_URL, ORIGIN))
THIRD_KEY = LogKey(ORIGIN, b"6" * 32)
ROTATED = 11
"""The entry of the change; the sale stands before it, one entry behind it."""
LAST, NEWEST = ROTATED + 1, ROTATED + 2
POLICY_OF_NEW = f"log {NEW_KEY.vkey}\nquorum none\n"
POLICY_OF_THIRD = f"log {THIRD_KEY.vkey}\nquorum none\n"
POLICY_WITH_ANOTHER = f"log {KEY.vkey}\nlog {FOREIGN_KEY.vkey}\nquorum none\n"
UNKNOWN, RETIRED, FORGED = (Code.UNKNOWN_KEY, None), (Code.KEY_RETIRED, None), (Code.ROTATION_FORGED, None)
MISSING, NO_WAY = (Code.ROTATION_MISSING, None), (Code.CONSISTENCY_MISSING, None)
STRANGER = (UNKNOWN, NO_WAY)
"""Of the newest tree: its key is unknown, and nothing leads from the tree of the core to that of the change instead."""


def stated(
    size: int, *, old: LogKey = KEY, new: LogKey = NEW_KEY, by_old: LogKey | None = None, by_new: LogKey | None = None
) -> dict[str, Any]:
    """What is said of a change; `by_old` and `by_new` sign it, else the keys themselves."""
    said = {"new": new.vkey, "old": old.vkey, "origin": ORIGIN, "size": size}
    signed = {"by_old": by_old or old, "by_new": by_new or new}
    return said | {name: b64encode(key.private.sign(canonical_bytes(said))).decode() for name, key in signed.items()}


def rotated(*, journey: str = OWN, kind: str = "log:key_rotated", size: int | None = None, **signed: Any) -> Log:
    """A log with a sale, a change of the key, and an entry after it."""
    log = a_sale()
    log.add(kind, journey, stated(log.size if size is None else size, **signed), application=None)
    log.add("page:shown", OTHER, application=None)
    return log


def put_rotation(bundle: Bundle, log: Log, index: int = ROTATED, *, key: LogKey = KEY, newest: int = NEWEST) -> None:
    """The file of a change, the tree that it ends, signed by `key`, and the way from there."""
    recorded, size = log.entries[index], index + 1
    proof = [each.hex() for each in inclusion_proof(log.leaves(size), index)]
    file = {
        "body": {"salt": recorded.salt.hex(), "envelope": recorded.envelope},
        "entry": {"index": index, "leaf": dict(recorded.leaf), "proof": proof},
    }
    bundle.files[f"wrapper/rotations/{index}.json"] = canonical_bytes(file)
    bundle.files.setdefault(f"wrapper/checkpoints/{size}", log.checkpoint(size, key))
    bundle.files[f"wrapper/consistency/{size}-{newest}"] = log.consistency(size, newest)


def evidence(log: Log | None = None, *, last: LogKey = KEY, newer: LogKey = NEW_KEY, **core: Any) -> Bundle:
    """Of the sale, before the change: `last` signs the tree that it ends, `newer` the newest."""
    log = log or rotated()
    bundle = bundle_of(log, newer=newer, **core)
    put_rotation(bundle, log, key=last)
    return bundle


def without(*names: str, bundle: Callable[[], Bundle] = evidence) -> Bundle:
    found = bundle()
    for name in names:
        del found.files[name]
    return found


def changed(change: Callable[[dict[str, Any]], object]) -> Bundle:
    """The file of the change with a change."""
    bundle = evidence()
    name = f"wrapper/rotations/{ROTATED}.json"
    file = json.loads(bundle.files[name])
    change(file)
    bundle.files[name] = canonical_bytes(file)
    return bundle


def twice_rotated(**second: Any) -> Bundle:
    """The key changes once more, and an entry follows."""
    log = rotated()
    index = log.add("log:key_rotated", OWN, stated(log.size, **second), application=None)
    log.add("page:shown", OTHER, application=None)
    bundle = bundle_of(log, newer=second["new"])
    put_rotation(bundle, log, newest=log.size)
    put_rotation(bundle, log, index, key=second["old"], newest=log.size)
    return bundle


def as_the_last_of_a_larger_tree() -> Bundle:
    """The old key has signed one entry more, and says that the change stands there."""
    bundle = without(f"wrapper/checkpoints/{LAST}", bundle=partial(evidence, newer=KEY))
    file = json.loads(bundle.files[f"wrapper/rotations/{ROTATED}.json"])
    file["entry"]["proof"] = [each.hex() for each in inclusion_proof(rotated().leaves(), ROTATED)]
    bundle.files[f"wrapper/rotations/{ROTATED}.json"] = canonical_bytes(file)
    return bundle


def flooded() -> Bundle:
    bundle = evidence()
    bundle.files |= {f"wrapper/rotations/{number}.json": b"{}" for number in range(100, 140)}
    return bundle


def made(
    bundle: Callable[[], Bundle],
    *faults: tuple[Code, int | None],
    policy: str = POLICY,
    receipts: tuple[bytes, ...] = (),
) -> Callable[[], Attack]:
    return lambda: Attack(bundle().zipped(), faults, receipts, policy)


def other_key(file: dict[str, Any]) -> None:
    file["body"]["envelope"]["body"]["new"] = FOREIGN_KEY.vkey


def other_statement(file: dict[str, Any]) -> None:
    """Another one that both keys signed, in place of that which was entered."""
    file["body"]["envelope"]["body"] = stated(ROTATED - 1)


THE_FILE, THE_TREE = f"wrapper/rotations/{ROTATED}.json", f"wrapper/checkpoints/{LAST}"
MINE = rotated().receipt(CONCLUDED)

ROTATION_ATTACKS: Mapping[str, Callable[[], Attack]] = {
    "use a new key and show no change of it": made(partial(without, THE_FILE), *STRANGER),
    "use a new key that the policy names and show no change of it": made(
        partial(without, THE_FILE), MISSING, NO_WAY, policy=POLICY_AFTER_ROTATION
    ),
    **{
        f"forge a new key, {what}": made(lambda forged=forged: evidence(rotated(**forged)), FORGED, *STRANGER)
        for what, forged in {
            "signed by the new one twice": {"by_old": NEW_KEY},
            "signed by a stranger": {"by_old": FOREIGN_KEY},
            "signed by a stranger and the old one": {"by_new": FOREIGN_KEY},
            "signed by the old one twice": {"by_new": KEY},
            "made of a larger log": {"size": 999},
            "which is the old one": {"new": KEY},
            "in place of a stranger's": {"old": FOREIGN_KEY},
            "of another log": {"new": LogKey("other.example/log", b"5" * 32)},
            "of a witness": {"new": LogKey(ORIGIN, b"5" * 32, 4)},
        }.items()
    },
    "name a new key in another journey": made(lambda: evidence(rotated(journey=SALE)), FORGED, *STRANGER),
    "name a new key in an entry of another kind": made(
        lambda: evidence(rotated(kind="log:stamped")), FORGED, *STRANGER
    ),
    "name another new key than was entered": made(partial(changed, other_key), FORGED, *STRANGER),
    "show another statement than was entered": made(partial(changed, other_statement), FORGED, *STRANGER),
    "show a change without its words": made(partial(changed, lambda file: file.update(body=None)), FORGED, *STRANGER),
    "show a change of the key that is none": made(
        partial(changed, lambda file: file["body"].update(envelope=[])), FORGED, *STRANGER
    ),
    "show a change without a proof": made(
        partial(changed, lambda file: file["entry"].update(proof=[])), (Code.NOT_IN_LOG, None), *STRANGER
    ),
    "enter a prepared key under itself": made(partial(evidence, last=NEW_KEY), FORGED, UNKNOWN, UNKNOWN),
    "show a change and not the tree that it ends": made(partial(without, THE_TREE), FORGED, UNKNOWN),
    "show no way from the change of the key": made(
        partial(without, f"wrapper/consistency/{LAST}-{NEWEST}"), NO_WAY
    ),
    "show no way from a receipt to the new key": made(
        evidence, NO_WAY, receipts=(a_sale().receipt(CONCLUDED),)
    ),
    "sign with a key that was changed": made(partial(evidence, newer=KEY), RETIRED, NO_WAY),
    "sign with a key that was changed, all keys being known": made(
        partial(evidence, newer=KEY), RETIRED, NO_WAY, policy=POLICY_AFTER_ROTATION
    ),
    "sign the evidence itself with a key that was changed": made(
        lambda: evidence(size=NEWEST, key=KEY, newer=None), RETIRED
    ),
    "sign a receipt with a key that was changed": made(evidence, RETIRED, receipts=(MINE,)),
    "put off when a key was changed": made(as_the_last_of_a_larger_tree, FORGED, policy=POLICY_AFTER_ROTATION),
    "change a key that was changed": made(
        partial(twice_rotated, old=KEY, new=FOREIGN_KEY), RETIRED, *STRANGER
    ),
    "sign with a key that was changed, the new one being known alone": made(
        partial(evidence, newer=KEY), UNKNOWN, UNKNOWN, UNKNOWN, policy=POLICY_OF_NEW
    ),
    "name a key in the policy and sign everything with it": made(
        lambda: bundle_of(a_sale(), key=FOREIGN_KEY, newer=FOREIGN_KEY), MISSING, MISSING, policy=POLICY_WITH_ANOTHER
    ),
    "name a key in the policy and sign on with it": made(
        partial(evidence, newer=FOREIGN_KEY), MISSING, NO_WAY, policy=POLICY_WITH_ANOTHER
    ),
    "bring more changes of the key than anybody reads": made(
        flooded, (Code.UNREADABLE, None), *[FORGED] * 39
    ),
}  # fmt: skip

ROTATION_NO_ATTACKS: Mapping[str, Callable[[], Attack]] = {
    "a new key": made(evidence),
    "a new key that the policy names": made(evidence, policy=POLICY_AFTER_ROTATION),
    "a new key, and the policy names no other": made(evidence, policy=POLICY_OF_NEW),
    "a new key, and the policy names it first": made(
        evidence, policy=f"log {NEW_KEY.vkey}\nlog {KEY.vkey}\nquorum none\n"
    ),
    **{
        f"two new keys, and the policy names {what}": made(
            partial(twice_rotated, old=NEW_KEY, new=THIRD_KEY), policy=policy
        )
        for what, policy in {"the first": POLICY, "the second": POLICY_OF_NEW, "the third": POLICY_OF_THIRD}.items()
    },
    "evidence under a new key": made(lambda: evidence(size=NEWEST, key=NEW_KEY, newer=None)),
    "evidence that ends with a new key": made(lambda: evidence(size=LAST, key=KEY)),
    "a receipt under a new key": made(evidence, receipts=(rotated().receipt(CONCLUDED, key=NEW_KEY),)),
    "evidence of before a new key": made(lambda: bundle_of(a_sale()), policy=POLICY_AFTER_ROTATION),
}
