"""`python -m verify bundle`: each attack on a copy of a good bundle is found and named; the untouched one verifies."""

import io
import json
import shutil
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from marketplace.kernel.canonical import canonical_bytes
from tests.verify.evidence import (
    CONCLUDED,
    FOREIGN_KEY,
    KEY,
    NEW_KEY,
    ORIGIN,
    OTHER,
    POLICY,
    POLICY_AFTER_ROTATION,
    POLICY_NO,
    SALE,
    SECOND,
    SIGNED,
    START,
    WITNESS,
    Bundle,
    Log,
    LogKey,
    a_sale,
    bundle_of,
    hex_of,
    pack,
)
from verify.__main__ import main
from verify.bundle import check_bundle
from verify.findings import Code, Report
from verify.policy import read_policy
from verify.receipt import check_receipt

ROOT = Path(__file__).parents[2]
USUAL = [Code.ILLUSTRATION, Code.NO_TIMESTAMP]


@pytest.fixture(scope="module")
def log() -> Log:
    return a_sale()


def report_on(data: bytes, *receipts: bytes, policy: str = POLICY) -> Report:
    report, trust = Report(), read_policy(policy.encode())
    mine = [check_receipt(report, trust, receipt, f"the receipt {place}") for place, receipt in enumerate(receipts)]
    check_bundle(report, trust, data, [receipt for receipt in mine if receipt])
    return report


def faults(bundle: Bundle | bytes, *receipts: bytes, policy: str = POLICY) -> list[tuple[Code, int | None]]:
    data = bundle if isinstance(bundle, bytes) else bundle.zipped()
    found = report_on(data, *receipts, policy=policy).findings
    return [(finding.code, finding.entry) for finding in found if finding.code.is_fault]


def codes(bundle: Bundle | bytes, *receipts: bytes, policy: str = POLICY) -> set[Code]:
    return {code for code, _entry in faults(bundle, *receipts, policy=policy)}


@pytest.mark.requirement("T26-41")
def test_the_untouched_bundle_verifies(log: Log) -> None:
    report = report_on(bundle_of(log).zipped(), log.receipt(CONCLUDED), log.receipt(CONCLUDED, SIGNED + 1))
    assert [finding.code for finding in report.findings] == USUAL
    assert report.shown[:2] == ["The entry of the receipt 0 is entry 8.", "The entry of the receipt 1 is entry 8."]
    assert report.shown[2] == f"Contract {POLICY_NO}, log {ORIGIN}: 8 entries of 1 journeys."


def test_several_journeys_verify(log: Log) -> None:
    assert faults(bundle_of(log, (SALE, OTHER))) == []
    assert faults(bundle_of(log, size=log.size, newer=None)) == []


# --- attacks on the file ----------------------------------------------------------------------------------------------


@pytest.mark.requirement("T26-41")
def test_a_body_is_edited(log: Log) -> None:
    bundle = bundle_of(log)
    body = bundle.body(6)
    body["envelope"]["body"]["new"] = "yes"
    bundle.set_body(6, body)
    assert faults(bundle) == [(Code.BODY_ALTERED, 6)]


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize("part", ["actor", "application_id", "business_at", "entry_id", "insurer_id", "salt"])
def test_every_column_is_bound_by_the_hash(log: Log, part: str) -> None:
    bundle = bundle_of(log)
    body = bundle.body(6)
    others = {"actor": {"account_id": None, "label": "x", "role": "admin"}, "business_at": "2020-01-01T00:00:00+00:00"}
    if part == "salt":
        body["salt"] = "00" * 16
    else:
        body["envelope"][part] = others.get(part, OTHER)
    bundle.set_body(6, body)
    assert faults(bundle) == [(Code.BODY_ALTERED, 6)]


