"""What every template may use: words, money, days, the locale, the notice, the addresses of static files."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from time import perf_counter
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, g, request, session, url_for
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from marketplace.catalog.values import LINES
from marketplace.infra import formatting, logs
from marketplace.infra.formatting import LOCALES, current_locale, set_locale
from marketplace.kernel.text import LocalizedText
from marketplace.needs.values import CURRENCY
from marketplace.web import access, announced, desks, released, security, underwriting_words, upload_words
from marketplace.web.fields import money_words
from marketplace.web.role_words import role_words

log = logging.getLogger(__name__)

ASSET_VERSION = 12
"""How many digits of a static file's hash stand in its address."""

QUIET = {"static", "health.live", "health.ready"}

# No raw HTML from any text: an insurer's document or our own wording is words, headings, lists and tables.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def say(text: LocalizedText | str | None) -> str:
    """Words of a catalog in the reader's language."""
    return text.in_(current_locale()) if isinstance(text, LocalizedText) else (text or "")


def markdown(text: str, below: int = 0) -> Markup:
    """Our own and insurers' texts as HTML, their headings `below` levels deeper. Nothing in them is live.

    Raw HTML stays text, a link is its words and where it would lead, a picture is its description.
    """
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + below)}"
        token.attrs.pop("style", None)  # of a column's alignment
        token.children = token.children and list(_at_rest(token.children))
    return Markup(_markdown.renderer.render(tokens, _markdown.options, {}))  # noqa: S704  parsed with html=False


def _at_rest(inline: Iterable[Token]) -> Iterator[Token]:
    """The parts of a line of text without links and pictures. An address that is its own words is not said twice."""
    address, words = "", ""
    for token in inline:
        if token.type == "link_open":
            address, words = str(token.attrs["href"]), ""
        elif token.type == "link_close":
            if token.markup != "autolink" and words != address:
                yield Token("text", "", 0, content=f" ({address})")
        else:
            words += token.content
            yield Token("text", "", 0, content=token.content) if token.type == "image" else token


def asset(name: str) -> str:
    """The address of a static file, new when its bytes are new."""
    return url_for("static", filename=name, v=released.assets(str(current_app.static_folder))[name][:ASSET_VERSION])


def last_day(until: datetime) -> str:
    """The last whole day before an instant, where contracts are made."""
    return formatting.format_day((until - timedelta(seconds=1)).astimezone(ZoneInfo(formatting.ZONE)).date())


def described_by(described: str, errors: Sequence[str]) -> dict[str, str]:
    """Attributes that tie a field to its hint and its error."""
    given = {"aria-describedby": described, "aria-invalid": "true" if errors else ""}
    return {name: value for name, value in given.items() if value}


def furnish(app: Flask, *, demonstration: bool, inbox: bool, licence_number: str) -> None:
    """Filters and globals of the templates; the locale and the id of each request."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        formatting.gettext, formatting.plural_form, newstyle=True
    )
    app.jinja_env.policies["ext.i18n.trimmed"] = True  # as the sentences are gathered
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        say=say,
        markdown=markdown,
        money=formatting.format_money,
        amount=formatting.format_amount,
        day=formatting.format_day,
        month=formatting.format_month,
        last_day=last_day,
        instant=formatting.format_instant,
        clock_time=formatting.format_clock_time,
        number=formatting.format_number,
        yuan=lambda units: money_words(units, CURRENCY),
        duration=formatting.format_duration,
        country=formatting.country_name,
        line_name=lambda line: say(LINES[line].name),
        sale_state=desks.state_words,
        reading_words=desks.reading_words,
        role_words=role_words,
        sale_tone=desks.state_tone,
        shift=upload_words.shift_words,
        decision_words=underwriting_words.decision_words,
        outcome_name=underwriting_words.outcome_name,
        outcome_words=underwriting_words.outcome_words,
        reason_words=underwriting_words.reason_words,
    )
    app.jinja_env.globals.update(
        _=formatting.gettext,
        asset=asset,
        csp_nonce=security.csp_nonce,
        described_by=described_by,
        demonstration=demonstration,
        inbox_shown=inbox,
        licence_number=licence_number,
        locales=LOCALES,
        locale_name=formatting.locale_name,
        current_locale=current_locale,
        signed_in=access.signed_in,
        may_enter=access.may_enter,
        announcements=announced.shown,
        second_step_of=access.second_step_of,
        here=lambda: security.own_path(request.full_path) or "",
    )

    @app.after_request
    def keep_assets(response: Response) -> Response:
        """A file asked for by the hash of the bytes it has now is kept for good."""
        name = (request.view_args or {}).get("filename", "")
        known = released.assets(str(current_app.static_folder)).get(name, "") if request.endpoint == "static" else ""
        if known and request.args.get("v") == known[:ASSET_VERSION]:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    @app.before_request
    def begin() -> None:
        g.request_id, g.begun = uuid4().hex[:16], perf_counter()
        logs.bind(request_id=g.request_id, endpoint=request.endpoint, method=request.method)
        set_locale(session.get("locale") or _browser_locale(request.headers.get("Accept-Language", "")))

    @app.after_request
    def note(response: Response) -> Response:
        """One line for each request: the endpoint, never the address, which may hold a token."""
        if request.endpoint not in QUIET:
            milliseconds = round((perf_counter() - g.begun) * 1000)
            log.info("answered", extra={"status": response.status_code, "milliseconds": milliseconds})
        return response


@lru_cache(maxsize=512)
def _browser_locale(accepted: str) -> str:
    best = parse_accept_header(accepted, LanguageAccept).best_match(["en", "zh"], "en")
    return "zh_Hans_CN" if best == "zh" else "en"
