"""`docs/verifying.md` explains every code that the verifier can give, and no other."""

import re
from pathlib import Path

from verify.findings import Code

TEXT = (Path(__file__).parents[2] / "docs" / "verifying.md").read_text(encoding="utf-8")


def test_each_code_is_explained_once() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (No fault\.)?", TEXT, re.MULTILINE)
    assert [name for name, _note in rows] == [code.value for code in Code]
    assert [name for name, note in rows if not note] == [code.value for code in Code if code.is_fault]
