"""Whatever is in a file, the verifier says what it found: no traceback, and nothing altered is proven."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marketplace.kernel.canonical import canonical_bytes
from tests.verify.evidence import CONCLUDED, KEY, POLICY, WITNESS, Bundle, a_sale, bundle_of, pack
from tests.verify.release_attacks import evidence
from tests.verify.rotation_attacks import ROTATED
from tests.verify.rotation_attacks import evidence as rotated_evidence
from verify.__main__ import main
from verify.bundle import check_bundle
from verify.bundle.ticks import ticked
from verify.findings import Code, Report
from verify.policy import PolicyError, read_policy
from verify.receipt import check_receipt

LOG = a_sale()
GOOD = bundle_of(LOG)
TRUST = read_policy(POLICY.encode())
RECEIPT = LOG.receipt(CONCLUDED)

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["ab" * 32, "erased", "0"])


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)


JSON = st.recursive(SCALARS, _nested)


def checked(data: bytes) -> Report:
    report = Report()
    check_bundle(report, TRUST, data)
    return report


def altered(data: st.DataObject, whole: bytes) -> bytes:
    """Some bytes replaced, lost or added."""
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start, min(start + 8, len(whole))))
    return whole[:start] + data.draw(st.binary(max_size=8)) + whole[end:]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every part of JSON."""
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        found += places(part, (*path, key))
    return found


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value at a place."""
    changed = copy.deepcopy(value)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return changed


def is_free(path: tuple[Any, ...]) -> bool:
    """What a document is called and what an exhibit is are words of the bundle alone."""
    return path[0] in {"documents", "exhibits"} and path[-1] in {"name", "kind"}


PLACES = [path for path in places(GOOD.core) if not is_free(path)]


def test_the_good_bundle_verifies() -> None:
    assert checked(GOOD.zipped()).is_proven


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_no_part_of_the_core_can_be_another(path: tuple[Any, ...], new: Any) -> None:
    core = put(GOOD.core, path, new)
    assume(json.dumps(core, sort_keys=True) != json.dumps(GOOD.core, sort_keys=True))
    text = json.dumps(core, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    packed = pack({**GOOD.files, "core/core.json": text.encode(errors="surrogatepass")}.items())
    assert not checked(packed).is_proven


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_file_of_the_core_can_be_another(data: st.DataObject) -> None:
    files = {"core/core.json": canonical_bytes(GOOD.core), **GOOD.files}
    name = data.draw(st.sampled_from(sorted(name for name in files if name.startswith("core/"))))
    new = altered(data, files[name])
    assume(new != files[name] and not _says_the_same(new, files[name]))
    report = checked(pack({**files, name: new}.items()))
    assert not report.is_proven or (name == "core/checkpoint" and GOOD.files[name] in new)


def _says_the_same(one: bytes, other: bytes) -> bool:
    """Two files of JSON, what is free left aside."""
    try:
        return bool(_bound(json.loads(one)) == _bound(json.loads(other)))
    except ValueError:
        return False


def _bound(told: Any) -> Any:
    for path in filter(is_free, places(told)):
        told = put(told, path, None)
    return told


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_zip_is_said_to_be_one(data: st.DataObject) -> None:
    whole = GOOD.zipped()
    for _ in range(data.draw(st.integers(1, 3))):
        whole = altered(data, whole)
    checked(whole)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_chance_are_no_bundle(whole: bytes) -> None:
    assert [finding.code for finding in checked(whole).findings] == [Code.UNREADABLE]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_receipt_proves_nothing_else(data: st.DataObject) -> None:
    new = altered(data, RECEIPT)
    report = Report()
    receipt = check_receipt(report, TRUST, new, "it")
    good = check_receipt(Report(), TRUST, RECEIPT, "it")
    assert (receipt == good) if receipt is not None else not report.is_proven


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_wrapper_is_no_traceback(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["wrapper/checkpoints/11", "wrapper/consistency/10-11"]))
    checked(Bundle(GOOD.core, {**GOOD.files, name: altered(data, GOOD.files[name])}).zipped())


RELEASED, RELEASE = evidence(), "wrapper/releases/1.json"
RELEASE_FILE = json.loads(RELEASED.files[RELEASE])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(places(RELEASE_FILE)), JSON)
def test_no_part_of_a_release_can_be_another(path: tuple[Any, ...], new: Any) -> None:
    """But which pages it was of; those are told as not proven then."""
    file = put(RELEASE_FILE, path, new)
    assume(json.dumps(file, sort_keys=True) != json.dumps(RELEASE_FILE, sort_keys=True))
    data = json.dumps(file).encode(errors="surrogatepass")
    report = checked(Bundle(RELEASED.core, {**RELEASED.files, RELEASE: data}).zipped())
    unproven = Code.RELEASE_NOT_LOGGED in {finding.code for finding in report.findings}
    assert unproven or path[0] == "views"
    assert not report.is_proven or path[0] in {"views", "entry"}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_release_is_no_traceback(data: st.DataObject) -> None:
    damaged = altered(data, RELEASED.files[RELEASE])
    checked(Bundle(RELEASED.core, {**RELEASED.files, RELEASE: damaged}).zipped())


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_policy_is_refused_or_read(data: st.DataObject) -> None:
    try:
        policy = read_policy(altered(data, POLICY.encode()))
    except PolicyError:
        return
    assert all(key.vkey for key in policy.logs)


@pytest.mark.parametrize(
    "core",
    ["", "[]", "null", "{}", "[" * 100_000, '{"a":' * 50_000, "1" * 10_000, "1.5", "NaN", '{"a":1,"a":1}', '"\\ud800"'],
)
def test_json_that_is_none_of_ours(core: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trust.policy").write_text(POLICY)
    (tmp_path / "evidence.zip").write_bytes(pack([("core/core.json", core.encode())]))
    arguments = ["bundle", str(tmp_path / "evidence.zip"), "--policy", str(tmp_path / "trust.policy"), "--json"]
    assert main(arguments) == 1
    assert [finding["code"] for finding in json.loads(capsys.readouterr().out)["findings"]] == [Code.MALFORMED]


@pytest.mark.parametrize("deep", ["[" * 600 + "]" * 600, "[" * 60_000 + "]" * 60_000])
def test_a_body_that_is_nested_deeply_is_no_traceback(deep: str) -> None:
    files = dict(GOOD.files)
    files["core/bodies/4.json"] = files["core/bodies/4.json"].replace(
        b'"body":{', b'"body":{"x":' + deep.encode() + b","
    )
    report = checked(Bundle(GOOD.core, files).zipped())
    assert {finding.code for finding in report.findings if finding.code.is_fault} <= {Code.BODY_ALTERED, Code.MALFORMED}
    assert not report.is_proven


@pytest.mark.parametrize("seconds", [253_402_300_799, 253_402_300_800, 2**63 - 1])
def test_an_instant_at_the_end_of_time_is_no_traceback(seconds: int) -> None:
    core = copy.deepcopy(GOOD.core)
    core["entries"][0]["leaf"]["ts"] = seconds * 10**6 + 999_999
    assert not checked(Bundle(core, GOOD.files).zipped()).is_proven
    signed = LOG.checkpoint(cosigned=[WITNESS.line(LOG.text(LOG.size), seconds)])
    report = Report()
    policy = read_policy(f"log {KEY.vkey}\nwitness W {WITNESS.vkey}\nquorum W\n".encode())
    bundle = bundle_of(LOG, size=LOG.size, newer=None)
    check_bundle(report, policy, Bundle(bundle.core, {**bundle.files, "core/checkpoint": signed}).zipped())
    assert report.is_proven
    assert "The witness W saw the first 11 entries" in report.shown[0]


CHANGED, CHANGE = rotated_evidence(), f"wrapper/rotations/{ROTATED}.json"
CHANGE_FILE = json.loads(CHANGED.files[CHANGE])


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(places(CHANGE_FILE)), JSON)
def test_no_part_of_a_change_of_the_key_can_be_another(path: tuple[Any, ...], new: Any) -> None:
    file = put(CHANGE_FILE, path, new)
    assume(json.dumps(file, sort_keys=True) != json.dumps(CHANGE_FILE, sort_keys=True))
    data = json.dumps(file).encode(errors="surrogatepass")
    assert not checked(Bundle(CHANGED.core, {**CHANGED.files, CHANGE: data}).zipped()).is_proven


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_change_of_the_key_is_no_traceback(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([CHANGE, f"wrapper/checkpoints/{ROTATED + 1}"]))
    checked(Bundle(CHANGED.core, {**CHANGED.files, name: altered(data, CHANGED.files[name])}).zipped())


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="<input >/='\"chekdnam\n", max_size=40))
def test_a_box_that_is_ticked_is_seen_whatever_stands_before_it(before: str) -> None:
    assert "confirm" in {*ticked(f'{before}<input type="checkbox" name="confirm" checked>')}
