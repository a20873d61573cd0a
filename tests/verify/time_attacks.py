"""Attacks on when: by who owns the log and its key, and by who owns an authority of time-stamps that nobody trusts."""

import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from marketplace.infra.signing import SealSettings
from marketplace.infra.timestamping import SEAL_CODE, load_authority
from marketplace.kernel import clock
from marketplace.kernel.canonical import canonical_bytes
from sandbox import demo_pki
from tests.verify.attacked import Attack
from tests.verify.evidence import (
    ORIGIN,
    OTHER,
    SALE,
    START,
    Bundle,
    Log,
    a_sale,
    bundle_of,
    hex_of,
)
from tests.verify.trees import inclusion_proof
from verify.findings import Code
from verify.merkle import root_over

OWN = str(uuid5(NAMESPACE_URL, ORIGIN))
BEFORE, NAMED, FIRST, ANSWERED, LAST, SIZE = 1, 1, 2, 8, 11, 12
"""The size that was stamped before the sale, the entry that says so, the first of the sale, one in between, its last
act, and the size of its core."""
DAY = 86_400


def at(index: int) -> int:
    """When the entry of that number was recorded, in seconds since 1970."""
    return START // 10**6 + 10 * index


@cache
def folder_of(authority: str) -> Path:
    """Two authorities: `local`, whom the reader trusts, and `foreign`. The log is of a time before the present one."""
    folder = Path(tempfile.mkdtemp(prefix=f"authority-{authority}-"))
    with clock.frozen(datetime.fromtimestamp(at(0) - DAY, UTC)):
        demo_pki.make_pki(folder, {})
    return folder


def roots(authority: str = "local", name: str = "local") -> bytes:
    """What the reader knows of an authority, as `/log/authorities.pem` says it."""
    return f"# Who stamps.\n\n# {name}\n".encode() + (folder_of(authority) / "root.pem").read_bytes()


@cache
def stamp(data: bytes, seconds: int, authority: str = "local") -> bytes:
    """The token that the authority gave at that second."""
    signer = load_authority(SealSettings.in_folder(folder_of(authority), SEAL_CODE))

    def then() -> bytes:
        with clock.frozen(datetime.fromtimestamp(seconds, UTC)):
            return signer.stamp(sha256(data).digest())

    with ThreadPoolExecutor(1) as beside:  # a browser's test may hold the event loop of this thread
        return beside.submit(then).result()


@cache
def stamped_log() -> Log:
    """Another visit, a stamp and the entry about it, then the sale, and the log goes on."""
    log = Log()
    log.add("page:shown", OTHER, application=None)
    token = stamp(log.checkpoint(BEFORE), at(0) + 5)
    log.add("log:stamped", OWN, about(log, BEFORE, token), application=None)
    return a_sale(log)


def about(log: Log, size: int, token: bytes) -> dict[str, object]:
    root = root_over(log.leaves(size)).hex()
    return {"authority": "local", "size": size, "root": root, "token_sha256": hex_of(token)}


def evidence(log: Log | None = None, **how: object) -> Bundle:
    """The sale between two stamps, neither of them among what it holds otherwise."""
    log = log or stamped_log()
    bundle = bundle_of(log, size=SIZE, **how)  # type: ignore[arg-type]  # as it is called there
    bundle.files[f"wrapper/checkpoints/{BEFORE}"] = log.checkpoint(BEFORE)
    bundle.files[f"wrapper/consistency/{BEFORE}-{SIZE}"] = log.consistency(BEFORE, SIZE)
    put_stamp(bundle, BEFORE, stamp(stamped_log().checkpoint(BEFORE), at(0) + 5))
    put_stamp(bundle, SIZE, stamp(log.checkpoint(SIZE), at(LAST) + 30))
    put_entry(bundle, log, NAMED)
    return bundle


def put_stamp(bundle: Bundle, size: int, token: bytes, authority: str = "local") -> None:
    bundle.files[f"wrapper/timestamps/{size}-{authority}.tst"] = token


def put_entry(bundle: Bundle, log: Log, index: int) -> None:
    """The entry of that number as the one about the first stamp."""
    recorded = log.entries[index]
    proof = [each.hex() for each in inclusion_proof(log.leaves(SIZE), index)]
    file = {
        "body": {"envelope": recorded.envelope, "salt": recorded.salt.hex()},
        "entry": {"index": index, "leaf": recorded.leaf, "proof": proof},
    }
    bundle.files[f"wrapper/timestamps/{BEFORE}-local.json"] = canonical_bytes(file)


def on(change: Callable[[Bundle], object], *faults: tuple[Code, int | None]) -> Callable[[], Attack]:
    """A change of good evidence, checked by who trusts the authority."""

    def made() -> Attack:
        bundle = evidence()
        change(bundle)
        return Attack(bundle.zipped(), faults, authorities=roots())

    return made


