"""A small shop with one planted hole of each kind: the control that shows each attack can succeed."""

import csv
import io
import sqlite3
import xml.sax
import zipfile
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from xml.sax.handler import ContentHandler, feature_external_ges

from flask import Flask, Response, redirect, request

SECRET = "what nobody else may read"


def leaky_shop(folder: Path) -> Flask:
    """The shop; `folder` holds `public/` and, beside it, a secret file."""
    app = Flask("leaky")
    app.secret_key = "leaky"
    (folder / "public").mkdir()
    (folder / "public" / "leaflet.txt").write_text("a leaflet")
    (folder / "secret.txt").write_text(SECRET)
    rows = sqlite3.connect(":memory:", check_same_thread=False)
    rows.executescript("CREATE TABLE product (name TEXT); INSERT INTO product VALUES ('travel'), ('household')")
    state: dict[str, Any] = {"said": "", "role": "customer", "price": 100, "signed_in": set(), "mail": "", "sent": 0}
    _reading(app, folder, rows, state)
    _writing(app, state)
    _taking(app, state)
    return app


def _reading(app: Flask, folder: Path, rows: sqlite3.Connection, state: dict[str, Any]) -> None:
    @app.get("/search")
    def search() -> str:
        found = rows.execute(f"SELECT name FROM product WHERE name LIKE '%{request.args['q']}%'")
        return " ".join(row[0] for row in found)

    @app.get("/comments")
    def comments() -> str:
        return f"<p>{state['said']}</p>"

    @app.get("/orders/1")
    def order() -> str:
        return SECRET

    @app.get("/account")
    def account() -> tuple[str, int]:
        return (SECRET, 200) if request.cookies.get("session_id") in state["signed_in"] else ("", 403)

    @app.get("/leaflets/<path:name>")
    def leaflet(name: str) -> tuple[str, int]:
        file = Path(f"{folder}/public/{name}")
        return (file.read_text(), 200) if file.is_file() else ("", 404)

    @app.get("/comments.csv")
    def export() -> Response:
        text = io.StringIO()
        csv.writer(text).writerow([state["said"]])
        return Response(text.getvalue(), mimetype="text/csv")


def _writing(app: Flask, state: dict[str, Any]) -> None:
    @app.post("/comments")
    def say() -> str:
        state["said"] = request.form["said"]
        return "said"

    @app.post("/profile")
    def profile() -> str:
        state.update(request.form.to_dict())
        return str(state["role"])

    @app.post("/pay")
    def pay() -> str:
        return request.form.get("price", str(state["price"]))

    @app.post("/sign-in")
    def sign_in() -> Response:
        answer = redirect(request.args.get("next", "/account"))
        session_id = request.cookies.get("session_id", "first")
        state["signed_in"].add(session_id)
        answer.set_cookie("session_id", session_id)
        return answer  # type: ignore[return-value]  # Werkzeug's is Flask's here

    @app.get("/")
    def home() -> Response:
        answer = Response("home")
        answer.set_cookie("session_id", request.cookies.get("session_id", "first"))
        return answer

    @app.post("/reset")
    def reset() -> str:
        state["mail"] = f"https://{request.host}/reset/token"
        return str(state["mail"])


def _taking(app: Flask, state: dict[str, Any]) -> None:
    @app.post("/archive")
    def archive() -> str:
        with zipfile.ZipFile(io.BytesIO(request.get_data())) as opened:
            return str(sum(len(opened.read(entry)) for entry in opened.infolist()))

    @app.post("/xml")
    def read_xml() -> str:
        text: list[str] = []
        handler = ContentHandler()
        handler.characters = text.append  # type: ignore[method-assign]  # the shortest way to collect
        parser = xml.sax.make_parser()  # noqa: S317  planted
        parser.setFeature(feature_external_ges, True)
        parser.setContentHandler(handler)
        parser.parse(io.BytesIO(request.get_data()))
        return "".join(text)

    @app.post("/fetch")
    def fetch() -> str:
        state["sent"] += 1
        with urlopen(request.form["url"], timeout=5) as answer:  # noqa: S310
            return str(answer.status)
