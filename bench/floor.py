"""The floor of a page: a bare Flask application that sends the same bytes, behind the same server.

Two of them. `/page/<name>` is a Jinja page as anybody writes one: its words come from data in memory, each put into its
place and escaped. `/finished/<name>` sends the page as one piece of text: less cannot be done in Flask. Neither asks a
database, keeps evidence, knows a session or sets a header. `PAGES` names a folder with one file for each page.
"""

import os
import re
from html import unescape
from pathlib import Path

from flask import Flask, render_template
from jinja2 import FunctionLoader
from markupsafe import escape

PAGES = Path(os.environ.get("PAGES", "."))
_WORDS = re.compile(r"(?<=>)([^<>{}]*[^<>{}\s][^<>{}]*)(?=<)")

app = Flask(__name__)
app.jinja_options = {"keep_trailing_newline": True}
data: dict[str, list[str]] = {}


def _source(name: str) -> str:
    """The template of a page; its words go to `data`. What escaping would write otherwise stays in the template."""
    kind, page = name.removesuffix(".html").split("/")
    text = (PAGES / page).read_text()
    if kind == "finished":
        return f"{{% raw %}}{text}{{% endraw %}}"
    words = data[page] = []

    def place(match: re.Match[str]) -> str:
        if str(escape(unescape(match[0]))) != match[0]:
            return match[0]
        words.append(unescape(match[0]))
        return f"{{{{ words[{len(words) - 1}] }}}}"

    return _WORDS.sub(place, text)


app.jinja_loader = FunctionLoader(_source)


@app.get("/page/<name>")
def page(name: str) -> str:
    if name not in data:
        app.jinja_env.get_template(f"page/{name}.html")
    return render_template(f"page/{name}.html", words=data[name])


@app.get("/finished/<name>")
def finished(name: str) -> str:
    return render_template(f"finished/{name}.html")
