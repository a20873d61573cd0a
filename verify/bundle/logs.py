"""Where the entries stand: in the tree of a checkpoint that is believed, which is one with all others known."""

import re
from collections.abc import Mapping, Sequence

from verify.bundle.core import CHECKPOINT, Bundle, Entry
from verify.findings import Code, Report
from verify.history import Head, Proofs, accepted, compare
from verify.merkle import verify_inclusion
from verify.policy import Policy
from verify.proof import read_consistency
from verify.receipt import Receipt

_CONSISTENCY = re.compile(r"wrapper/consistency/(0|[1-9][0-9]{0,18})-([1-9][0-9]{0,18})")
_MOST_CHECKPOINTS = 100


def check(report: Report, policy: Policy, bundle: Bundle, receipts: Sequence[Receipt]) -> Mapping[str, Head]:
    """The checkpoints of the bundle that are believed, by the file they stand in."""
    heads = _heads(report, policy, bundle)
    for head in heads.values():
        if head.trusted.checkpoint.origin != bundle.origin:
            report.find(Code.FOREIGN_LOG, f"{head} is not of the log {bundle.origin[:200]}.")
    if CHECKPOINT in heads:
        for entry in bundle.entries:
            _check_inclusion(report, entry, heads[CHECKPOINT])
    known = [*heads.values(), *(receipt.head for receipt in receipts)]
    if known:
        compare(report, known, _proofs(report, bundle))
    return heads


def _heads(report: Report, policy: Policy, bundle: Bundle) -> dict[str, Head]:
    names = bundle.checkpoints
    if len(names) > _MOST_CHECKPOINTS:
        report.find(Code.UNREADABLE, f"There are {len(names)} checkpoints; {_MOST_CHECKPOINTS} were looked at.")
    found = {}
    for name in names[:_MOST_CHECKPOINTS]:
        data = bundle.take(name)
        if data is None:
            report.find(Code.MISSING_FILE, f"The file {name} is missing: nothing says which log this is.")
        elif (trusted := accepted(report, policy, data, f"The checkpoint {name}")) is not None:
            found[name] = Head(f"The checkpoint {name}", trusted)
    return found


def _check_inclusion(report: Report, entry: Entry, head: Head) -> None:
    if entry.size != head.size or not verify_inclusion(entry.leaf.hash, entry.index, head.size, head.root, entry.proof):
        report.find(Code.NOT_IN_LOG, f"{entry} is not in the log as it was signed.", entry.index)


def _proofs(report: Report, bundle: Bundle) -> Proofs:
    found = {}
    for name, data in bundle.files.items():
        if (sizes := _CONSISTENCY.fullmatch(name)) is not None:
            try:
                found[int(sizes[1]), int(sizes[2])] = read_consistency(data)
            except ValueError as error:
                report.find(Code.MALFORMED, f"The file {name} is no consistency proof: {error}.")
    return found