@pytest.mark.requirement("T26-41")
def test_a_body_and_its_leaf_are_edited(log: Log) -> None:
    bundle = bundle_of(log)
    body = bundle.body(6)
    body["envelope"]["body"]["new"] = "yes"
    bundle.set_body(6, body)
    bundle.entry(6)["leaf"]["b"] = hex_of(bytes.fromhex(body["salt"]) + canonical_bytes(body["envelope"]))
    assert faults(bundle) == [(Code.NOT_IN_LOG, 6), (Code.CHAIN_BROKEN, 7)]


def without(bundle: Bundle, *indexes: int) -> Bundle:
    bundle.core["entries"] = [entry for entry in bundle.core["entries"] if entry["index"] not in indexes]
    for index in indexes:
        bundle.files.pop(f"core/bodies/{index}.json", None)
        bundle.files.pop(f"core/pages/{index}.html", None)
    return bundle


@pytest.mark.requirement("T26-41")
def test_entries_are_deleted(log: Log) -> None:
    assert faults(without(bundle_of(log), 4)) == [(Code.GAP, 6)]
    assert faults(without(bundle_of(log), 1, 3)) == [(Code.GAP, 4)]
    assert faults(without(bundle_of(log), 0)) == [(Code.GAP, 1)]


def test_what_is_deleted_is_named(log: Log) -> None:
    (gap,) = [each for each in report_on(without(bundle_of(log), 1, 3).zipped()).findings if each.code is Code.GAP]
    assert gap.text.endswith(": the journey lacks numbers 2 to 3 before it.")


@pytest.mark.requirement("T26-41")
def test_entries_are_put_in_another_order(log: Log) -> None:
    bundle = bundle_of(log)
    entries = bundle.core["entries"]
    entries[2], entries[3] = entries[3], entries[2]
    assert faults(bundle) == [(Code.REORDERED, 3)]
    bundle = bundle_of(log)
    bundle.core["entries"].append(bundle.core["entries"][-1])
    assert faults(bundle) == [(Code.REORDERED, SIGNED)]


def test_entries_are_given_each_others_numbers(log: Log) -> None:
    bundle = bundle_of(log)
    one, other = bundle.entry(3), bundle.entry(4)
    one["leaf"]["n"], other["leaf"]["n"] = 4, 3
    assert {Code.NOT_IN_LOG, Code.REORDERED, Code.CHAIN_BROKEN} <= codes(bundle)


@pytest.mark.requirement("T26-41")
def test_the_end_is_cut_off(log: Log) -> None:
    assert faults(without(bundle_of(log), CONCLUDED, SIGNED)) == [(Code.TRUNCATED_TAIL, None)]
    mine = log.receipt(SIGNED)
    cut = without(bundle_of(log), SIGNED)
    assert (Code.TRUNCATED_TAIL, SIGNED) in faults(cut, mine)
    assert faults(bundle_of(log), mine) == []


def test_the_conclusion_names_the_entry_before_it(log: Log) -> None:
    cut = without(bundle_of(log), 7)
    assert faults(cut) == [(Code.GAP, CONCLUDED), (Code.TRUNCATED_TAIL, CONCLUDED)]


@pytest.mark.requirement("T26-41", "T26-42")
@pytest.mark.parametrize("file", ["core/clauses.pdf", "core/policy.pdf", "core/page-3.png"])
def test_a_document_or_picture_is_replaced(log: Log, file: str) -> None:
    bundle = bundle_of(log)
    bundle.files[file] += b" other"
    assert faults(bundle) == [(Code.ASSET_REPLACED, None)]


@pytest.mark.requirement("T26-41")
def test_a_document_is_replaced_and_its_hash_with_it(log: Log) -> None:
    bundle = bundle_of(log)
    bundle.files["core/clauses.pdf"] = b"other"
    bundle.core["documents"][0]["sha256"] = hex_of(b"other")
    assert faults(bundle) == [(Code.ASSET_REPLACED, None)]
    version, manifest = next(iter(bundle.core["page_versions"].items()))
    manifest = {**manifest, "documents": [hex_of(b"other")]}
    bundle.core["page_versions"][version] = manifest
    assert faults(bundle) == [(Code.PAGE_VERSION_ALTERED, 0), (Code.ASSET_REPLACED, None)]
    bundle.core["page_versions"]["ab" * 32] = manifest
    assert (Code.EXTRA_FILE, None) in faults(bundle)


