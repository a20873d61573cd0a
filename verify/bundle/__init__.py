"""Check an `evidence.zip`: every entry of a contract, what was said and shown in it, and the log they stand in."""

from collections.abc import Sequence

from verify.bundle import contents, core, journeys, logs, releases, rotations, ticks, times
from verify.bundle.archive import read_archive
from verify.findings import Code, Report
from verify.policy import Policy
from verify.receipt import check_receipt


def check_bundle(
    report: Report,
    policy: Policy,
    data: bytes,
    receipts: Sequence[tuple[str, bytes]] = (),
    authorities: bytes | None = None,
) -> None:
    """`receipts` are the reader's own, each with what to call it; `authorities` the certificates (PEM) of whose
    time-stamps are believed.
    """
    files = read_archive(report, data)
    if files is None:
        return
    bundle = core.read_bundle(report, files)
    if bundle is None:
        return
    policy = rotations.believed(report, policy, bundle)
    found = [check_receipt(report, policy, receipt, name) for name, receipt in receipts]
    mine = [receipt for receipt in found if receipt is not None]
    heads = logs.check(report, policy, bundle, mine)
    contents.check(report, bundle)
    ticks.check(report, bundle)
    releases.check(report, bundle, heads)
    journeys.check(report, bundle, mine)
    times.check(report, bundle, heads, authorities)
    for name in sorted(files.keys() - bundle.used):
        report.find(Code.EXTRA_FILE, f"The file {name} is not part of the evidence.")
    _tell(report, bundle)


def _tell(report: Report, bundle: core.Bundle) -> None:
    if not bundle.entries:
        report.find(Code.MALFORMED, "The file has no entries.")
        return
    numbers = len(bundle.entries), len({entry.leaf.journey for entry in bundle.entries})
    first = min(bundle.entries, key=lambda entry: entry.leaf.at).leaf
    last = max(bundle.entries, key=lambda entry: entry.leaf.at).leaf
    contract = bundle.contract["policy_no"] or f"application {bundle.contract['application_id']}"
    report.show(f"Contract {contract}, log {bundle.origin}: {numbers[0]} entries of {numbers[1]} journeys.")
    report.show(f"The first is {first}.")
    report.show(f"The last is {last}.")
