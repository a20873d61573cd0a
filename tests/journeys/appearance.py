"""Which of the recorded pages look different from each other, and what is asked of how one looks."""

from collections.abc import Iterable
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

import html5lib

from tests.journeys.kept import NOWHERE, Seen

# Words that fall out of the window, or out of a box that cuts them off. What scrolls inside itself may be wider.
OUTSIDE = """() => {
  const wide = document.documentElement.scrollWidth;
  const found = wide > innerWidth ? [`page ${wide}`] : [];
  for (const each of document.querySelectorAll('main *, header *, footer *')) {
    const box = each.getBoundingClientRect();
    if (each.closest('.scroll, .skip, .visually-hidden, svg') || !box.width) continue;
    if (box.right > innerWidth + 1 || box.left < -1) found.push(`${each.tagName} ${each.className} ${box.right}`);
    const style = getComputedStyle(each);
    if (style.overflowX === 'hidden' && each.scrollWidth > each.clientWidth + 1) found.push(`cut ${each.tagName}`);
  }
  return found;
}"""
LARGE_TYPE = "() => { document.documentElement.style.fontSize = '200%'; }"
USUAL_TYPE = "() => { document.documentElement.style.fontSize = ''; }"
# What moves, or would when something changes.
MOVING = """() => [...document.querySelectorAll('*')].filter(each => {
  const style = getComputedStyle(each);
  return style.animationName !== 'none' || style.transitionDuration !== '0s' || style.scrollBehavior === 'smooth';
}).map(each => each.tagName)"""

Shape = tuple[str, str, tuple[str, ...]]


def of_another_make(pages: Iterable[Seen]) -> list[Seen]:
    """Each endpoint's page with each status in each language, and every page that shows more: a kind of element in a
    place where none before had it. Two comparisons that differ in their numbers only are looked at once.
    """
    known: set[object] = set()
    kept = []
    for seen in pages:
        status = 0 if seen.endpoint == NOWHERE else seen.status
        makes = {(seen.locale, seen.endpoint, status), *((seen.locale, each) for each in _shapes(seen.body))}
        if not seen.framed and not makes <= known:
            known |= makes
            kept.append(seen)
    return kept


@cache
def _shapes(body: bytes) -> frozenset[tuple[Shape, Shape]]:
    """Every kind of element with the kind it stands in."""
    document = html5lib.parse(body, namespaceHTMLElements=False)
    return frozenset((_shape(parent), _shape(child)) for parent in document.iter() for child in parent)


def _shape(element: Element) -> Shape:
    names: list[Any] = [name for name in element.attrib if isinstance(name, str)]
    return str(element.tag), element.get("class", ""), tuple(sorted(names))