@pytest.mark.requirement("T26-41", "T26-42")
def test_a_page_is_replaced(log: Log) -> None:
    bundle = bundle_of(log)
    bundle.files["core/pages/3.html"] = b"<p>other</p>"
    assert faults(bundle) == [(Code.PAGE_ALTERED, 3)]
    bundle.entry(3)["leaf"]["r"] = hex_of(b"<p>other</p>")
    assert faults(bundle) == [(Code.NOT_IN_LOG, 3), (Code.CHAIN_BROKEN, 4)]


@pytest.mark.requirement("T26-43")
def test_a_file_is_missing_or_is_one_too_many(log: Log) -> None:
    for name, entry in (("core/bodies/4.json", 4), ("core/pages/3.html", 3), ("core/clauses.pdf", None)):
        bundle = bundle_of(log)
        del bundle.files[name]
        assert faults(bundle) == [(Code.MISSING_FILE, entry)]
    bundle = bundle_of(log)
    del bundle.files["core/checkpoint"]
    assert faults(bundle) == [(Code.MISSING_FILE, None)]
    for name in ("core/other", "core/bodies/99.json", "core/bodies/", "other.txt"):
        bundle = bundle_of(log)
        bundle.files[name] = b""
        assert codes(bundle) <= {Code.EXTRA_FILE, Code.UNSAFE_FILE}
        assert len(faults(bundle)) == 1
    bundle = bundle_of(log)
    bundle.core["page_versions"] = {}
    assert faults(bundle) == [(Code.MISSING_FILE, 0)]


@pytest.mark.parametrize("part", ["body", "page"])
def test_what_is_not_there_says_why(log: Log, part: str) -> None:
    bundle = bundle_of(log)
    name = bundle.entry(3)[part]
    bundle.entry(3)[part] = None
    del bundle.files[name]
    assert faults(bundle) == [(Code.MISSING_FILE, 3)]


# --- attacks by the owner of the log's key ----------------------------------------------------------------------------


def again(log: Log, change: Callable[[Log], Any]) -> Log:
    other = log.copy()
    change(other)
    other.rechain()
    return other


def test_the_owner_could_have_said_so_at_once(log: Log) -> None:
    """The control of the attacks below: a log made so from the start is as good as any."""
    other = again(log, lambda made: made.entries[6].envelope.update(body={"question": "smoker", "new": "yes"}))
    assert codes(bundle_of(other)) == {Code.TRUNCATED_TAIL}  # the conclusion still names the entry of before
    other.entries[CONCLUDED].envelope["body"]["head"] = other.entries[7].hash.hex()
    other.rechain()
    assert faults(bundle_of(other)) == []


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize("size", [SIGNED + 1, 11])
def test_history_is_rewritten_with_the_genuine_key(log: Log, size: int) -> None:
    """Nothing in the bundle shows it: the receipt does."""
    forked = again(log, lambda made: made.entries[6].envelope.update(body={"question": "smoker", "new": "yes"}))
    forked.entries[CONCLUDED].envelope["body"]["head"] = forked.entries[7].hash.hex()
    forked.rechain()
    assert faults(bundle_of(forked)) == []
    assert Code.FORK in codes(bundle_of(forked), log.receipt(CONCLUDED, size))
    elsewhere = log.receipt(2, size)  # of an entry that was left as it is
    assert codes(bundle_of(forked), elsewhere) == {Code.FORK, Code.FOREIGN_RECEIPT}


def test_a_receipt_that_nothing_connects_is_said(log: Log) -> None:
    bundle = bundle_of(log)
    del bundle.files["wrapper/consistency/10-11"]
    assert codes(bundle) == {Code.CONSISTENCY_MISSING}
    early = log.receipt(1, 5)
    assert codes(bundle_of(log), early) == {Code.CONSISTENCY_MISSING}
    connected = bundle_of(log)
    connected.files["wrapper/consistency/5-10"] = log.consistency(5, 10)
    assert faults(connected, early) == []


