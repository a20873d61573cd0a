"""The sentences that people read, and their Simplified Chinese: `make messages` gathers, `test_house` holds.

The catalog is read from its .po at run time, so nothing is compiled. It carries no dates and no line numbers: a change
of the catalog is a change of words.
"""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
LOCALE = "zh_Hans_CN"
CATALOG = ROOT / "marketplace" / "translations" / LOCALE / "LC_MESSAGES" / "messages.po"

SOURCES = {
    "marketplace": [("**.py", "python")],
    "templates": [("**.html", "jinja2"), ("**.txt", "jinja2"), ("**.jinja", "jinja2")],
}
OPTIONS = {"**": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {"_": None, "_l": None, "_n": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
HEADER = b"""\
# Simplified Chinese of every sentence that people read. `make messages` brings it up to date with the sources.
msgid ""
msgstr ""
"Language: zh_Hans_CN\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""


def sentences() -> Catalog:
    """Every sentence of the code and the templates, without words."""
    found = Catalog(locale=LOCALE)
    for folder, methods in SOURCES.items():
        for name, _line, message, _comments, context in extract_from_dir(
            ROOT / folder, methods, OPTIONS, keywords=KEYWORDS
        ):
            found.add(message, locations=[(f"{folder}/{name}", 0)], context=context)
    return found


def catalog() -> Catalog:
    """The catalog as it stands in the repository."""
    with CATALOG.open("rb") as file:
        return read_po(file, locale=LOCALE)


def said(message: Message) -> tuple[str, ...]:
    """The Chinese words of a message; empty while there are none."""
    if not message.string:
        return ()
    words = (message.string,) if isinstance(message.string, str) else tuple(message.string)
    return words if all(words) else ()


def write(words: Catalog) -> None:
    """Keep `words` in the order of the files they come from."""
    body = BytesIO()
    write_po(body, words, width=0, omit_header=True, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
    CATALOG.parent.mkdir(parents=True, exist_ok=True)
    CATALOG.write_bytes(HEADER + body.getvalue().strip() + b"\n")


if __name__ == "__main__":
    kept = catalog() if CATALOG.exists() else Catalog(locale=LOCALE)
    kept.update(sentences(), no_fuzzy_matching=True)
    write(kept)
    missing = [message for message in kept if message.id and not said(message)]
    sys.stdout.write(f"{len(kept)} sentences, {len(missing)} without Chinese words\n")
