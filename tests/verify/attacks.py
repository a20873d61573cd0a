"""Attacks on the evidence of a contract, each with what must be found; and what is no attack, with nothing to find.

The table serves every verifier: the one in Python and the one in the browser must find the same.
"""

from collections.abc import Callable, Mapping
from typing import Any

from marketplace.kernel.canonical import canonical_bytes
from tests.verify.attacked import Attack
from tests.verify.evidence import (
    CONCLUDED,
    FOREIGN_KEY,
    KEY,
    ORIGIN,
    OTHER,
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
from tests.verify.release_attacks import RELEASE_ATTACKS, RELEASE_NO_ATTACKS
from tests.verify.rotation_attacks import ROTATION_ATTACKS, ROTATION_NO_ATTACKS
from tests.verify.tick_attacks import TICK_ATTACKS, TICK_NO_ATTACKS
from tests.verify.time_attacks import TIME_ATTACKS, TIME_NO_ATTACKS
from verify.findings import Code

LOG = a_sale()
DAY = 86_400


def on(
    change: Callable[[Bundle], object], *faults: tuple[Code, int | None], receipts: tuple[bytes, ...] = ()
) -> Callable[[], Attack]:
    """A change of a good bundle."""

    def made() -> Attack:
        bundle = bundle_of(LOG)
        change(bundle)
        return Attack(bundle.zipped(), faults, receipts)

    return made


# --- what anybody can do to a file ------------------------------------------------------------------------------------


def edit_body(bundle: Bundle, part: str | None = None) -> None:
    """What was answered, one of the columns around it, or the salt."""
    body = bundle.body(6)
    others = {"actor": {"account_id": None, "label": "x", "role": "admin"}, "business_at": "2020-01-01T00:00:00+00:00"}
    if part is None:
        body["envelope"]["body"]["new"] = "yes"
    elif part == "salt":
        body["salt"] = "00" * 16
    else:
        body["envelope"][part] = others.get(part, OTHER)
    bundle.set_body(6, body)


def edit_body_and_leaf(bundle: Bundle) -> None:
    edit_body(bundle)
    body = bundle.body(6)
    bundle.entry(6)["leaf"]["b"] = hex_of(bytes.fromhex(body["salt"]) + canonical_bytes(body["envelope"]))


def without(*indexes: int) -> Callable[[Bundle], None]:
    def change(bundle: Bundle) -> None:
        bundle.core["entries"] = [entry for entry in bundle.core["entries"] if entry["index"] not in indexes]
        for index in indexes:
            bundle.files.pop(f"core/bodies/{index}.json", None)
            bundle.files.pop(f"core/pages/{index}.html", None)

    return change


def exchange(bundle: Bundle) -> None:
    entries = bundle.core["entries"]
    entries[2], entries[3] = entries[3], entries[2]


def show_twice(bundle: Bundle) -> None:
    bundle.core["entries"].append(bundle.core["entries"][-1])


def renumber(bundle: Bundle) -> None:
    bundle.entry(3)["leaf"]["n"], bundle.entry(4)["leaf"]["n"] = 4, 3


def put(name: str, data: bytes) -> Callable[[Bundle], None]:
    return lambda bundle: bundle.files.update({name: data})


def lose(name: str) -> Callable[[Bundle], object]:
    return lambda bundle: bundle.files.pop(name)


def replace_clauses(bundle: Bundle, *, manifest: bool = False) -> None:
    """The document, and its hash in the core, and also in what its page was made of."""
    bundle.files["core/clauses.pdf"] = b"other"
    bundle.core["documents"][0]["sha256"] = hex_of(b"other")
    if manifest:
        ((version, made_of),) = bundle.core["page_versions"].items()
        bundle.core["page_versions"][version] = {**made_of, "documents": [hex_of(b"other")]}


def replace_page(bundle: Bundle) -> None:
    bundle.files["core/pages/3.html"] = b"<p>other</p>"
    bundle.entry(3)["leaf"]["r"] = hex_of(b"<p>other</p>")


def drop(index: int, part: str) -> Callable[[Bundle], None]:
    """Neither there nor said to be withheld."""

    def change(bundle: Bundle) -> None:
        del bundle.files[bundle.entry(index)[part]]
        bundle.entry(index)[part] = None

    return change


def hide(index: int, why: str) -> Callable[[Bundle], None]:
    def change(bundle: Bundle) -> None:
        entry = bundle.entry(index)
        for part in ("body", "page"):
            bundle.files.pop(entry[part] or "", None)
            entry[part] = None
        entry["withheld"] = why

    return change


def claim(part: str, value: str | None) -> Callable[[Bundle], object]:
    return lambda bundle: bundle.core["contract"].update({part: value})


def date_entry(bundle: Bundle) -> None:
    bundle.entry(7)["leaf"]["ts"] -= DAY * 10**6


def sign_otherwise(bundle: Bundle) -> None:
    bundle.files["core/checkpoint"] = bundle.files["core/checkpoint"].replace(b"\n10\n", b"\n11\n")


def before_a_contract() -> Bundle:
    bundle = bundle_of(LOG, size=CONCLUDED)
    bundle.core["contract"]["policy_no"] = None
    bundle.core["exhibits"] = []
    for name in ("core/policy.pdf", "core/page-3.png"):
        del bundle.files[name]
    return bundle


def packed_with(name: str) -> Attack:
    files = [("core/core.json", canonical_bytes(bundle_of(LOG).core)), *bundle_of(LOG).files.items()]
    return Attack(pack([*files, (name, b"x")]), ((Code.UNSAFE_FILE, None),))


# --- what the owner of the log and its key can do ---------------------------------------------------------------------


def again(change: Callable[[Log], object]) -> Log:
    """The log made anew with a change, all hashes and the head in the conclusion right."""
    log = LOG.copy()
    change(log)
    log.rechain()
    if log.size > CONCLUDED:
        log.entries[CONCLUDED].envelope["body"]["head"] = log.entries[CONCLUDED - 1].hash.hex()
        log.rechain()
    return log


def say_yes(log: Log) -> None:
    log.entries[6].envelope["body"] = {"question": "smoker", "old": None, "new": "yes"}


def back_date(log: Log) -> None:
    log.entries[7].leaf["ts"] -= DAY * 10**6


def cut(log: Log) -> None:
    del log.entries[CONCLUDED:]


FORKED = again(say_yes)
CUT = again(cut)


def diverged() -> Log:
    """It begins like the log and ends otherwise, no entry of the contract among them."""
    log = LOG.copy()
    log.entries.pop()
    log.add("page:shown", OTHER, {"forked": 1})
    return log


def connected_by_a_lie() -> Bundle:
    log = diverged()
    log.add("page:shown", OTHER)
    bundle = bundle_of(log)
    bundle.files["wrapper/consistency/11-12"] = LOG.consistency(10, 11)
    return bundle


def of_another_log() -> Attack:
    other = LogKey("other.example/log", b"5" * 32)
    bundle = bundle_of(LOG)
    text = LOG.text(SIGNED + 1).replace(ORIGIN, other.name)
    bundle.files["core/checkpoint"] = f"{text}\n{other.line(text)}".encode()
    policy = f"log {KEY.vkey}\nlog {other.vkey}\nquorum none\n"
    return Attack(bundle.zipped(), ((Code.FOREIGN_LOG, None), (Code.FOREIGN_LOG, None)), policy=policy)


WITNESSED = f"log {KEY.vkey}\nwitness W {WITNESS.vkey}\nquorum none\n"
LAST_AT = START // 10**6 + 10 * SIGNED


def cosigned(size: int, at: int, *faults: tuple[Code, int | None]) -> Callable[[], Attack]:
    """A witness saw the log of that size at that second."""
    bundle = bundle_of(LOG)
    bundle.files[f"wrapper/checkpoints/{size}"] = LOG.checkpoint(size, cosigned=[WITNESS.line(LOG.text(size), at)])
    older, newer = sorted((size, SIGNED + 1))
    bundle.files[f"wrapper/consistency/{older}-{newer}"] = LOG.consistency(older, newer)
    return lambda: Attack(bundle.zipped(), faults, policy=WITNESSED)


RECORDED = b'{"events":[],"format":"evenfold-recording/1"}'
RECORDING = {"kind": "recording", "name": "recording-6.json", "sha256": hex_of(RECORDED), "file": "core/recording.json"}


def keep_a_recording(log: Log) -> None:
    log.entries[6].leaf["t"] = "recording:kept"
    log.entries[6].envelope["body"] = {"view": OTHER, "sha256": hex_of(RECORDED), "events": 0, "cut": False}


def with_recording(*exhibits: Mapping[str, str], data: bytes = RECORDED) -> Bundle:
    """Of a log in which a recording was kept, these exhibits with it."""
    bundle = bundle_of(again(keep_a_recording))
    bundle.core["exhibits"] += exhibits
    bundle.files |= {each["file"]: data for each in exhibits}
    return bundle


def given(log: Log | Bundle, *faults: tuple[Code, int | None], receipts: tuple[bytes, ...] = (), **how: Any) -> Any:
    def made() -> Attack:
        bundle = log if isinstance(log, Bundle) else bundle_of(log, **how)
        return Attack(bundle.zipped(), faults, receipts)

    return made


def disputed(*acts: str) -> Log:
    """The log with what happened to the contract afterwards."""
    log = LOG.copy()
    for act in acts:
        log.add(act, body={"at": act})
    return log


def erased_in(log: Log, *faults: tuple[Code, int | None]) -> Callable[[], Attack]:
    """The evidence of all of it, nothing of which can be read any more."""

    def made() -> Attack:
        bundle = bundle_of(log, size=log.size)
        for entry in bundle.core["entries"]:
            hide(entry["index"], "erased")(bundle)
        return Attack(bundle.zipped(), faults)

    return made


OPENED = 11
OPEN, CLOSED = ("hold:opened",), ("hold:opened", "hold:closed")

MINE = LOG.receipt(CONCLUDED)
EARLY = LOG.receipt(1, 5)

ATTACKS: Mapping[str, Callable[[], Attack]] = {
    **TIME_ATTACKS,
    **RELEASE_ATTACKS,
    **ROTATION_ATTACKS,
    **TICK_ATTACKS,
    # a body, a leaf
    "edit a body": on(edit_body, (Code.BODY_ALTERED, 6)),
    **{
        f"edit {part} of a body": on(lambda bundle, part=part: edit_body(bundle, part), (Code.BODY_ALTERED, 6))
        for part in ("actor", "application_id", "business_at", "entry_id", "insurer_id", "salt")
    },
    "edit a body and its leaf": on(edit_body_and_leaf, (Code.NOT_IN_LOG, 6), (Code.CHAIN_BROKEN, 7)),
    # a dispute
    "erase in dispute": erased_in(disputed(*OPEN), (Code.ERASED_IN_DISPUTE, OPENED)),
    "erase in the second of two disputes": erased_in(
        disputed(*CLOSED, *OPEN, "data:erased"), (Code.ERASED_IN_DISPUTE, OPENED + 3)
    ),
    "erase in dispute and close it afterwards": erased_in(
        disputed(*OPEN, "data:erased", "hold:closed"), (Code.ERASED_IN_DISPUTE, OPENED + 1)
    ),
    # the journey
    "delete an entry": on(without(4), (Code.GAP, 6)),
    "delete two entries": on(without(1, 3), (Code.GAP, 4)),
    "delete the first entry": on(without(0), (Code.GAP, 1)),
    "delete what the conclusion names": on(without(7), (Code.GAP, CONCLUDED), (Code.TRUNCATED_TAIL, CONCLUDED)),
    "exchange two entries": on(exchange, (Code.REORDERED, 3)),
    "show an entry twice": on(show_twice, (Code.REORDERED, SIGNED)),
    "exchange two numbers": on(
        renumber,
        (Code.NOT_IN_LOG, 3),
        (Code.NOT_IN_LOG, 4),
        (Code.REORDERED, 4),
        (Code.CHAIN_BROKEN, 3),
        (Code.CHAIN_BROKEN, 4),
        (Code.CHAIN_BROKEN, 6),
    ),
    "cut off the conclusion": on(without(CONCLUDED, SIGNED), (Code.TRUNCATED_TAIL, None)),
    "cut off what a receipt is of": on(without(SIGNED), (Code.TRUNCATED_TAIL, SIGNED), receipts=(LOG.receipt(SIGNED),)),
    "lose all entries": on(
        without(*range(10)),
        (Code.TRUNCATED_TAIL, None),
        (Code.MALFORMED, None),
        (Code.EXTRA_FILE, None),
        (Code.ASSET_REPLACED, None),
    ),
    # files
    **{
        f"replace {name}": on(put(f"core/{name}", b"other"), (Code.ASSET_REPLACED, None))
        for name in ("clauses.pdf", "policy.pdf", "page-3.png")
    },
    "replace clauses and their hash": on(replace_clauses, (Code.ASSET_REPLACED, None)),
    "replace clauses and what names them": on(
        lambda bundle: replace_clauses(bundle, manifest=True),
        (Code.PAGE_VERSION_ALTERED, 0),
        (Code.ASSET_REPLACED, None),
    ),
    "leave a recording out": given(with_recording(), (Code.MISSING_FILE, 6)),
    "replace a recording": given(with_recording(RECORDING, data=b"{}"), (Code.ASSET_REPLACED, None)),
    "replace a recording and its hash": given(
        with_recording({**RECORDING, "sha256": hex_of(b"{}")}, data=b"{}"), (Code.MISSING_FILE, 6)
    ),
    "replace a page": on(put("core/pages/3.html", b"<p>other</p>"), (Code.PAGE_ALTERED, 3)),
    "replace a page and its hash": on(replace_page, (Code.NOT_IN_LOG, 3), (Code.CHAIN_BROKEN, 4)),
    **{
        f"lose {name}": on(lose(name), (Code.MISSING_FILE, entry))
        for name, entry in {
            "core/bodies/4.json": 4,
            "core/pages/3.html": 3,
            "core/clauses.pdf": None,
            "core/checkpoint": None,
        }.items()
    },
    **{
        f"add {name}": on(put(name, b""), (Code.EXTRA_FILE, None))
        for name in ("core/other", "core/bodies/99.json", "other.txt")
    },
    "lose what a page was made of": on(lambda bundle: bundle.core.update(page_versions={}), (Code.MISSING_FILE, 0)),
    "add what a page was made of": on(
        lambda bundle: bundle.core["page_versions"].update({"ab" * 32: {}}), (Code.EXTRA_FILE, None)
    ),
    "say nothing of a body": on(drop(3, "body"), (Code.MISSING_FILE, 3)),
    "say nothing of a page": on(drop(3, "page"), (Code.MISSING_FILE, 3)),
    # another contract
    "claim another application": on(claim("application_id", SECOND), (Code.WRONG_CONTRACT, None)),
    "claim another policy number": on(claim("policy_no", "EF-2026-000999"), (Code.WRONG_CONTRACT, None)),
    "claim that there is no contract": on(claim("policy_no", None), (Code.WRONG_CONTRACT, None)),
    "withhold the conclusion": on(hide(CONCLUDED, "other_insurer"), (Code.WRONG_CONTRACT, None)),
    # the zip
    **{
        f"add the path {name!r}": lambda name=name: packed_with(name)
        for name in (
            "../evil",
            "/etc/evil",
            "core/../evil",
            "core//evil",
            "C:\\evil",
            "core\\evil",
            "core/ev\nil",
            "core/",
        )
    },
    "be no zip": lambda: Attack(b"PK\x03\x04 and more", ((Code.UNREADABLE, None),)),
    "have no core": lambda: Attack(pack([("README.txt", b"")]), ((Code.MISSING_FILE, None),)),
    "name a key twice": lambda: Attack(pack([("core/core.json", b'{"a":1,"a":1}')]), ((Code.MALFORMED, None),)),
    # dates
    "back-date an entry": on(
        date_entry, (Code.NOT_IN_LOG, 7), (Code.CHAIN_BROKEN, 8), (Code.TRUNCATED_TAIL, 8), (Code.BACKDATED, 7)
    ),
    "back-date an entry with the genuine key": given(again(back_date), (Code.BACKDATED, 7)),
    "forward-date what a witness saw": cosigned(
        11, LAST_AT - 75, (Code.FORWARD_DATED, SIGNED), (Code.FORWARD_DATED, CONCLUDED)
    ),
    "back-date what a witness did not see": cosigned(SIGNED, LAST_AT + DAY, (Code.BACKDATED, SIGNED)),
    # keys
    "sign with an unknown key": given(LOG, (Code.UNKNOWN_KEY, None), key=FOREIGN_KEY),
    "sign what is newer with an unknown key": given(LOG, (Code.UNKNOWN_KEY, None), newer=FOREIGN_KEY),
    "alter what was signed": on(sign_otherwise, (Code.BAD_SIGNATURE, None)),
    "use another log": of_another_log,
    # history
    "rewrite history, with a receipt of the same size": given(
        FORKED, (Code.FORK, None), (Code.FORK, None), (Code.FORK, CONCLUDED), receipts=(MINE,)
    ),
    "rewrite history, with an older receipt": given(
        FORKED, (Code.FORK, None), (Code.FORK, CONCLUDED), receipts=(LOG.receipt(CONCLUDED, SIGNED + 1),)
    ),
    "rewrite the history of others": given(diverged(), (Code.FORK, None), (Code.FORK, None), receipts=(MINE,)),
    "connect two histories by a lie": given(connected_by_a_lie(), (Code.FORK, None), receipts=(MINE,)),
    "cut the log below a receipt": given(
        CUT,
        (Code.FORK, None),
        (Code.TRUNCATED_TAIL, None),
        (Code.TRUNCATED_TAIL, CONCLUDED),
        receipts=(MINE,),
        size=CONCLUDED,
    ),
    "show no way from a receipt": given(LOG, (Code.CONSISTENCY_MISSING, None), receipts=(EARLY,)),
    "show no way to what is newer": on(lose("wrapper/consistency/10-11"), (Code.CONSISTENCY_MISSING, None)),
    "show a receipt of something else": given(LOG, (Code.FOREIGN_RECEIPT, 2), receipts=(LOG.receipt(2),)),
    "show a receipt that is altered": given(
        LOG, (Code.NOT_IN_LOG, 9), receipts=(MINE.replace(b"index 8", b"index 9"),)
    ),
}


NO_ATTACKS: Mapping[str, Callable[[], Attack]] = {
    **TIME_NO_ATTACKS,
    **RELEASE_NO_ATTACKS,
    **ROTATION_NO_ATTACKS,
    **TICK_NO_ATTACKS,
    "a recording": given(with_recording(RECORDING)),
    "a contract in dispute": given(disputed(*OPEN), size=12),
    "erased long after a dispute": erased_in(disputed(*CLOSED, "contract:ended", "data:erased")),
    "the untouched bundle": given(LOG, receipts=(MINE, LOG.receipt(SIGNED), LOG.receipt(CONCLUDED, SIGNED + 1))),
    "several journeys": given(LOG, journeys=(SALE, OTHER)),
    "the newest checkpoint alone": given(LOG, size=11, newer=None),
    "an old receipt": on(put("wrapper/consistency/5-10", LOG.consistency(5, 10)), receipts=(EARLY,)),
    "a history that was always so, without a receipt": given(FORKED),
    "an erased page": on(hide(3, "erased")),
    "an erased body": on(hide(6, "erased"), receipts=(MINE,)),
    "an erased conclusion": on(hide(CONCLUDED, "erased"), receipts=(MINE,)),
    "a body of another insurer": on(hide(6, "other_insurer")),
    "a sale before its contract": given(before_a_contract()),
    "a witness in time": cosigned(11, LAST_AT + 30),
    "a witness a little before": cosigned(SIGNED, LAST_AT + 1800),
    "a time-stamp nobody asks about": on(put("wrapper/timestamps/10-local.tst", b"x")),
}
