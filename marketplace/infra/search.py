"""Text search in PostgreSQL: words for scripts that have blanks between them, pairs of characters for Chinese.

PostgreSQL cannot tell words in Chinese, so a run of Chinese characters is kept as every two that follow each other,
made here, and a query asks for the same pairs in the same order: 等待期 is found inside a sentence. Vectors and queries
are handed over as PostgreSQL writes them itself; nothing of a query is ever read as an operator.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

_CHINESE = re.compile(r"[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_RUN = re.compile(
    r"[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
    r"|[^\W_\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
LONGEST_WORD = 64
LAST_PLACE = 16_383  # PostgreSQL counts no further within a vector
MOST_ASKED = 12  # runs of a query
SHORTEST_BEGINNING = 3
"""From so many letters on a word of a query also finds longer ones that begin with it: `wait` finds `waiting`."""

Weighted = Mapping[str, Iterable[str]]
"""Texts by their weight, `A` (counts most) to `D`."""


def vector(texts: Weighted) -> str:
    """The `tsvector` of these texts, as PostgreSQL writes one."""
    terms = ((term, weight) for weight, several in texts.items() for text in several for term in (*_terms(text), ""))
    places: dict[str, list[str]] = {}
    for place, (term, weight) in enumerate(terms, 1):
        if term:  # the place after each text stays free: nothing is one run over its end
            places.setdefault(term, []).append(f"{min(place, LAST_PLACE)}{weight}")
    return " ".join(f"{_quoted(term)}:{','.join(at)}" for term, at in sorted(places.items()))


def query(asked: str) -> str | None:
    """The `tsquery` that finds texts with everything that is asked for; None where nothing can be looked for."""
    parts = [_asked(run) for run in _runs(asked)][:MOST_ASKED]
    return " & ".join(parts) or None


def _asked(run: str) -> str:
    if not _CHINESE.match(run):
        return _quoted(run) + (":*" if len(run) >= SHORTEST_BEGINNING else "")
    if len(run) == 1:
        return _quoted(run) + ":*"
    return "(" + " <-> ".join(_quoted(pair) for pair in _pairs(run)) + ")"


def _terms(text: str) -> Iterator[str]:
    """Words and pairs of a text in their order. The last character of a run also stands alone, so that a query of one
    character, which asks for what begins with it, finds it there too.
    """
    for run in _runs(text):
        if _CHINESE.match(run):
            yield from _pairs(run)
            yield run[-1]
        else:
            yield run


def _runs(text: str) -> Iterator[str]:
    for found in _RUN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        yield found[0] if _CHINESE.match(found[0]) else found[0][:LONGEST_WORD]


def _pairs(run: str) -> Iterator[str]:
    return (run[place : place + 2] for place in range(len(run) - 1))


def _quoted(term: str) -> str:
    """A term holds letters and digits only; quoted it is never an operator."""
    return f"'{term}'"
