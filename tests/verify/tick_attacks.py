"""Boxes that were ticked in advance, and boxes that rightly were."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tests.verify.attacked import Attack
from tests.verify.evidence import MADE_OF, SECOND, Bundle, Log, a_sale, bundle_of
from verify.findings import Code

SHOWN = 11
"""The entry of the first page after those of `a_sale`."""
TICKED = '<form method="post"><input type="checkbox" name="confirm" value="yes" checked></form>'
CHOSEN = '<input type="radio" name="a_smoker" value="no" checked><input type="radio" name="a_smoker" value="yes">'


def version_of(log: Log, page: str) -> str:
    return log.version({"page": page, "locale": "en", "documents": [], **MADE_OF})


def shown(
    page: str = TICKED,
    *before: tuple[str, Mapping[str, Any]],
    kind: str = "page:shown",
    on: str = "sale.confirm",
    status: int = 200,
    document: str | None = None,
    application: str | None = None,
    role: str = "customer",
) -> Bundle:
    """The sale, then acts on a page of its own, of that application and by that role, and then a page."""
    log = a_sale()
    of = {} if application is None else {"application": application}
    for act, body in before:
        index = log.add(act, body=body, version=version_of(log, on), **of)
        log.entries[index].envelope["actor"]["role"] = role
        log.rechain()
    body = {"status": status} | ({} if document is None else {"document_id": document})
    log.add(kind, body=body, page=page.encode(), version=version_of(log, "sale.confirm"))
    log.rechain()
    return bundle_of(log, size=log.size)


def made(bundle: Callable[[], Bundle], *faults: tuple[Code, int | None]) -> Callable[[], Attack]:
    return lambda: Attack(bundle().zipped(), faults)


def found(at: int = SHOWN) -> tuple[Code, int | None]:
    return Code.DEFAULT_TICK, at


def replaced() -> Bundle:
    bundle = shown("<p>nothing to tick</p>")
    bundle.files[f"core/pages/{SHOWN}.html"] = TICKED.encode()
    return bundle


WRITTEN = {
    "in capitals": "<INPUT TYPE=CHECKBOX NAME=confirm CHECKED>",
    "with a value": "<input type=checkbox name=confirm checked='false'>",
    "without blanks": '<input/type="checkbox"/checked/name="confirm"/>',
    "over lines": '<input\n\ttype="checkbox"\r\n name = "confirm"\f checked\n>',
    "behind what looks like the end": '<input type="checkbox" title="a > b" name="confirm" checked>',
    "behind a name that is there twice": '<input name="x" name="confirm" type="checkbox" checked="">',
    "behind a quotation mark": """<input type=checkbox title='"' checked name="confirm">""",
    "without an end": '<input type="checkbox" name="confirm" checked',
    "in a tag that is not well formed": '<input type="checkbox" name=con<firm>',
    "behind an equals sign": '<input ="" type="checkbox" name="confirm">',
    "in a comment": '<!-- <input type="checkbox" name="confirm" checked> -->',
    "behind a comment that hides it": "<!-- <input title=' --><input type=checkbox checked name=c> <!-- ' -->",
}
NOT_TICKED = {
    "in a word": "<p>Every box is checked by hand: <b>checked</b></p><input type=checkbox name=confirm>",
    "in a value": '<input type="checkbox" name="confirm" value="checked" data-checked="checked" id=checked>',
    "in the name of another tag": "<inputs checked><x-input checked>",
}
CONFIRMED, ANSWERED = ("exclusions:confirmed", {"exclusions": 4}), ("answer:given", {"question": "a.smoker"})
READ = ("document:confirmed", {"document_id": "d-1"})

TICK_ATTACKS: Mapping[str, Callable[[], Attack]] = {
    **{f"tick a box in advance, {how}": made(partial(shown, page), found()) for how, page in WRITTEN.items()},
    "choose an answer in advance": made(partial(shown, CHOSEN), found()),
    "tick a box in advance in another application": made(
        partial(shown, TICKED, CONFIRMED, application=SECOND), found(12)
    ),
    "tick a box that somebody else has ticked": made(partial(shown, TICKED, CONFIRMED, role="admin"), found(12)),
    "tick a box of a page that was left alone": made(partial(shown, TICKED, ("page:left", {})), found(12)),
    "tick a box of another document": made(
        partial(shown, TICKED, READ, on="sale.document", document="d-2"), found(12)
    ),
    "tick a box of another page": made(partial(shown, TICKED, CONFIRMED, on="sale.exclusions"), found(12)),
    "choose the answer to another question": made(
        partial(shown, CHOSEN, ("answer:given", {"question": "heart"}), on="sale.questions"), found(12)
    ),
    "tick a box where a page begins": made(partial(shown, TICKED, kind="entry:shown"), found()),
    "tick a box in a page that was replaced": made(replaced, (Code.PAGE_ALTERED, SHOWN)),
}  # fmt: skip

TICK_NO_ATTACKS: Mapping[str, Callable[[], Attack]] = {
    **{f"a box that is not ticked, {how}": made(partial(shown, page)) for how, page in NOT_TICKED.items()},
    "a box in a page with errors": made(partial(shown, status=422)),
    "a box in a page that had changed": made(partial(shown, status=409)),
    "a box in a comparison": made(partial(shown, kind="comparison:shown")),
    "a box that was ticked before": made(partial(shown, TICKED, CONFIRMED)),
    "a box of a document that was confirmed": made(
        partial(shown, TICKED, READ, on="sale.document", document="d-1")
    ),
    "an answer that was given before": made(partial(shown, CHOSEN, ANSWERED, on="sale.questions")),
    "a field that was entered before": made(
        partial(shown, CHOSEN, ("field:entered", {"field": "a_smoker"}), on="sale.questions")
    ),
}  # fmt: skip