def test_two_logs_that_begin_alike_are_not_one(log: Log) -> None:
    """What both begin with does not connect them."""
    forked = again(log, lambda made: made.entries.pop())
    forked.add("page:shown", OTHER, {"forked": 1})
    mine = log.receipt(CONCLUDED)
    assert log.size == forked.size
    assert (Code.FORK, None) in faults(bundle_of(forked), mine)
    forked.add("page:shown", OTHER)
    assert Code.CONSISTENCY_MISSING in codes(bundle_of(forked), mine)
    lying = bundle_of(forked)
    lying.files["wrapper/consistency/11-12"] = log.consistency(10, 11)
    assert Code.FORK in codes(lying, mine)


@pytest.mark.requirement("T26-41")
def test_the_log_is_cut_below_a_receipt(log: Log) -> None:
    cut = log.copy()
    del cut.entries[CONCLUDED:]
    mine = log.receipt(CONCLUDED)
    assert codes(bundle_of(cut, size=CONCLUDED), mine) == {Code.FORK, Code.TRUNCATED_TAIL}


@pytest.mark.requirement("T26-41")
def test_an_unknown_key_signs(log: Log) -> None:
    assert faults(bundle_of(log, key=FOREIGN_KEY)) == [(Code.UNKNOWN_KEY, None)]
    assert faults(bundle_of(log, newer=FOREIGN_KEY)) == [(Code.UNKNOWN_KEY, None)]
    bundle = bundle_of(log)
    bundle.files["core/checkpoint"] = bundle.files["core/checkpoint"].replace(b"\n10\n", b"\n11\n")
    assert faults(bundle) == [(Code.BAD_SIGNATURE, None)]


def test_another_log_is_not_this_one(log: Log) -> None:
    other = LogKey("other.example/log", b"5" * 32)
    policy = f"log {KEY.vkey}\nlog {other.vkey}\nquorum none\n"
    bundle = bundle_of(log)
    text = log.text(SIGNED + 1).replace(ORIGIN, other.name)
    bundle.files["core/checkpoint"] = f"{text}\n{other.line(text)}".encode()
    assert faults(bundle_of(log), policy=policy) == []
    assert codes(bundle, policy=policy) == {Code.FOREIGN_LOG}


@pytest.mark.requirement("T26-41")
def test_an_entry_is_back_dated(log: Log) -> None:
    bundle = bundle_of(log)
    bundle.entry(7)["leaf"]["ts"] -= 86_400 * 10**6
    assert codes(bundle) == {Code.NOT_IN_LOG, Code.CHAIN_BROKEN, Code.BACKDATED, Code.TRUNCATED_TAIL}

    def back(made: Log) -> None:
        made.entries[7].leaf["ts"] -= 86_400 * 10**6
        made.entries[CONCLUDED].envelope["body"].pop("head")

    assert faults(bundle_of(again(log, back))) == [(Code.BACKDATED, 7)]
    assert faults(bundle_of(again(log, lambda made: made.entries[CONCLUDED].envelope["body"].pop("head")))) == []


def cosigned(log: Log, size: int, at: int) -> Bundle:
    bundle = bundle_of(log)
    signed = log.checkpoint(size, cosigned=[WITNESS.line(log.text(size), at)])
    bundle.files[f"wrapper/checkpoints/{size}"] = signed
    if size != SIGNED + 1:
        older, newer = sorted((size, SIGNED + 1))
        bundle.files[f"wrapper/consistency/{older}-{newer}"] = log.consistency(older, newer)
    return bundle


