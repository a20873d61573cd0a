"""Texts of insurers, and our own, as pages show them: words, headings, lists and tables; nothing that is live."""

import re

import pytest

from marketplace.web.pages import markdown

EVIL = "https://evil.example/x"


@pytest.mark.asvs("1.3.1", "1.3.5")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Ask [us]({EVIL}).", f"<p>Ask us ({EVIL}).</p>"),
        (f'Ask [us]({EVIL} "a title").', f"<p>Ask us ({EVIL}).</p>"),
        (f"Ask [us][1].\n\n[1]: {EVIL}", f"<p>Ask us ({EVIL}).</p>"),
        (f"<{EVIL}>", f"<p>{EVIL}</p>"),
        (f"[{EVIL}]({EVIL})", f"<p>{EVIL}</p>"),
        ("<desk@harbour.example>", "<p>desk@harbour.example</p>"),
        ("[our bank](https://bаnk.example)", "<p>our bank (https://xn--bnk-6cd.example)</p>"),
        ("[**in** bold](/sign-out)", "<p><strong>in</strong> bold (/sign-out)</p>"),
        (f"![a river]({EVIL}.png)", "<p>a river</p>"),
        (f"[![a river]({EVIL}.png)]({EVIL})", f"<p>a river ({EVIL})</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        (
            "![x](data:image/svg+xml,<svg/onload=alert(1)>)",
            "<p>![x](data:image/svg+xml,&lt;svg/onload=alert(1)&gt;)</p>",
        ),
        (f"<a href='{EVIL}'>on</a>", f"<p>&lt;a href='{EVIL}'&gt;on&lt;/a&gt;</p>"),
        ("<style>p { display: none }</style>", "<p>&lt;style&gt;p { display: none }&lt;/style&gt;</p>"),
        ("[a & b](https://x.example/?a=1&b=2)", "<p>a &amp; b (https://x.example/?a=1&amp;b=2)</p>"),
    ],
)
def test_nothing_in_a_text_is_live(text: str, shown: str) -> None:
    assert markdown(text).strip() == shown


@pytest.mark.asvs("1.3.5", "3.2.3")
def test_what_remains_are_tags_of_text_without_attributes() -> None:
    text = (
        f"# One {{#id}}\n\n[a]({EVIL}) ![b]({EVIL}) <{EVIL}> `c` *d*\n\n> e\n\n- f\n\n3. g\n\n"
        "| h | i |\n|:--|--:|\n| j | k |\n\n```js\nl\n```\n\n---\n"
    )
    tags = dict(re.findall(r"<([a-z]+[0-9]?)([^>]*)>", markdown(text, 1)))
    assert {tag: given for tag, given in tags.items() if given.strip(" /")} == {
        "ol": ' start="3"', "code": ' class="language-js"',
    }  # fmt: skip
    assert set(tags) == {
        "h2", "p", "code", "em", "blockquote", "ul", "li", "ol", "pre", "hr",
        "table", "thead", "tr", "th", "tbody", "td",
    }  # fmt: skip


def test_headings_stand_below_those_of_the_page() -> None:
    assert markdown("# One\n\n###### Six", 1) == "<h2>One</h2>\n<h6>Six</h6>\n"
