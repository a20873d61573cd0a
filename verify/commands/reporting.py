"""A report in words, or as JSON for machines."""

import argparse
import json
import sys

from verify.findings import Report


def option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def tell(report: Report, chosen: argparse.Namespace) -> int:
    """Print the report; 0 where what was shown is proven, else 1."""
    if chosen.json:
        print(json.dumps(report.to_json(), indent=2))
        return 0 if report.is_proven else 1
    for text in report.shown:
        _line(text)
    for finding in report.findings:
        _line(f"{finding.code}: {finding.text}" if finding.code.is_fault else f"Note ({finding.code}): {finding.text}")
    faults = sum(finding.code.is_fault for finding in report.findings)
    notes = len(report.findings) - faults
    _line(f"NOT VERIFIED: {faults} faults." if faults else f"VERIFIED, with {notes} notes." if notes else "VERIFIED.")
    return 0 if report.is_proven else 1


def _line(text: str) -> None:
    """Text of a file must not steer the terminal."""
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    encoding = sys.stdout.encoding or "ascii"
    print(plain.encode(encoding, "backslashreplace").decode(encoding))
