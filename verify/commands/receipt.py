"""`python -m verify receipt FILE.tlog-proof --policy trust.policy [--said FILE [--contract FILE]]
[--newer FILE --consistency FILE]`.
"""

import argparse
from hashlib import sha256
from pathlib import Path

from verify.bundle.log_entries import said_by
from verify.commands import reporting
from verify.commands.files import read
from verify.findings import Code, Report
from verify.history import Head, accepted, compare
from verify.leaf import instant
from verify.policy import Policy, PolicyError, read_policy
from verify.proof import ProofError, read_consistency, read_proof
from verify.receipt import Receipt, check_receipt
from verify.spelling import canonical, read_json

HELP = "check a receipt: that an entry was recorded in a log, and when"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the receipt, *.tlog-proof")
    parser.add_argument("--policy", type=Path, required=True, help="whom to believe, from a place you trust")
    parser.add_argument("--said", type=Path, help="what the entry says, conclusion.json of the policy")
    parser.add_argument("--contract", type=Path, help="the contract that it speaks of, contract.json of the policy")
    parser.add_argument(
        "--newer", type=Path, help="a newer receipt or checkpoint, to see that it is still the same log"
    )
    parser.add_argument("--consistency", type=Path, help="the hashes that lead from the older to the newer")
    reporting.option(parser)


def run(chosen: argparse.Namespace) -> int:
    report = Report()
    try:
        _check(report, chosen)
    except (OSError, PolicyError) as error:
        report.find(Code.UNREADABLE, f"{error}.")
    return reporting.tell(report, chosen)


def _check(report: Report, chosen: argparse.Namespace) -> None:
    policy = read_policy(read(chosen.policy))
    receipt = check_receipt(report, policy, read(chosen.file), "the receipt")
    if receipt is None:
        return
    _tell(report, receipt)
    if chosen.said is not None:
        _check_said(report, receipt, read(chosen.said), chosen.contract)
    elif chosen.contract is not None:
        report.find(Code.UNREADABLE, "A contract is held against what the receipt is of: give that too, --said.")
    if chosen.newer is not None:
        newer = _head(report, policy, read(chosen.newer))
        if newer is not None:
            _compare(report, receipt.head, newer, chosen.consistency)


def _check_said(report: Report, receipt: Receipt, data: bytes, contract: Path | None) -> None:
    try:
        said = said_by(read_json(data), receipt.leaf)
    except ValueError as error:
        report.find(
            Code.BODY_ALTERED, f"What the entry is said to say is not what was recorded: {error}.", receipt.index
        )
        return
    for name, value in said.items():
        report.show(f"It says: {name} {value}.")
    if contract is not None and sha256(canonical(read_json(read(contract)))).hexdigest() != said.get("body_sha256"):
        report.find(Code.WRONG_CONTRACT, "The contract is not the one that the entry names by its hash.", receipt.index)
    elif contract is not None:
        report.show("The contract is, word for word, the one that the entry names by its hash.")


def _compare(report: Report, mine: Head, newer: Head, consistency: Path | None) -> None:
    older, longer = sorted((mine.size, newer.size))
    try:
        proofs = {} if consistency is None else {(older, longer): read_consistency(read(consistency))}
    except ValueError as error:
        report.find(Code.MALFORMED, f"The consistency proof is not understood: {error}.")
        return
    compare(report, [mine, newer], proofs)
    if report.is_proven:
        report.show(f"It is one log with that of {newer}: nothing in it was changed in between.")


def _head(report: Report, policy: Policy, data: bytes) -> Head | None:
    """A receipt says more than a checkpoint and then must be right too."""
    try:
        read_proof(data)
    except ProofError:
        trusted = accepted(report, policy, data, "The newer checkpoint")
        return None if trusted is None else Head("the newer checkpoint", trusted)
    newer = check_receipt(report, policy, data, "the newer receipt")
    return None if newer is None else newer.head


def _tell(report: Report, receipt: Receipt) -> None:
    checkpoint = receipt.head.trusted.checkpoint
    report.show(f"Entry {receipt.index} of the log {checkpoint.origin}: {receipt.leaf}.")
    report.show(f"The log had {checkpoint.size} entries when it was signed by the key {receipt.head.trusted.vkey}.")
    for witness, at in receipt.head.trusted.witnessed.items():
        report.show(f"The witness {witness} saw it at {instant(at)}.")
