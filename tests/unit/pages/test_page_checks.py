"""The checks of each page can fail: a page in order passes, and each fault planted in it is found."""

import pytest

from tests.web import page_checks
from tests.web.page_checks import STATIC, page_faults

NONCE = "n0nce"
GOOD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<title>Sign in · Evenfold</title><link rel="stylesheet" href="/static/css/evenfold.css?v=1">
<script type="module" nonce="n0nce" src="/x.js"></script></head>
<body><aside class="notice-bar" aria-label="Notice">SPECIMEN</aside><a href="#main">Skip</a>
<main id="main"><h1>Sign in</h1>
<div class="summary-of-errors" role="alert" tabindex="-1"><h2>Look again</h2>
<a href="#mail">Mail: please answer</a></div>
<form><label for="mail">Mail</label><span class="error" id="mail-error">Please answer</span>
<input id="mail" name="mail" type="email" autocomplete="email" aria-invalid="true" aria-describedby="mail-error">
<label for="agree">Agree</label><input id="agree" type="checkbox" name="agree">
<fieldset><legend>Smoker?</legend><label for="yes">Yes</label><input id="yes" type="radio" name="smoker"></fieldset>
<button>Go on</button></form>
<h2>Sales</h2><table><tr><th scope="col">Sale</th></tr><tr><td><svg aria-hidden="true"></svg>One</td></tr></table>
<iframe title="The mail" src="/mail"></iframe><img alt="" src="/picture.png"></main></body></html>"""


def test_a_page_in_order_has_no_faults() -> None:
    assert list(page_faults(GOOD, NONCE)) == []


@pytest.mark.asvs("3.2.3")
@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        ("<h1>Sign in</h1>", "<h1>Sign in</p></h1>", "invalid HTML"),
        ('id="agree" type', 'id="mail" type', "ids used twice: ['mail']"),
        ("Go on", "Pay %(amount)s", "a placeholder was not filled in"),
        ("<h1>Sign in</h1>", "<h2>Sign in</h2>", "not exactly one h1"),
        ("<h1>Sign in</h1>", "<h1>Sign in</h1><h1>Sign in</h1>", "not exactly one h1"),
        ("<title>Sign in", "<title>", "no title"),
        ("<title>Sign in", "<title>Page 3", "the title says 'Page 3', the page 'Sign in'"),
        ("<h2>Sales</h2>", "<h4>Sales</h4>", "h4 after h2"),
        ('<main id="main">', '<div id="main">', "not exactly one main part"),
        ('lang="en"', 'lang="fr"', "no language"),
        ('<label for="mail">Mail</label>', "Mail", "no label for mail"),
        ('<label for="mail">Mail</label>', '<label for="mail"></label>', "no label for mail"),
        ('name="agree"', 'name="agree" checked', "ticked from the start: agree"),
        ("<legend>Smoker?</legend>", "", "no question above yes"),
        ("Go on", "", "nothing to read on button"),
        ("Skip", "", "nothing to read on a"),
        ('<img alt=""', "<img", "img without alt"),
        ('title="The mail"', "", "iframe without title"),
        ('<svg aria-hidden="true">', "<svg>", "a drawing that is neither hidden nor a picture"),
        ('<svg aria-hidden="true">', '<svg role="img">', "a picture without words"),
        ('aria-describedby="mail-error"', 'aria-describedby="mail-error hint"', "aria-describedby leads nowhere: hint"),
        ('href="#main"', 'href="#content"', "a link leads nowhere: #content"),
        ("<button>", '<button tabindex="2">', "an order of its own for the keyboard"),
        ('class="summary-of-errors"', "", "errors without a summary"),
        ('aria-describedby="mail-error"', "", "an error tied to nothing: Please answer"),
        ('tabindex="-1"', "", "a summary that cannot take the focus"),
        ('href="#mail"', 'href="#mail-error"', "the summary leads to no control: mail-error"),
        ('autocomplete="email"', 'autocomplete="mail"', "unknown autocomplete mail"),
        ('autocomplete="email"', "", "no autocomplete for mail"),
        ('<th scope="col">Sale</th>', "<td>Sale</td>", "a table without headers"),
        ('scope="col"', "", "a header of nothing: Sale"),
        ('nonce="n0nce"', "", "a script without the nonce of this page"),
        ('nonce="n0nce"', 'nonce="other"', "a script without the nonce of this page"),
        ("<h1>", '<h1 style="color: red">', "a style inside the page"),
        ("</main>", "<style>h1 { color: red }</style></main>", "a style inside the page"),
        ("<button>", '<button onclick="go()">', "script in attributes: {'onclick'}"),
        ('name="agree"', 'name="dataset"', "a script would find this instead of its own: dataset"),
        ('<aside class="notice-bar"', "<aside", "no notice that this is a demonstration"),
        ("Go on", "Go on" * 20_000, "bytes when loaded for the first time"),
    ],
)
def test_each_fault_is_found(good: str, bad: str, fault: str) -> None:
    assert good in GOOD
    found = list(page_faults(GOOD.replace(good, bad, 1), NONCE))
    assert any(fault in each for each in found), found


def test_what_a_page_loads_is_weighed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = len(GOOD.encode()) + (STATIC / "css/evenfold.css").stat().st_size
    monkeypatch.setattr(page_checks, "LIGHT", loaded)
    assert list(page_faults(GOOD, NONCE)) == []
    monkeypatch.setattr(page_checks, "LIGHT", loaded - 1)
    assert list(page_faults(GOOD, NONCE)) == [f"{loaded} bytes when loaded for the first time"]


def test_the_stylesheet_is_small() -> None:
    """That of the player of recordings is loaded by nothing else."""
    sheets = {sheet.name: sheet.stat().st_size for sheet in STATIC.glob("css/*.css")}
    assert sheets.keys() == {"evenfold.css", "player.css"}
    assert max(sheets.values()) <= 20_000
