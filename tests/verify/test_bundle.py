"""`python -m verify bundle`: each attack on a copy of a good bundle is found and named; the untouched one verifies."""

import io
import json
import shutil
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from time import process_time

import pytest

from marketplace.kernel.canonical import canonical_bytes
from tests.verify.attacked import Attack
from tests.verify.attacks import ATTACKS, NO_ATTACKS
from tests.verify.evidence import (
    CONCLUDED,
    ORIGIN,
    POLICY,
    POLICY_NO,
    SALE,
    Bundle,
    Log,
    a_sale,
    bundle_of,
    pack,
)
from verify.__main__ import main
from verify.bundle import check_bundle
from verify.findings import Code, Report
from verify.policy import read_policy

ROOT = Path(__file__).parents[2]
USUAL = [Code.ILLUSTRATION, Code.RELEASE_NOT_LOGGED, Code.NO_TIMESTAMP]


def report_on(data: bytes, *receipts: bytes, policy: str = POLICY, authorities: bytes | None = None) -> Report:
    report, trust = Report(), read_policy(policy.encode())
    mine = [(f"the receipt {place}", receipt) for place, receipt in enumerate(receipts)]
    check_bundle(report, trust, data, mine, authorities)
    return report


def faults(data: bytes, *receipts: bytes) -> list[tuple[Code, int | None]]:
    return faults_in(Attack(data, (), receipts))


def faults_in(case: Attack) -> list[tuple[Code, int | None]]:
    found = report_in(case).findings
    return [(finding.code, finding.entry) for finding in found if finding.code.is_fault]


def report_in(case: Attack) -> Report:
    """What is found with all that the reader has; visibly skipped where it takes a program that is not there."""
    if case.authorities is not None and shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH")
    return report_on(case.data, *case.receipts, policy=case.policy, authorities=case.authorities)


@pytest.mark.requirement("T26-41", "T26-42", "T26-43")
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_found_and_named(name: str) -> None:
    attack = ATTACKS[name]()
    assert attack.faults
    assert sorted(faults_in(attack), key=str) == sorted(attack.faults, key=str)


@pytest.mark.requirement("T26-41", "T26-47")
@pytest.mark.parametrize("name", NO_ATTACKS)
def test_what_is_no_attack_verifies(name: str) -> None:
    assert faults_in(NO_ATTACKS[name]()) == []


def notes(name: str) -> list[tuple[Code, int | None]]:
    found = report_in(NO_ATTACKS[name]()).findings
    return [(finding.code, finding.entry) for finding in found if finding.code not in USUAL]


@pytest.mark.requirement("T26-47")
def test_what_is_not_there_is_named() -> None:
    assert notes("an erased body") == [(Code.ERASED, 6)]
    assert notes("a body of another insurer") == [(Code.WITHHELD, 6)]
    assert notes("a time-stamp nobody asks about") == [(Code.TIMESTAMP_NOT_CHECKED, None)]
    assert notes("time-stamps and nobody trusted") == [(Code.TIMESTAMP_NOT_CHECKED, None)] * 2
    assert notes("the untouched bundle") == []


@pytest.mark.requirement("T26-41")
def test_what_was_shown_is_told() -> None:
    good = NO_ATTACKS["the untouched bundle"]()
    report = report_on(good.data, *good.receipts)
    assert [finding.code for finding in report.findings] == USUAL
    assert report.shown[:2] == ["The entry of the receipt 0 is entry 8.", "The entry of the receipt 1 is entry 9."]
    assert report.shown[3] == f"Contract {POLICY_NO}, log {ORIGIN}: 8 entries of 1 journeys."
    seen = NO_ATTACKS["a witness in time"]()
    shown = report_on(seen.data, policy=seen.policy).shown
    assert shown[0] == "The witness W saw the first 11 entries of the log at 2026-09-21 14:15:20 UTC."


