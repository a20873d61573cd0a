"""`python -m verify bundle evidence.zip --policy trust.policy [--receipt mine.tlog-proof]
[--authorities authorities.pem] [--json]`.
"""

import argparse
from pathlib import Path

from verify.bundle import check_bundle
from verify.commands import reporting
from verify.commands.files import read
from verify.findings import Code, Report
from verify.policy import PolicyError, read_policy

HELP = "check the evidence of a contract: all entries, what was said and shown, and that nothing is missing"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the evidence, evidence.zip")
    parser.add_argument("--policy", type=Path, required=True, help="whom to believe, from a place you trust")
    parser.add_argument("--receipt", type=Path, action="append", default=[], help="a receipt of yours; may be repeated")
    parser.add_argument("--authorities", type=Path, help="certificates (PEM) of whose time-stamps to believe, likewise")
    reporting.option(parser)


def run(chosen: argparse.Namespace) -> int:
    report = Report()
    try:
        policy = read_policy(read(chosen.policy))
        receipts = [(f"the receipt {file.name}", read(file)) for file in chosen.receipt]
        authorities = read(chosen.authorities) if chosen.authorities else None
        check_bundle(report, policy, read(chosen.file), receipts, authorities)
    except (OSError, PolicyError) as error:
        report.find(Code.UNREADABLE, f"{error}.")
    return reporting.tell(report, chosen)
