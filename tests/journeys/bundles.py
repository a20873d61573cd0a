"""The evidence of a contract as its holder takes it away, judged elsewhere and without a network."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import requests

from tests.environment import ROOT
from tests.journeys.conftest import Buyer, Marketplace

RECEIPT = "mine.tlog-proof"
PICTURES_SECONDS = 400  # a browser of the worker's own takes a picture of each page, on a machine that does much else
# Laid before everything else that Python imports: whoever opens a socket ends.
NO_SOCKETS = (
    "import socket\ndef refused(*_a, **_k): raise SystemExit('the network was asked')\nsocket.socket = refused\n"
)


def evidence_of(buyer: Buyer, policy_id: object) -> bytes:
    """As the holder of the policy takes it away."""
    page = buyer.page
    page.goto(f"{buyer.market.url}/policies/{policy_id}/evidence")
    buyer.press()
    link = page.locator('a[href$="/evidence.zip"]').first  # the page looks again by itself until it is there
    link.wait_for(timeout=1000 * PICTURES_SECONDS)
    with page.expect_download() as download:
        link.click()
    return download.value.path().read_bytes()


def trust_of(market: Marketplace) -> bytes:
    """Whom a reader believes, as the log's own address tells it."""
    return requests.get(f"{market.url}/log/trust.policy", timeout=20).content


def opened(evidence: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What the file says it is made of, and all that is in it."""
    with zipfile.ZipFile(io.BytesIO(evidence)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(files["core/core.json"]), files


def verified_elsewhere(folder: Path, files: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
    """By the verifier's folder alone, in an empty folder, in an empty environment, without a network."""
    shutil.copytree(ROOT / "verify", folder / "verify", ignore=shutil.ignore_patterns("__pycache__"))
    for name, data in (files | {"blocked/sitecustomize.py": NO_SOCKETS.encode()}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    unshared = ["unshare", "--net", "--"]
    cut_off = unshared if subprocess.run([*unshared, "true"], capture_output=True, check=False).returncode == 0 else []
    receipt = ["--receipt", RECEIPT] if RECEIPT in files else []
    command = ["verify", "bundle", "evidence.zip", "--policy", "trust.policy", *receipt]
    return subprocess.run(
        [*cut_off, sys.executable, "-m", *command],
        cwd=folder, env={"PYTHONPATH": str(folder / "blocked"), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin:/usr/sbin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
