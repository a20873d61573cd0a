"""Programs that nobody here wrote say the same: Go's `sumdb/note` and `sumdb/tlog`, and `openssl ts`."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.infra import signing, timestamping
from marketplace.kernel import clock
from sandbox import demo_pki
from tests.verify.evidence import CONCLUDED, FOREIGN_KEY, KEY, POLICY, SIGNED, Bundle, Log, a_sale, bundle_of, hex_of
from verify.bundle import check_bundle
from verify.findings import Code, Report
from verify.policy import read_policy

SOURCES = Path("/usr/share/gocode")  # where Debian's golang-golang-x-mod-dev puts them
GO = shutil.which("go")
PROGRAM = Path(__file__).parent / "second_opinion" / "main.go"

needs_go = pytest.mark.skipif(
    GO is None or not (SOURCES / "src/golang.org/x/mod/sumdb/tlog").exists(),
    reason="no go with golang.org/x/mod (golang-go golang-golang-x-mod-dev)",
)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on PATH")


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("go")
    offline = {"GO111MODULE": "off", "GOPATH": str(SOURCES), "GOCACHE": str(folder / "cache"), "GOFLAGS": "-p=1"}
    built = folder / "second_opinion"
    command = [str(GO), "build", "-o", str(built), str(PROGRAM)]
    subprocess.run(command, env={**os.environ, **offline}, check=True, capture_output=True)
    return built


def told(program: Path, *arguments: str | bytes) -> str:
    """What the Go program says of files with these contents; the first argument is a key."""
    files = []
    for number, content in enumerate(arguments[1:]):
        file = program.parent / f"argument-{number}"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        files.append(str(file))
    done = subprocess.run([program, arguments[0], *files], capture_output=True, text=True, check=False)
    return done.stdout.strip()


@needs_go
@pytest.mark.requirement("T26-41")
def test_go_verifies_the_same_receipts(go: Path) -> None:
    log = a_sale()
    for index in (0, CONCLUDED, log.size - 1):
        assert told(go, KEY.vkey, log.receipt(index)) == "VERIFIED"
    assert told(go, KEY.vkey, log.receipt(0, 1)) == "VERIFIED"


@needs_go
def test_go_refuses_what_is_refused_here(go: Path) -> None:
    log = a_sale()
    mine = log.receipt(CONCLUDED)
    assert "invalid" in told(go, KEY.vkey, mine.replace(b"index 8", b"index 7"))
    assert "no verifiable signatures" in told(go, FOREIGN_KEY.vkey, mine)
    assert "invalid signature" in told(go, KEY.vkey, mine.replace(b"\n11\n", b"\n12\n"))


@needs_go
@pytest.mark.requirement("T26-41")
def test_go_sees_whether_a_log_has_only_grown(go: Path) -> None:
    log = a_sale()
    for before in (1, 5, 8, 10):
        mine = log.receipt(CONCLUDED)
        assert told(go, KEY.vkey, mine, log.checkpoint(before), log.consistency(before)) == "VERIFIED"
    forked = log.copy()
    forked.entries[2].envelope["body"] = {}
    forked.rechain()
    assert "REFUSED" in told(go, KEY.vkey, mine, forked.checkpoint(10), forked.consistency(10))


# --- time-stamps ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority for time-stamps, and beside it, in `other`, one that nobody asked."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("pki", "other"):
        demo_pki.make_pki(folder / name, {})
    return folder


def stamped(pki: Path, data: bytes) -> bytes:
    settings = signing.SealSettings.in_folder(pki, timestamping.SEAL_CODE)
    return timestamping.load_authority(settings).stamp(bytes.fromhex(hex_of(data)))


@pytest.fixture
def log() -> Iterator[Log]:
    """A sale of this minute: what the authority stamps has its time."""
    made = a_sale()
    last = made.entries[-1].leaf["ts"]
    for entry in made.entries:
        entry.leaf["ts"] += int(clock.now().timestamp() * 10**6) - last
        entry.envelope["body"].pop("head", None)
    made.rechain()
    return made


def findings(bundle: Bundle, authorities: Path | None) -> tuple[list[Code], list[str]]:
    report = Report()
    trusted = authorities.read_bytes() if authorities else None
    check_bundle(report, read_policy(POLICY.encode()), bundle.zipped(), authorities=trusted)
    usual = Code.ILLUSTRATION, Code.RELEASE_NOT_LOGGED
    return [finding.code for finding in report.findings if finding.code not in usual], report.shown


def with_stamp(log: Log, token: bytes) -> Bundle:
    bundle = bundle_of(log)
    bundle.files[f"wrapper/timestamps/{SIGNED + 1}-local.tst"] = token
    return bundle


@needs_openssl
@pytest.mark.requirement("T26-41")
def test_a_time_stamp_says_when_the_entries_were_in_the_log(log: Log, pki: Path) -> None:
    bundle = with_stamp(log, stamped(pki / "pki", log.checkpoint(SIGNED + 1)))
    found, shown = findings(bundle, pki / "pki" / "root.pem")
    assert found == []
    assert any(
        text.startswith(f"The time-stamp authority (under no name in your file) saw the first {SIGNED + 1} entries")
        for text in shown
    )


@needs_openssl
def test_a_time_stamp_of_another_authority_or_checkpoint_is_refused(log: Log, pki: Path) -> None:
    root = pki / "pki" / "root.pem"
    foreign = with_stamp(log, stamped(pki / "other", log.checkpoint(SIGNED + 1)))
    assert findings(foreign, root)[0] == [Code.TIMESTAMP_INVALID, Code.NO_TIMESTAMP]
    other = with_stamp(log, stamped(pki / "pki", log.checkpoint(SIGNED)))
    assert findings(other, root)[0] == [Code.TIMESTAMP_INVALID, Code.NO_TIMESTAMP]
    assert findings(with_stamp(log, b"x"), root)[0] == [Code.TIMESTAMP_INVALID, Code.NO_TIMESTAMP]


@needs_openssl
@pytest.mark.requirement("T26-41")
def test_a_time_stamp_shows_an_entry_that_is_dated_otherwise(log: Log, pki: Path) -> None:
    for entry in log.entries:
        entry.leaf["ts"] += 86_400 * 10**6
    log.rechain()
    bundle = with_stamp(log, stamped(pki / "pki", log.checkpoint(SIGNED + 1)))
    assert set(findings(bundle, pki / "pki" / "root.pem")[0]) == {Code.FORWARD_DATED}


def test_a_time_stamp_that_cannot_be_checked_is_said(log: Log, pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = with_stamp(log, b"x")
    assert findings(bundle, None)[0] == [Code.TIMESTAMP_NOT_CHECKED]
    monkeypatch.setenv("PATH", "")
    assert findings(bundle, pki / "pki" / "root.pem")[0] == [Code.TIMESTAMP_NOT_CHECKED]