WITNESSED = f"log {KEY.vkey}\nwitness W {WITNESS.vkey}\nquorum none\n"
LAST_AT = START // 10**6 + 10 * SIGNED


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize(
    ("size", "at", "found"),
    [
        (11, LAST_AT + 30, []),
        (11, LAST_AT - 300, [Code.FORWARD_DATED]),
        (SIGNED, LAST_AT + 1800, []),
        (SIGNED, LAST_AT + 86_400, [Code.BACKDATED]),
    ],
    ids=["in time", "dated after it was seen", "entered a little later", "entered a day later"],
)
def test_witnesses_say_when(log: Log, size: int, at: int, found: list[Code]) -> None:
    """What they saw was not recorded later, what they did not see was not recorded earlier."""
    bundle = cosigned(log, size, at)
    assert sorted(codes(bundle, policy=WITNESSED)) == found
    report = report_on(bundle.zipped(), policy=WITNESSED)
    assert any(text.startswith(f"The witness W saw the first {size} entries") for text in report.shown)
    assert Code.NO_TIMESTAMP not in [finding.code for finding in report.findings]


# --- what is not there, and may be ------------------------------------------------------------------------------------


def hidden(bundle: Bundle, index: int, why: str) -> Bundle:
    entry = bundle.entry(index)
    for part in ("body", "page"):
        bundle.files.pop(entry[part] or "", None)
        entry[part] = None
    entry["withheld"] = why
    return bundle


@pytest.mark.requirement("T26-47")
@pytest.mark.parametrize("index", [3, 6, CONCLUDED])
def test_an_erased_body_is_named_and_the_rest_stays_proven(log: Log, index: int) -> None:
    report = report_on(hidden(bundle_of(log), index, "erased").zipped(), log.receipt(CONCLUDED))
    assert report.is_proven
    assert (Code.ERASED, index) in [(finding.code, finding.entry) for finding in report.findings]


def test_what_is_of_another_insurer_is_withheld(log: Log) -> None:
    report = report_on(hidden(bundle_of(log), 6, "other_insurer").zipped())
    assert [finding.code for finding in report.findings] == [Code.WITHHELD, *USUAL]
    assert report.is_proven


def test_the_conclusion_of_the_contract_itself_is_not_withheld(log: Log) -> None:
    assert codes(hidden(bundle_of(log), CONCLUDED, "other_insurer")) == {Code.WRONG_CONTRACT}


@pytest.mark.parametrize(("part", "other"), [("application_id", SECOND), ("policy_no", "EF-2026-000999")])
def test_evidence_of_another_contract_is_not_of_this_one(log: Log, part: str, other: str) -> None:
    bundle = bundle_of(log)
    bundle.core["contract"][part] = other
    assert faults(bundle) == [(Code.WRONG_CONTRACT, None)]


def test_a_sale_without_a_contract_has_no_conclusion(log: Log) -> None:
    concluded = bundle_of(log)
    concluded.core["contract"]["policy_no"] = None
    assert faults(concluded) == [(Code.WRONG_CONTRACT, None)]
    bundle = bundle_of(log, size=CONCLUDED)
    bundle.core["contract"]["policy_no"] = None
    bundle.core["exhibits"] = []
    for name in ("core/policy.pdf", "core/page-3.png"):
        del bundle.files[name]
    assert faults(bundle) == []
    bundle.core["contract"]["application_id"] = SECOND
    assert faults(bundle) == [(Code.WRONG_CONTRACT, None)]


# --- a new key --------------------------------------------------------------------------------------------------------


def rotated(log: Log, *, by_old: LogKey = KEY, by_new: LogKey = NEW_KEY, size: int | None = None) -> Log:
    """The log with an entry of its own journey that names a new key."""
    longer = log.copy()
    said = {"new": NEW_KEY.vkey, "old": KEY.vkey, "origin": ORIGIN, "size": log.size if size is None else size}
    data = canonical_bytes(said)
    signatures = {"by_old": sign(by_old, data), "by_new": sign(by_new, data)}
    longer.add("log:key_rotated", OWN, {**said, **signatures}, application=None)
    return longer


OWN = str(uuid5(NAMESPACE_URL, ORIGIN))


def sign(key: LogKey, data: bytes) -> str:
    return b64encode(key.private.sign(data)).decode()