def again(change: Callable[[Log], object]) -> Log:
    """The log made anew by who has its key, all hashes right."""
    log = stamped_log().copy()
    change(log)
    log.rechain()
    concluded = next(entry for entry in log.entries if entry.leaf["t"] == "contract:concluded")
    before = log.of(SALE)[concluded.leaf["n"] - 2]
    concluded.envelope["body"]["head"] = before.hash.hex()
    log.rechain()
    return log


def say_yes(log: Log) -> None:
    log.entries[ANSWERED].envelope["body"] = {"question": "smoker", "old": None, "new": "yes"}


def shift(seconds: int) -> Callable[[Log], None]:
    """All of the sale dated otherwise, so that no entry stands out from its neighbours."""

    def change(log: Log) -> None:
        for entry in log.entries[FIRST:]:
            entry.leaf["ts"] += seconds * 10**6

    return change


def dated(seconds: int) -> Callable[[], Attack]:
    """Dated otherwise from the beginning: nothing but the stamps speaks against it."""

    def made() -> Attack:
        bundle = evidence(again(shift(seconds)))
        code = Code.BACKDATED if seconds < 0 else Code.FORWARD_DATED
        faults = tuple((code, entry["index"]) for entry in bundle.core["entries"])
        return Attack(bundle.zipped(), faults, authorities=roots())

    return made


def under_a_genuine_stamp() -> Attack:
    """History made anew, beside a checkpoint that was stamped before: the two do not fit together."""
    log, genuine = again(say_yes), stamped_log()
    bundle = evidence(log, newer=None)
    bundle.files.pop(f"wrapper/timestamps/{SIZE}-local.tst")
    size = genuine.size
    bundle.files[f"wrapper/checkpoints/{size}"] = genuine.checkpoint()
    bundle.files[f"wrapper/consistency/{SIZE}-{size}"] = log.consistency(SIZE)
    put_stamp(bundle, size, stamp(genuine.checkpoint(), at(size) + 30))
    bundle.files[f"wrapper/consistency/{BEFORE}-{size}"] = genuine.consistency(BEFORE)
    return Attack(bundle.zipped(), ((Code.FORK, None),), authorities=roots())


def with_the_genuine_stamp() -> Attack:
    """History made anew, and the stamp of what it was before."""
    bundle = evidence(again(say_yes))
    put_stamp(bundle, SIZE, stamp(stamped_log().checkpoint(SIZE), at(LAST) + 30))
    return Attack(bundle.zipped(), ((Code.TIMESTAMP_INVALID, None),), authorities=roots())


def stamped_anew() -> Attack:
    """History made anew and stamped when that was done: no fault is to be found, but when it was seen."""
    log = again(say_yes)
    bundle = evidence(log)
    put_stamp(bundle, SIZE, stamp(log.checkpoint(SIZE), at(LAST) + 90 * DAY))
    return Attack(bundle.zipped(), (), authorities=roots())


def stamped_by(authority: str) -> Callable[[Bundle], None]:
    return lambda bundle: put_stamp(bundle, SIZE, stamp(stamped_log().checkpoint(SIZE), at(LAST) + 30, authority))


def set_token(change: Callable[[bytes], bytes], size: int = SIZE) -> Callable[[Bundle], None]:
    name = f"wrapper/timestamps/{size}-local.tst"
    return lambda bundle: bundle.files.update({name: change(bundle.files[name])})


def said_later(token: bytes) -> bytes:
    """Another second in the statement that was signed."""
    old, new = (datetime.fromtimestamp(at(LAST) + more, UTC).strftime("%Y%m%d%H%M%SZ").encode() for more in (30, 31))
    assert token.count(old) == 1
    return token.replace(old, new)


def certificate_cut(token: bytes) -> bytes:
    """A bit of the signer's certificate is another."""
    place = token.index(b"SPECIMEN Time stamps")
    return token[:place] + b"s" + token[place + 1 :]


def entry_of(index: int) -> Callable[[Bundle], None]:
    return lambda bundle: put_entry(bundle, stamped_log(), index)


def forged_entry(bundle: Bundle) -> None:
    """An entry about the stamp that is not in the log."""
    log = stamped_log().copy()
    log.entries[NAMED].leaf["ts"] += 1
    put_entry(bundle, log, NAMED)


def about_another_token() -> Attack:
    """The log names a stamp, and another one of the same tree is shown, made earlier."""
    bundle = evidence()
    put_stamp(bundle, BEFORE, stamp(stamped_log().checkpoint(BEFORE), at(0) + 4))
    return Attack(bundle.zipped(), ((Code.TIMESTAMP_INVALID, None),), authorities=roots())


