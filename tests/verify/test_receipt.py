"""`python -m verify receipt`: one file and a policy show which entry was recorded, when, and in which log."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.verify.evidence import (
    CONCLUDED,
    FOREIGN_KEY,
    KEY,
    NEW_KEY,
    ORIGIN,
    POLICY,
    POLICY_AFTER_ROTATION,
    SALE,
    WITNESS,
    Log,
    a_sale,
)
from verify.__main__ import main
from verify.findings import Code


class Desk:
    """A folder of files and the command over them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.put("trust.policy", POLICY)

    def put(self, name: str, data: str | bytes) -> str:
        file = self.folder / name
        file.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(file)

    def check(self, receipt: bytes, **files: bytes) -> tuple[int, dict[str, Any]]:
        more = [part for name, data in files.items() for part in (f"--{name}", self.put(name, data))]
        policy = str(self.folder / "trust.policy")
        code = main(["receipt", self.put("mine.tlog-proof", receipt), "--policy", policy, "--json", *more])
        return code, json.loads(self.capsys.readouterr().out)

    def codes(self, receipt: bytes, **files: bytes) -> list[str]:
        code, said = self.check(receipt, **files)
        assert code == (0 if said["verified"] else 1)
        assert said["verified"] is not any(finding["fault"] for finding in said["findings"])
        return [finding["code"] for finding in said["findings"]]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


@pytest.fixture(scope="module")
def log() -> Log:
    return a_sale()


def grown(log: Log, by: int = 40) -> Log:
    longer = log.copy()
    for _ in range(by):
        longer.add("page:shown", "00000000-0000-4000-8000-000000000000")
    return longer


@pytest.mark.requirement("T26-41")
def test_it_says_in_words_which_entry_when_and_where(desk: Desk, log: Log) -> None:
    file = desk.put("mine.tlog-proof", log.receipt(CONCLUDED))
    assert main(["receipt", file, "--policy", str(desk.folder / "trust.policy")]) == 0
    assert desk.capsys.readouterr().out.splitlines() == [
        (
            f"Entry 8 of the log {ORIGIN}: “contract:concluded”, number 7 of the journey {SALE}, "
            "recorded 2026-09-21 14:14:40 UTC."
        ),
        f"The log had 11 entries when it was signed by the key {KEY.vkey}.",
        "VERIFIED.",
    ]


def test_an_old_receipt_against_a_log_that_has_grown(desk: Desk, log: Log) -> None:
    longer = grown(log, 300)
    old = log.receipt(CONCLUDED)
    for newer in (longer.checkpoint(), longer.receipt(200)):
        code, said = desk.check(old, newer=newer, consistency=longer.consistency(11))
        assert (code, said["findings"]) == (0, [])
        assert said["shown"][-1].startswith("It is one log with that of the newer ")
    assert desk.codes(log.receipt(CONCLUDED), newer=log.checkpoint()) == []


def test_a_log_that_was_rewritten_is_a_fork(desk: Desk, log: Log) -> None:
    longer = grown(log)
    longer.entries[2].envelope["body"] = {"step": "other"}
    longer.rechain()
    mine = log.receipt(CONCLUDED)
    assert desk.codes(mine, newer=longer.checkpoint(), consistency=longer.consistency(11)) == [Code.FORK]
    assert desk.codes(mine, newer=longer.checkpoint(11)) == [Code.FORK]
    code, said = desk.check(mine, newer=longer.checkpoint())
    assert (code, [finding["code"] for finding in said["findings"]]) == (1, [Code.CONSISTENCY_MISSING])
    assert not any("one log" in text for text in said["shown"])


def altered(receipt: bytes, old: str, new: str) -> bytes:
    text = receipt.decode()
    assert old in text
    return text.replace(old, new).encode()


def test_another_entry_or_place_is_not_in_the_log(desk: Desk, log: Log) -> None:
    mine, other = log.receipt(CONCLUDED), log.receipt(CONCLUDED - 1)
    extra, other_extra = (each.decode().split("\n")[1] for each in (mine, other))
    assert desk.codes(altered(mine, extra, other_extra)) == [Code.NOT_IN_LOG]
    assert desk.codes(altered(mine, "index 8", "index 9")) == [Code.NOT_IN_LOG]
    assert desk.codes(altered(mine, f"{ORIGIN}\n11\n", f"{ORIGIN}\n12\n")) == [Code.BAD_SIGNATURE]


def test_who_is_not_in_the_policy_is_not_believed(desk: Desk, log: Log) -> None:
    assert desk.codes(log.receipt(CONCLUDED, key=FOREIGN_KEY)) == [Code.UNKNOWN_KEY]
    assert desk.codes(log.receipt(CONCLUDED, key=NEW_KEY)) == [Code.UNKNOWN_KEY]
    desk.put("trust.policy", POLICY_AFTER_ROTATION)
    assert desk.codes(log.receipt(CONCLUDED, key=NEW_KEY)) == []
    assert desk.codes(log.receipt(CONCLUDED, key=KEY)) == []


def test_a_policy_may_ask_for_a_witness(desk: Desk, log: Log) -> None:
    desk.put("trust.policy", f"log {KEY.vkey}\nwitness W {WITNESS.vkey}\nquorum W\n")
    mine = log.receipt(CONCLUDED)
    assert desk.codes(mine) == [Code.QUORUM_NOT_MET]
    code, said = desk.check(mine + WITNESS.line(log.text(11), 1_790_000_200).encode())
    assert (code, said["shown"][-1]) == (0, "The witness W saw it at 2026-09-21 14:16:40 UTC.")


def test_what_cannot_be_read_is_said(desk: Desk, log: Log, tmp_path: Path) -> None:
    mine = log.receipt(CONCLUDED)
    extra = mine.decode().split("\n")[1] + "\n"
    assert desk.codes(b"") == [Code.MALFORMED]
    assert desk.codes(altered(mine, extra, "")) == [Code.MALFORMED]
    assert desk.codes(altered(mine, extra, "extra e30=\n")) == [Code.MALFORMED]
    assert desk.codes(mine, newer=b"x") == [Code.MALFORMED]
    assert desk.codes(mine, newer=grown(log).checkpoint(), consistency=b"?") == [Code.MALFORMED]
    desk.put("trust.policy", "nonsense")
    assert desk.codes(mine) == [Code.UNREADABLE]
    assert main(["receipt", str(tmp_path / "none"), "--policy", str(tmp_path / "none")]) == 1
    assert "UNREADABLE" in desk.capsys.readouterr().out
