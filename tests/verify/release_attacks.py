"""Attacks on who released the pages that were shown, and what is none."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from marketplace.kernel.canonical import canonical_bytes, digest
from tests.verify.attacked import Attack
from tests.verify.evidence import MADE_OF, ORIGIN, Bundle, Log, a_sale, bundle_of, hex_of
from tests.verify.trees import inclusion_proof
from verify.findings import Code

OWN = str(uuid5(NAMESPACE_URL, ORIGIN))
RELEASED, ENTERED, ENTER, EXCLUSIONS, SIZE = 0, 2, 1, 4, 12
"""The entry of the release, one of the sale that shows no page, the two that show one, and the size of the core."""
CONTENT: Mapping[str, Any] = {**MADE_OF, "wordings": {"notice.en": hex_of(b"A notice")}}


def told(number: int = 1, content: Mapping[str, Any] = CONTENT, **changes: object) -> dict[str, Any]:
    """What is said of a release."""
    said = {"author": "Anna Li", "reviewer": "Tom Weber", "reason": "The words are clearer.", "build": "1"}
    return {"number": number, "content_sha256": digest(content), **said, **changes}


def released_log(
    said: Mapping[str, Any] | None = None, kind: str = "pages:released", made_of: Mapping[str, Any] = MADE_OF
) -> Log:
    """A release, and then a sale."""
    log = Log()
    log.add(kind, OWN, said or told(), application=None)
    return a_sale(log, made_of)


def put_release(
    bundle: Bundle,
    log: Log,
    index: int | None = RELEASED,
    *,
    views: Sequence[int] = (ENTER, EXCLUSIONS),
    content: Mapping[str, Any] = CONTENT,
    number: int = 1,
    **changes: object,
) -> None:
    """The file of a release, by the entry `index` of the log."""
    entry = body = None
    if index is not None:
        recorded = log.entries[index]
        size = bundle.core["entries"][0]["size"]
        proof = [each.hex() for each in inclusion_proof(log.leaves(size), index)]
        entry = {"index": index, "leaf": recorded.leaf, "proof": proof}
        body = {"salt": recorded.salt.hex(), "envelope": recorded.envelope}
    file = {"release": told(number, content), "content": content, "views": views, "body": body, "entry": entry}
    bundle.files[f"wrapper/releases/{number}.json"] = canonical_bytes(file | changes)


def evidence(log: Log | None = None, size: int = SIZE, **how: Any) -> Bundle:
    log = log or released_log()
    bundle = bundle_of(log, size=size)
    put_release(bundle, log, **how)
    return bundle


def made(bundle: Callable[[], Bundle], *faults: tuple[Code, int | None]) -> Callable[[], Attack]:
    return lambda: Attack(bundle().zipped(), faults)


def changed(change: Callable[[dict[str, Any]], object]) -> Callable[[], Bundle]:
    """The file of the release with a change."""

    def found() -> Bundle:
        bundle = evidence()
        file = json.loads(bundle.files["wrapper/releases/1.json"])
        change(file)
        bundle.files["wrapper/releases/1.json"] = canonical_bytes(file)
        return bundle

    return found


def named(part: str, value: object) -> Callable[[], Bundle]:
    return changed(lambda file: file["release"].update({part: value}))


def rename_in_both(file: dict[str, Any]) -> None:
    file["release"]["reviewer"] = file["body"]["envelope"]["body"]["reviewer"] = "Wang Fang"


def rename_everywhere(file: dict[str, Any]) -> None:
    rename_in_both(file)
    salted = bytes.fromhex(file["body"]["salt"]) + canonical_bytes(file["body"]["envelope"])
    file["entry"]["leaf"]["b"] = hex_of(salted)


def replace_content(file: dict[str, Any]) -> None:
    file["content"]["templates"]["page.html"] = hex_of(b"<b>")
    file["release"]["content_sha256"] = digest(file["content"])


def of_other_content() -> Bundle:
    """The log says that something else was released than what the pages are made of."""
    content = {**CONTENT, "assets": {"page.css": hex_of(b"p { color: white }")}}
    return evidence(released_log(told(content=content)), content=content)


def saying(shown: str | None, released: str | None) -> Bundle:
    """Pages that say something in their language, and what was released to be said there."""
    said, content = (
        {"sentences": {"zh-Hans-CN": hex_of(words.encode())}} if words is not None else {}
        for words in (shown, released)
    )
    log = released_log(told(content={**CONTENT, **content}), made_of={**MADE_OF, **said})
    return evidence(log, content={**CONTENT, **content})


def afterwards() -> Bundle:
    log = released_log()
    later = log.add("pages:released", OWN, told(2), application=None)
    return evidence(log, later + 1, index=later, number=2)


def beside(number: int, **how: Any) -> Bundle:
    """A release that is not in the log, beside the second release, which is."""
    log = released_log(told(2))
    bundle = evidence(log, number=2, views=(EXCLUSIONS,))
    put_release(bundle, log, None, number=number, views=(ENTER,), **how)
    return bundle


def flooded() -> Bundle:
    bundle = evidence()
    bundle.files |= {f"wrapper/releases/{number}.json": b"{}" for number in range(100, 200)}
    return bundle


def raw(name: str, data: bytes) -> Callable[[], Bundle]:
    def found() -> Bundle:
        bundle = evidence()
        bundle.files[name] = data
        return bundle

    return found


ALTERED = (Code.RELEASE_ALTERED, None)
RELEASE_ATTACKS: Mapping[str, Callable[[], Attack]] = {
    **{
        f"name another {part} of a release": made(named(part, value), ALTERED)
        for part, value in {"author": "Wang Fang", "reviewer": "Wang Fang", "reason": "", "build": "2"}.items()
    },
    "name another reviewer in the entry too": made(changed(rename_in_both), ALTERED),
    "name another reviewer in the entry and its leaf": made(changed(rename_everywhere), (Code.NOT_IN_LOG, None)),
    "have no entry's words": made(changed(lambda file: file.update(body=None)), ALTERED),
    "have no proof": made(changed(lambda file: file["entry"].update(proof=[])), (Code.NOT_IN_LOG, None)),
    "replace what was released": made(
        changed(lambda file: file["content"]["templates"].update({"page.html": hex_of(b"<b>")})), ALTERED
    ),
    "replace what was released and its hash": made(changed(replace_content), ALTERED),
    "show pages of something else than was released": made(
        of_other_content, (Code.RELEASE_ALTERED, ENTER), (Code.RELEASE_ALTERED, EXCLUSIONS)
    ),
    **{
        f"say {shown} where {released} was released": made(
            partial(saying, shown, released), (Code.RELEASE_ALTERED, ENTER), (Code.RELEASE_ALTERED, EXCLUSIONS)
        )
        for shown, released in (("buy", "read"), ("buy", None), (None, "read"))
    },
    "release pages after they were shown": made(
        afterwards, (Code.RELEASE_LATE, ENTER), (Code.RELEASE_LATE, EXCLUSIONS)
    ),
    "name an entry of the sale": made(partial(evidence, index=ENTERED), ALTERED),
    "name an entry of another kind": made(lambda: evidence(released_log(kind="log:stamped")), ALTERED),
    "name an entry that says more": made(lambda: evidence(released_log(told(more=1))), ALTERED),
    "name an entry of another release": made(lambda: evidence(number=2), ALTERED),
    "call a release by another number": made(
        raw("wrapper/releases/2.json", evidence().files["wrapper/releases/1.json"]), ALTERED
    ),
    "show a release that is none": made(raw("wrapper/releases/2.json", b"{}"), ALTERED),
    "show a release under no number": made(raw("wrapper/releases/x", b"{}"), ALTERED),
    "show a release of pages that cannot be": made(changed(lambda file: file.update(views=[-1])), ALTERED),
    "show a release that was never entered beside one that was": made(
        partial(beside, 3), (Code.NOT_IN_LOG, None)
    ),
    "bring more releases than anybody reads": made(flooded, (Code.UNREADABLE, None), *[ALTERED] * 99),
}  # fmt: skip

RELEASE_NO_ATTACKS: Mapping[str, Callable[[], Attack]] = {
    "released pages": made(evidence),
    "released pages and what they say": made(partial(saying, "read", "read")),
    "pages released before releases were entered": made(partial(evidence, index=None)),
    "pages some of which were released before": made(partial(beside, 1)),
    "pages released in a log that got another name": made(lambda: evidence(released_log_elsewhere())),
}


def released_log_elsewhere() -> Log:
    log = Log()
    log.add("pages:released", str(uuid5(NAMESPACE_URL, "market.example/log-0")), told(), application=None)
    return a_sale(log)
