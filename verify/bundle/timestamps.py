"""Time-stamps (tokens of RFC 3161), by OpenSSL where it is there."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from verify.findings import Code, Report
from verify.history import Head

_TIME = re.compile(r"^Time stamp: (\w{3} [ \d]\d [\d:]{8})(?:\.\d+)? (\d{4}) GMT$", re.MULTILINE)
_PATIENCE = 20
_NAMED = re.compile(
    r"^# ([a-z0-9.-]{1,120})$|(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----)", re.MULTILINE
)


@dataclass(frozen=True)
class Authority:
    """Certificates (PEM) that the reader trusts under a name; under no name the reader's file has them for everybody,
    and what a token is called says nothing then.
    """

    name: str
    certificates: bytes
    is_named: bool

    def __str__(self) -> str:
        return self.name if self.is_named else "(under no name in your file)"


def trusted_as(name: str, authorities: bytes | None) -> Authority:
    """Whom the reader trusts as the authority of that name: the certificates under the line `# <name>`, and those that
    stand before any such line.
    """
    heading = ""
    found: dict[str, list[str]] = {}
    for line, certificate in _NAMED.findall((authorities or b"").decode(errors="replace")):
        heading = line or heading
        if certificate and heading in ("", name):
            found.setdefault(heading, []).append(certificate + "\n")
    pem = "".join(each for certificates in found.values() for each in certificates)
    return Authority(name, pem.encode(), is_named="" not in found)


def stamped(report: Report, checkpoint: bytes, token: bytes, authority: Authority, head: Head) -> int | None:
    """When the checkpoint's file was stamped, in seconds since 1970, or None and a finding."""
    program = shutil.which("openssl")
    if program is None or not authority.certificates:
        lacking = "openssl is not installed" if program is None else f"you gave no certificate of {authority.name}"
        report.find(Code.TIMESTAMP_NOT_CHECKED, f"The time-stamp of {head} was not checked: {lacking}.")
        return None
    with TemporaryDirectory() as folder:
        data, stamp, trusted = (Path(folder) / name for name in ("checkpoint", "token.tst", "authorities.pem"))
        data.write_bytes(checkpoint)
        stamp.write_bytes(token)
        trusted.write_bytes(authority.certificates)
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
