"""Whether the entries of each journey follow each other without a gap, and whether the end is there."""

from collections.abc import Sequence
from itertools import pairwise

from verify.bundle.core import Bundle, Entry
from verify.findings import Code, Report
from verify.receipt import Receipt


def check(report: Report, bundle: Bundle, receipts: Sequence[Receipt]) -> None:
    journeys: dict[str, list[Entry]] = {}
    for entry in bundle.entries:
        journeys.setdefault(entry.leaf.journey, []).append(entry)
    for entries in journeys.values():
        _check_order(report, entries)
        _check_numbers(report, entries)
        _check_chain(report, entries)
    _check_end(report, bundle)
    for receipt in receipts:
        _check_receipt(report, bundle, journeys, receipt)


def _check_order(report: Report, entries: Sequence[Entry]) -> None:
    for one, other in pairwise(entries):
        if not (one.leaf.number < other.leaf.number and one.index < other.index):
            report.find(Code.REORDERED, f"{other} stands after entry {one.index}, which came later.", other.index)


def _check_numbers(report: Report, entries: Sequence[Entry]) -> None:
    found = {entry.leaf.number: entry for entry in reversed(entries)}
    for one, other in pairwise([0, *sorted(found)]):
        if other != one + 1:
            lost = f"number {one + 1}" if other == one + 2 else f"numbers {one + 1} to {other - 1}"
            report.find(Code.GAP, f"{found[other]}: the journey lacks {lost} before it.", found[other].index)


def _check_chain(report: Report, entries: Sequence[Entry]) -> None:
    hashes = {entry.leaf.number: entry.leaf.hash.hex() for entry in entries}
    for entry in entries:
        before = hashes.get(entry.leaf.number - 1)
        if before is not None and entry.leaf.before != before:
            text = f"{entry} follows another entry than number {entry.leaf.number - 1} that is shown."
            report.find(Code.CHAIN_BROKEN, text, entry.index)


def _check_end(report: Report, bundle: Bundle) -> None:
    """The conclusion of the contract is there, is of this contract, and the entry it calls the last before it too."""
    hashes = {entry.leaf.hash.hex() for entry in bundle.entries}
    concluded = [entry for entry in bundle.entries if entry.leaf.type == "contract:concluded"]
    for entry in concluded:
        head = _body(bundle, entry).get("head")
        if head is not None and head not in hashes:
            report.find(Code.TRUNCATED_TAIL, f"{entry} names an entry before it that is missing.", entry.index)
    if bundle.contract["policy_no"] is None:
        _check_application(report, bundle)
    elif not concluded:
        report.find(Code.TRUNCATED_TAIL, "The contract has a policy number, yet no entry says that it was concluded.")
    elif not any(_concludes(bundle, entry) for entry in concluded):
        report.find(Code.WRONG_CONTRACT, "No entry says that the contract with this policy number was concluded.")


def _concludes(bundle: Bundle, entry: Entry) -> bool:
    """Whether it concludes the contract; where it cannot be asked, another finding says so."""
    envelope = bundle.opened.get(entry.index)
    if envelope is None:
        return entry.withheld not in ("other_insurer", "other_contract")
    said = envelope["application_id"], envelope["body"].get("number")
    return said == (bundle.contract["application_id"], bundle.contract["policy_no"])


def _check_application(report: Report, bundle: Bundle) -> None:
    """Where there is no contract yet, entries are of the application, and none concludes it."""
    own = [
        entry
        for entry in bundle.entries
        if bundle.opened.get(entry.index, {}).get("application_id") == bundle.contract["application_id"]
    ]
    if any(entry.leaf.type == "contract:concluded" for entry in own) or (bundle.opened and not own):
        report.find(Code.WRONG_CONTRACT, "The entries are of another application, or conclude a contract.")


def _body(bundle: Bundle, entry: Entry) -> dict[str, object]:
    envelope = bundle.opened.get(entry.index)
    return envelope["body"] if envelope is not None else {}


def _check_receipt(report: Report, bundle: Bundle, journeys: dict[str, list[Entry]], receipt: Receipt) -> None:
    """What the reader was given must be there, in its place."""
    name, leaf = receipt.head.name, receipt.leaf
    there = [entry for entry in bundle.entries if entry.leaf.hash == leaf.hash and entry.index == receipt.index]
    if there:
        report.show(f"The entry of {name} is entry {receipt.index}.")
        return
    for entry in bundle.entries:
        if entry.index == receipt.index or (entry.leaf.journey, entry.leaf.number) == (leaf.journey, leaf.number):
            text = f"{entry} is another than the one of {name}: {leaf}. There are two histories."
            report.find(Code.FORK, text, entry.index)
            return
    if leaf.journey in journeys:
        text = f"The entry of {name} ({leaf}) is missing: the end of the journey was cut off."
        report.find(Code.TRUNCATED_TAIL, text, receipt.index)
    else:
        report.find(Code.FOREIGN_RECEIPT, f"The journey of {name} ({leaf}) is not in this file.", receipt.index)
