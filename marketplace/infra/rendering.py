"""Words of mails: Jinja templates under `templates/mail`, rendered without a web request.

Undefined names are errors. HTML escapes every value; plain text does not. The locale is the one of the context
(`formatting.use_locale`).
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from marketplace.infra import formatting
from marketplace.infra.letterhead import letterhead
from marketplace.kernel.money import Money

TEMPLATES = Path(__file__).parents[2] / "templates" / "mail"


def render(template: str, context: Mapping[str, Any], *, html: bool) -> str:
    """The words of `template` (a path under `templates/mail`) in the present locale."""
    language = formatting.current_locale().replace("_", "-")
    everything = {**asdict(letterhead()), "language": language, **context}
    return _environment(html=html).get_template(template).render(everything)


@cache
def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,  # noqa: S701  plain text has nothing to escape
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=not html,
        keep_trailing_newline=False,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        _gettext, formatting.plural_form, newstyle=True
    )
    environment.filters |= {"money": _money, "day": _day, "instant": _instant, "zone_name": formatting.zone_name}
    return environment


def _gettext(message: str) -> str:
    """The translated message; Jinja itself puts the values in, escaped where the template is HTML."""
    return formatting.translations(formatting.current_locale()).gettext(message)


def _money(amount: Mapping[str, Any]) -> str:
    """`{"minor": 128400, "currency": "CNY"}` as a person writes it."""
    return formatting.format_money(Money(amount["minor"], amount["currency"]))


def _instant(iso: str, zone: str) -> str:
    return formatting.format_instant(datetime.fromisoformat(iso), zone)


def _day(iso: str) -> str:
    return formatting.format_day(date.fromisoformat(iso))
