"""Typst in a process of its own: `python -m marketplace.infra.typesetter <templates> <fonts>`, started by `infra.pdf`.

Typst never gives back the memory of what it has set, some hundred megabytes after a few policies, and a process that
has rendered must not fork. This one sees no secret and no database, and ends by itself when nothing was asked of it for
some time, or when its asker is gone.

A question is a line of JSON: template, inputs, timestamp. The answer is a line of JSON, `{"size": …}` and that many
bytes of PDF, or `{"failure": …}`.
"""

import json
import select
import signal
import sys
from functools import cache
from pathlib import Path
from typing import Any

import typst

IDLE_SECONDS = 20.0


def answer(templates: Path, fonts: str, question: dict[str, Any]) -> bytes:
    """The document, or why there is none."""
    try:
        pdf = _compiler(templates / f"{question['template']}.typ", fonts).compile(
            format="pdf",
            sys_inputs=question["inputs"],
            pdf_standards=["a-3a", "ua-1"],
            timestamp=question["timestamp"],
        )
    except typst.TypstError as failure:
        return json.dumps({"failure": failure.message}).encode() + b"\n"
    if not isinstance(pdf, bytes):
        raise TypeError("Typst gave no PDF")
    return json.dumps({"size": len(pdf)}).encode() + b"\n" + pdf


@cache
def _compiler(template: Path, fonts: str) -> typst.Compiler:
    """Made once: making one each time is slow, and each keeps tens of megabytes."""
    return typst.Compiler(template, root=template.parent, font_paths=_fonts(fonts))


@cache
def _fonts(folder: str) -> typst.Fonts:
    """The one font of all documents; what the machine has installed must not change a page."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def main() -> None:
    """Answer until nothing comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asked, whose end is also this one's
    templates, fonts = Path(sys.argv[1]), sys.argv[2]
    asked, told = sys.stdin.buffer, sys.stdout.buffer
    while select.select([asked], [], [], IDLE_SECONDS)[0]:  # nothing waits in the buffer: the asker waits for us
        line = asked.readline()
        if not line:
            return
        told.write(answer(templates, fonts, json.loads(line)))
        told.flush()


if __name__ == "__main__":
    main()