@pytest.mark.requirement("T26-41")
def test_a_new_key_signed_by_both_is_believed_where_the_policy_names_it(log: Log) -> None:
    longer = rotated(log)
    bundle = bundle_of(longer, (SALE, OWN), size=longer.size, key=NEW_KEY)
    assert faults(bundle, log.receipt(CONCLUDED), policy=POLICY_AFTER_ROTATION) == [(Code.CONSISTENCY_MISSING, None)]
    bundle.files["wrapper/consistency/11-12"] = longer.consistency(11, 12)
    assert faults(bundle, log.receipt(CONCLUDED), policy=POLICY_AFTER_ROTATION) == []
    assert faults(bundle, policy=POLICY) == [(Code.UNKNOWN_KEY, None)]
    newer = bundle_of(longer, newer=NEW_KEY)
    assert faults(newer, policy=POLICY_AFTER_ROTATION) == []


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize(
    "forged",
    [{"by_old": NEW_KEY}, {"by_old": FOREIGN_KEY}, {"by_new": FOREIGN_KEY}, {"by_new": KEY}, {"size": 999}],
    ids=str,
)
def test_a_new_key_that_is_not_signed_by_both_is_found(log: Log, forged: dict[str, Any]) -> None:
    longer = rotated(log, **forged)
    bundle = bundle_of(longer, (SALE, OWN), size=longer.size, key=NEW_KEY)
    assert faults(bundle, policy=POLICY_AFTER_ROTATION) == [(Code.ROTATION_FORGED, 11)]


def test_a_new_key_is_named_in_the_journey_of_the_log(log: Log) -> None:
    elsewhere = log.copy()
    elsewhere.add("log:key_rotated", OTHER, json.loads(json.dumps(rotated(log).entries[11].envelope["body"])))
    bundle = bundle_of(elsewhere, (SALE, OTHER), size=elsewhere.size)
    assert faults(bundle) == [(Code.ROTATION_FORGED, 11)]


# --- the zip ----------------------------------------------------------------------------------------------------------


def files_of(bundle: Bundle) -> list[tuple[str, bytes]]:
    return [("core/core.json", canonical_bytes(bundle.core)), *bundle.files.items()]


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/evil",
        "core/../../evil",
        "core//evil",
        "C:\\evil",
        "core\\evil",
        "c:evil",
        "core/ev\nil",
        "core/",
    ],
)
def test_paths_that_lead_elsewhere_are_left_out(log: Log, name: str) -> None:
    assert faults(pack([*files_of(bundle_of(log)), (name, b"x")])) == [(Code.UNSAFE_FILE, None)]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice(log: Log) -> None:
    bundle = bundle_of(log)
    twice = [*files_of(bundle), ("core/clauses.pdf", b"other")]
    assert faults(pack(twice)) == [(Code.DUPLICATE_FILE, None)]
    assert codes(pack(reversed(twice))) == {Code.DUPLICATE_FILE, Code.ASSET_REPLACED}


def test_a_bomb_is_not_unpacked(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.bundle.archive._LARGEST", 2**20)
    assert faults(bundle_of(log)) == []
    assert codes(pack([*files_of(bundle_of(log)), ("wrapper/zeros", bytes(2**20))])) == {Code.UNREADABLE}
    monkeypatch.setattr("verify.bundle.archive._MOST_FILES", 10)
    assert codes(bundle_of(log)) == {Code.UNREADABLE}


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
        "Note (NO_TIMESTAMP): Nobody outside says when: the instants are those of the log's own clock.",
        "VERIFIED, with 2 notes.",
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
    assert done.stdout.splitlines()[-1] == b"VERIFIED, with 2 notes."


def test_a_hundred_entries_take_at_most_a_second(log: Log) -> None:
    long = log.copy()
    for number in range(100):
        long.add("answer:given", SALE, {"question": f"q{number}", "new": "a" * 200}, page=b"<p>%d</p>" % number * 4000)
    data = bundle_of(long, size=long.size, newer=None).zipped()
    start = process_time()
    assert faults(data, long.receipt(CONCLUDED)) == []
    assert process_time() - start <= 1.0
