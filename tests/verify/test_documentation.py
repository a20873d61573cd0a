"""`docs/verifying.md` and the page of the check explain every code that a verifier can give, and no other."""

import json
import re
from pathlib import Path

from verify.findings import Code

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "verifying.md").read_text(encoding="utf-8")


def test_each_code_is_explained_once() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (No fault\.)?", TEXT, re.MULTILINE)
    assert [name for name, _note in rows] == [code.value for code in Code]
    assert [name for name, note in rows if not note] == [code.value for code in Code if code.is_fault]


def test_the_page_has_a_sentence_for_each_code() -> None:
    """The verifier in the browser speaks with the sentences that its page brings along."""
    page = (ROOT / "templates" / "components" / "findings.html").read_text(encoding="utf-8")
    rows = re.findall(r"^  '([A-Z_]+)': _\('(No fault:)?", page, re.MULTILINE)
    assert [name for name, _note in rows] == [code.value for code in Code]
    assert [name for name, note in rows if not note] == [code.value for code in Code if code.is_fault]
    scripts = (ROOT / "static" / "js" / "verifier" / "evidence.js").read_text(encoding="utf-8")
    (notes,) = re.findall(r"export const NOTES = new Set\(\[(.+)\]\)", scripts)
    assert set(json.loads(f"[{notes}]")) == {code.value for code in Code if not code.is_fault}
