"""`python -m verify premium offer.json [--tariff tariff.json] [--root HEX]`: print the lines, end with 0 or 1."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verify import tariff
from verify.commands.files import read
from verify.premium import Line, on_terms, recompute
from verify.tariff import Refused

HELP = "recompute the premium of an offer"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("offer", type=Path, help="the file that the offer's page hands out")
    parser.add_argument("--tariff", type=Path, help="the whole tariff, where the insurer publishes it")
    parser.add_argument("--root", help="the hash of the tariff you know from elsewhere")


def run(chosen: argparse.Namespace) -> int:
    try:
        return _premium(chosen.offer, chosen.tariff, chosen.root)
    except (Refused, OSError) as error:
        return _no(str(error))
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        return _no(f"this is no file of the format ({type(error).__name__}: {error})")


def _premium(offer_file: Path, tariff_file: Path | None, root: str | None) -> int:
    offer = _read(offer_file)
    if offer["format"] != "evenfold-premium/1":
        return _no(f"the format {offer['format']} is not known")
    proven = tariff.by_proofs(offer["tariff"])
    if root is not None and proven.root != root.lower():
        return _no(f"the offer rests on the tariff {proven.root}, not on {root.lower()}")
    used = proven
    if tariff_file is not None:
        used = tariff.whole(_read(tariff_file))
        if used.root != proven.root:
            return _no(f"the tariff in {tariff_file.name} is {used.root}, the offer rests on {proven.root}")
    lines = recompute(used, offer["risk"])
    if "terms" in offer:
        lines = on_terms(lines, offer["terms"])
    return _compared(offer, lines, whole=tariff_file is not None)


def _compared(offer: Mapping[str, Any], lines: Sequence[Line], *, whole: bool) -> int:
    told = offer["breakdown"]
    total = sum(line.amount for line in lines)
    for line in lines:
        print(f"{line.step:<40} {line.kind:<10} {line.amount:>14}")
    print(f"{'total, in minor units of ' + told['currency']:<51} {total:>14}")
    said = [(line["step"], line["kind"], line["amount"]) for line in told["lines"]]
    if said != [(line.step, line.kind, line.amount) for line in lines] or told["total"] != total:
        return _no(f"the offer says {told['total']} and its lines differ from these")
    what = "the whole tariff" if whole else "the cells used, which are part of the tariff"
    print(f"The premium follows from {what} {offer['tariff']['root']}.")
    if "terms" in offer:
        print(f"The extra premium is that of the decision {offer['terms']['decision_sha256']}.")
    return 0


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read(file))
    return found


def _no(reason: str) -> int:
    print(f"NOT PROVEN: {reason}", file=sys.stderr)
    return 1