SEEN = "The time-stamp authority local saw the first %d entries of the log at 2026-09-21 %s UTC."
ALL = "All that was recorded of the contract came into the log "
BEFORE, AFTER = "2026-09-21 14:13:25 UTC", "2026-09-21 14:15:40 UTC"
BY, NOBODY = "(the time-stamp authority local)", "(the time-stamp authority (under no name in your file))"


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize(
    ("name", "told", "note"),
    [
        ("a sale between two time-stamps", [f"{ALL}not before {BEFORE} {BY} and not after {AFTER} {BY}."], None),
        ("time-stamps of two authorities", [f"{ALL}not before {BEFORE} {BY} and not after {AFTER} {BY}."], None),
        (
            "a time-stamp of somebody the reader does not know",
            [f"{ALL}not before {BEFORE} {BY} and not after {AFTER} {BY}."],
            Code.TIMESTAMP_NOT_CHECKED,
        ),
        ("a certificate under no name", [f"{ALL}not before {BEFORE} {NOBODY} and not after {AFTER} {NOBODY}."], None),
        ("a sale before a time-stamp", [f"{ALL}not after {AFTER} {BY}."], None),
        ("a time-stamp that the log does not name", [f"{ALL}not after {AFTER} {BY}."], None),
        ("a sale after a time-stamp", [], Code.NO_TIMESTAMP),
        (
            "history made anew and stamped then",
            [f"{ALL}not before {BEFORE} {BY} and not after 2026-12-20 14:15:10 UTC {BY}."],
            Code.TIMESTAMP_LATE,
        ),
    ],
)
def test_between_what_times_a_contract_was_recorded_is_told(name: str, told: list[str], note: Code | None) -> None:
    report = report_in(NO_ATTACKS[name]())
    assert [each for each in report.shown if each.startswith(ALL)] == told
    usual = Code.ILLUSTRATION, Code.RELEASE_NOT_LOGGED
    assert [each.code for each in report.findings if each.code not in usual] == [note] * (note is not None)


@pytest.mark.requirement("T26-36", "T26-43")
@pytest.mark.parametrize(
    ("name", "unproven"),
    [
        ("released pages", None),
        ("pages released in a log that got another name", None),
        ("pages some of which were released before", 1),
        ("pages released before releases were entered", 2),
        ("the untouched bundle", 2),
    ],
)
def test_who_released_the_pages_is_told(name: str, unproven: int | None) -> None:
    report = report_in(NO_ATTACKS[name]())
    notes = [finding.text for finding in report.findings if finding.code is Code.RELEASE_NOT_LOGGED]
    expected = f"Who released {unproven} of the 2 pages is not proven by the log."
    assert notes == ([] if unproven is None else [expected])
    told = [each for each in report.shown if each.startswith("Release ")]
    assert [each.partition(", ")[2] for each in told] == (
        [] if unproven == 2 else ["as the log says: made by Anna Li, reviewed by Tom Weber."]
    )


def test_what_is_wrong_with_a_release_is_said() -> None:
    (found,) = faults_with_words("name another reviewer of a release")
    assert found == (
        "wrapper/releases/1.json is no release of pages: its reviewer is “Wang Fang”, and entry 0 of the log says "
        "“Tom Weber”."
    )


def faults_with_words(name: str) -> list[str]:
    return [finding.text for finding in report_in(ATTACKS[name]()).findings if finding.code.is_fault]


def test_what_is_missing_is_told() -> None:
    found = report_on(ATTACKS["delete two entries"]().data).findings
    (gap,) = [finding for finding in found if finding.code is Code.GAP]
    assert gap.text.endswith(": the journey lacks numbers 2 to 3 before it.")


def test_history_rewritten_by_the_owner_of_the_key_is_found_by_the_receipt_alone() -> None:
    """Honestly: nothing inside the bundle shows it."""
    attack = ATTACKS["rewrite history, with a receipt of the same size"]()
    assert attack.data == NO_ATTACKS["a history that was always so, without a receipt"]().data
    assert faults(attack.data) == []


# --- the zip ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def log() -> Log:
    return a_sale()


def files_of(bundle: Bundle) -> list[tuple[str, bytes]]:
    return [("core/core.json", canonical_bytes(bundle.core)), *bundle.files.items()]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice(log: Log) -> None:
    bundle = bundle_of(log)
    twice = [*files_of(bundle), ("core/clauses.pdf", b"other")]
    assert faults(pack(twice)) == [(Code.DUPLICATE_FILE, None)]
    assert sorted(faults(pack(reversed(twice)))) == [(Code.ASSET_REPLACED, None), (Code.DUPLICATE_FILE, None)]


