"""The floor of a page: a bare Flask application whose Jinja templates are the finished pages, behind the same server.

It asks no database, keeps no evidence, knows no session, sets no header, escapes nothing: less cannot be done in Flask.
`PAGES` names a folder with one file for each page.
"""

import os

from flask import Flask, render_template
from jinja2 import FileSystemLoader

app = Flask(__name__)
app.jinja_loader = FileSystemLoader(os.environ.get("PAGES", "."))  # type: ignore[assignment]  # Flask's own way to set it


@app.get("/<name>")
def page(name: str) -> str:
    return render_template(f"{name}.html")