def in_another_journey() -> Attack:
    log = Log()
    log.add("page:shown", OTHER, application=None)
    log.add("log:stamped", OTHER, about(log, BEFORE, stamp(log.checkpoint(BEFORE), at(0) + 5)), application=None)
    a_sale(log)
    bundle = evidence(log)
    put_stamp(bundle, SIZE, stamp(log.checkpoint(SIZE), at(LAST) + 30))
    return Attack(bundle.zipped(), ((Code.TIMESTAMP_INVALID, None),), authorities=roots())


def of_two() -> Attack:
    bundle = evidence()
    put_stamp(bundle, SIZE, stamp(stamped_log().checkpoint(SIZE), at(LAST) + 40, "foreign"), "tsa.example")
    return Attack(bundle.zipped(), (), authorities=roots() + roots("foreign", "tsa.example"))


def under_a_better_name() -> Attack:
    """Our own authority's stamp, called one of an outside authority, which the reader trusts as well."""
    bundle = evidence()
    bundle.files[f"wrapper/timestamps/{SIZE}-tsa.example.tst"] = bundle.files.pop(
        f"wrapper/timestamps/{SIZE}-local.tst"
    )
    return Attack(bundle.zipped(), (INVALID,), authorities=roots() + roots("foreign", "tsa.example"))


def under_no_name() -> Attack:
    """The reader's own file has a certificate and says of nobody that it is his."""
    bundle = evidence()
    return Attack(bundle.zipped(), (), authorities=(folder_of("local") / "root.pem").read_bytes())


def flooded(bundle: Bundle) -> None:
    token = bundle.files[f"wrapper/timestamps/{SIZE}-local.tst"]
    for number in range(50):
        put_stamp(bundle, SIZE, token, f"more-{number}")


INVALID = (Code.TIMESTAMP_INVALID, None)
TIME_ATTACKS: Mapping[str, Callable[[], Attack]] = {
    "back-date a whole sale with the genuine key": dated(-DAY),
    "forward-date a whole sale with the genuine key": dated(DAY),
    "rewrite history under a genuine time-stamp": under_a_genuine_stamp,
    "rewrite history and keep its time-stamp": with_the_genuine_stamp,
    "have it stamped by an authority that nobody trusts": on(stamped_by("foreign"), INVALID),
    "show the time-stamp of another checkpoint": on(
        lambda bundle: put_stamp(bundle, SIZE, stamp(stamped_log().checkpoint(BEFORE), at(0) + 5)), INVALID
    ),
    "alter the time in a time-stamp": on(set_token(said_later), INVALID),
    "alter a certificate in a time-stamp": on(set_token(certificate_cut), INVALID),
    "cut a time-stamp short": on(set_token(lambda token: token[:-1]), INVALID),
    "show no time-stamp but its name": on(set_token(lambda _: b"x"), INVALID),
    "show an empty time-stamp": on(set_token(lambda _: b""), INVALID),
    "show a time-stamp of no checkpoint": on(lambda bundle: put_stamp(bundle, 7, b"x"), INVALID),
    "say that another entry names the time-stamp": on(entry_of(0), INVALID),
    "say that an entry of the sale names it": on(entry_of(FIRST), INVALID),
    "forge the entry that names the time-stamp": on(forged_entry, INVALID),
    "have no entry where it is named": on(
        lambda bundle: bundle.files.update({f"wrapper/timestamps/{BEFORE}-local.json": b"{}"}), INVALID
    ),
    "call a time-stamp by a better name": under_a_better_name,
    "bring more time-stamps than anybody reads": on(flooded, (Code.UNREADABLE, None)),
    "show another time-stamp than the log names": about_another_token,
    "name the time-stamp in another journey": in_another_journey,
}

TIME_NO_ATTACKS: Mapping[str, Callable[[], Attack]] = {
    "a sale between two time-stamps": on(lambda _: None),
    "a sale before a time-stamp": on(
        lambda bundle: [bundle.files.pop(f"wrapper/timestamps/{BEFORE}-local.{each}") for each in ("tst", "json")]
    ),
    "a sale after a time-stamp": on(lambda bundle: bundle.files.pop(f"wrapper/timestamps/{SIZE}-local.tst")),
    "a time-stamp that the log does not name": on(
        lambda bundle: bundle.files.pop(f"wrapper/timestamps/{BEFORE}-local.json")
    ),
    "time-stamps of two authorities": of_two,
    "a time-stamp of somebody the reader does not know": on(
        lambda bundle: put_stamp(
            bundle, SIZE, stamp(stamped_log().checkpoint(SIZE), at(LAST) + 40, "foreign"), "tsa.example"
        )
    ),
    "a certificate under no name": under_no_name,
    "history made anew and stamped then": stamped_anew,
    "time-stamps and nobody trusted": lambda: Attack(evidence().zipped(), ()),
}