def test_a_bomb_is_not_unpacked(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.bundle.archive._LARGEST", 2**20)
    assert faults(bundle_of(log).zipped()) == []
    assert faults(pack([*files_of(bundle_of(log)), ("wrapper/zeros", bytes(2**20))])) == [(Code.UNREADABLE, None)]
    monkeypatch.setattr("verify.bundle.archive._MOST_FILES", 10)
    assert faults(bundle_of(log).zipped()) == [(Code.UNREADABLE, None)]


def test_a_file_that_is_longer_than_it_says_is_not_unpacked(log: Log) -> None:
    size = 2**26 + 12_345
    data = pack([*files_of(bundle_of(log)), ("wrapper/zeros", bytes(size))])
    lying = data.replace(struct.pack("<I", size), struct.pack("<I", 10))
    assert faults(data) == []
    tracemalloc.start()
    assert faults(lying) == [(Code.UNREADABLE, None)]
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_a_link_is_no_file(log: Log) -> None:
    data = io.BytesIO(bundle_of(log).zipped())
    with zipfile.ZipFile(data, "a") as archive:
        link = zipfile.ZipInfo("wrapper/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert faults(data.getvalue()) == [(Code.UNSAFE_FILE, None)]


# --- the command ------------------------------------------------------------------------------------------------------


def run(folder: Path, bundle: Bundle, *more: str) -> int:
    (folder / "evidence.zip").write_bytes(bundle.zipped())
    (folder / "trust.policy").write_text(POLICY)
    return main(["bundle", str(folder / "evidence.zip"), "--policy", str(folder / "trust.policy"), *more])


@pytest.mark.requirement("T26-41")
def test_the_command_says_it_in_words(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.tlog-proof").write_bytes(log.receipt(CONCLUDED))
    assert run(tmp_path, bundle_of(log), "--receipt", str(tmp_path / "mine.tlog-proof")) == 0
    assert capsys.readouterr().out.splitlines() == [
        "The entry of the receipt mine.tlog-proof is entry 8.",
        f"Contract {POLICY_NO}, log {ORIGIN}: 8 entries of 1 journeys.",
        f"The first is “entry:shown”, number 1 of the journey {SALE}, recorded 2026-09-21 14:13:20 UTC.",
        f"The last is “policy:signed”, number 8 of the journey {SALE}, recorded 2026-09-21 14:14:50 UTC.",
        "Note (ILLUSTRATION): core/page-3.png (picture) is named by no entry: it illustrates and proves nothing.",
        "Note (RELEASE_NOT_LOGGED): Who released 2 of the 2 pages is not proven by the log.",
        "Note (NO_TIMESTAMP): Nobody outside says when: the instants are those of the log's own clock.",
        "VERIFIED, with 3 notes.",
    ]
    bundle = bundle_of(log)
    bundle.files["core/pages/3.html"] = b""
    assert run(tmp_path, bundle) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "NOT VERIFIED: 1 faults."


def test_the_command_gives_all_findings_as_json(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = bundle_of(log)
    bundle.files["core/pages/3.html"] = b""
    assert run(tmp_path, bundle, "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["verified"] is False
    assert said["findings"][0] == {
        "code": "PAGE_ALTERED",
        "fault": True,
        "entry": 3,
        "text": f"Entry 3 (“page:shown”, number 3 of the journey {SALE}, recorded 2026-09-21 14:13:50 UTC): "
        "the page is not the one that was sent.",
    }


def test_a_file_cannot_steer_the_terminal(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = bundle_of(log)
    bundle.core["exhibits"][1]["kind"] = "\x1b[2Jpicture\u202e"
    assert run(tmp_path, bundle) == 0
    assert "(\ufffd[2Jpicture\ufffd)" in capsys.readouterr().out


def test_it_runs_as_a_copied_folder_with_nothing_but_python(log: Log, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "verify", tmp_path / "verify", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "evidence.zip").write_bytes(bundle_of(log).zipped())
    (tmp_path / "trust.policy").write_text(POLICY)
    arguments = ["bundle", "evidence.zip", "--policy", "trust.policy"]
    run_here = f"import runpy, sys; sys.path.insert(0, '.'); sys.argv[1:] = {arguments}"
    command = [sys.executable, "-I", "-S", "-c", f"{run_here}; runpy.run_module('verify', run_name='__main__')"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, env={"LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == b"VERIFIED, with 3 notes."


def test_a_hundred_entries_take_at_most_a_second(log: Log) -> None:
    long = log.copy()
    for number in range(100):
        long.add("answer:given", SALE, {"question": f"q{number}", "new": "a" * 200}, page=b"<p>%d</p>" % number * 4000)
    data = bundle_of(long, size=long.size, newer=None).zipped()
    start = process_time()
    assert faults(data, long.receipt(CONCLUDED)) == []
    assert process_time() - start <= 1.0
