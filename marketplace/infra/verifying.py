"""The offline verifier asked about evidence that we made, as a stranger would ask it: a program of its own, of which
this house imports nothing (`verify/`). It is given the file, whom to trust, and receipts; it finds out the rest.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketplace.kernel.errors import Unavailable

_ROOT = Path(__file__).parents[2]
_LONGEST_SECONDS = 120.0


class VerifierFailed(Unavailable):
    """The verifier gave no answer. Trying again later may help."""

    code = "verifying:failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier says: whether nothing is wrong, and each finding as it tells it (`--json`)."""

    verified: bool
    findings: tuple[Mapping[str, Any], ...]


def judge(
    bundle: bytes, trust_policy: bytes, receipts: Sequence[bytes] = (), authorities: bytes | None = None
) -> Verdict:
    """Have evidence checked; `authorities` (PEM) are those whose time-stamps to believe. Raises VerifierFailed where
    the program itself fails, never for what it finds.
    """
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        given = {"evidence.zip": bundle, "trust.policy": trust_policy}
        if authorities is not None:
            given["authorities.pem"] = authorities
        mine = {f"receipt-{number}.tlog-proof": data for number, data in enumerate(receipts, 1)}
        for name, data in (given | mine).items():
            (Path(folder) / name).write_bytes(data)
        options = [option for name in mine for option in ("--receipt", f"{folder}/{name}")]
        options += [] if authorities is None else ["--authorities", f"{folder}/authorities.pem"]
        command = ["bundle", f"{folder}/evidence.zip", "--policy", f"{folder}/trust.policy", "--json", *options]
        try:
            done = subprocess.run(  # noqa: S603  our own program
                [sys.executable, "-m", "verify", *command],
                capture_output=True,
                cwd=_ROOT,
                env={"LANG": "C.UTF-8"},
                timeout=_LONGEST_SECONDS,
                check=False,
            )
            told = json.loads(done.stdout)
        except (subprocess.SubprocessError, ValueError) as error:
            raise VerifierFailed from error
    return Verdict(told["verified"] is True and done.returncode == 0, tuple(told["findings"]))
