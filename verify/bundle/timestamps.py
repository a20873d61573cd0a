"""Time-stamps (tokens of RFC 3161), by OpenSSL where it is there."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from verify.findings import Code, Report
from verify.history import Head

_TIME = re.compile(r"^Time stamp: (\w{3} [ \d]\d [\d:]{8})(?:\.\d+)? (\d{4}) GMT$", re.MULTILINE)
_PATIENCE = 20


def stamped(report: Report, checkpoint: bytes, token: bytes, authorities: bytes | None, head: Head) -> int | None:
    """When the checkpoint's file was stamped, in seconds since 1970, or None and a finding. `authorities` are the
    certificates (PEM) that are trusted.
    """
    program = shutil.which("openssl")
    if program is None or authorities is None:
        lacking = "openssl is not installed" if program is None else "no certificate of an authority was given"
        report.find(Code.TIMESTAMP_NOT_CHECKED, f"The time-stamp of {head} was not checked: {lacking}.")
        return None
    with TemporaryDirectory() as folder:
        data, stamp, trusted = (Path(folder) / name for name in ("checkpoint", "token.tst", "authorities.pem"))
        data.write_bytes(checkpoint)
        stamp.write_bytes(token)
        trusted.write_bytes(authorities)
        at = _time(_run(program, "-reply", "-token_in", "-in", str(stamp), "-text"))
        # The certificate had to be valid then; it may well have ended since.
        moment = ("-attime", str(at), "-CAfile", str(trusted))
        verified = _run(program, "-verify", "-token_in", "-data", str(data), "-in", str(stamp), *moment) if at else None
    if at is None or verified is None:
        report.find(
            Code.TIMESTAMP_INVALID, f"The time-stamp of {head} is not one of this checkpoint by an authority you trust."
        )
        return None
    return at


def _run(program: str, *arguments: str) -> str | None:
    command = [program, "ts", *arguments]
    try:
        done = subprocess.run(  # noqa: S603  # the program of the machine, arguments of our own
            command, capture_output=True, timeout=_PATIENCE, check=False, env={"LC_ALL": "C"}
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def _time(told: str | None) -> int | None:
    found = _TIME.search(told or "")
    if found is None:
        return None
    try:
        at = datetime.strptime(f"{found[1]} {found[2]}", "%b %d %H:%M:%S %Y")  # noqa: DTZ007  # GMT, set below
    except ValueError:
        return None
    return int(at.replace(tzinfo=UTC).timestamp())
