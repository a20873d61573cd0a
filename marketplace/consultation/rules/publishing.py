"""What may not stand in a public answer: anything that leads to a person, links, and praise (O13-16, PIPL article 4).

A person reads each before it is public; these find what eyes pass over.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from marketplace.catalog.values import wording_rules
from marketplace.consultation.values import Fault, Said

_ADDRESS = re.compile(r"[^\s@]@[^\s@]")
_LINK = re.compile(r"(?i:https?:|www\.)|[A-Za-z0-9-]{1,40}\.(?:[a-z]{2,24}|[A-Z]{2,24})(?![A-Za-z])")
"""Any name with an ending of letters; a sentence that begins without a blank has a capital behind its full stop."""
_NUMBER = re.compile(
    r"\d(?:[ \-]?\d){6}|\d{2,4}[.·‐-—]\d{3,4}[.·‐-—]?\d{3,4}|[零〇一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖]{7}"
)
"""Seven digits and more: telephone, identity card, account, policy. Sums are written with separators or in words."""
_ACCOUNT = re.compile(r"(?i)微信(?!支付)|we ?chat(?! ?pay)|(?<![a-z])qq(?![a-z])|telegram|whats ?app")
_REFERENCE = re.compile(r"\b[A-Z]-[34679ACDEFGHJKMNPQRTVWXY]{4}-[34679ACDEFGHJKMNPQRTVWXY]{4}\b")


def faults(said: Mapping[str, Said]) -> dict[str, Fault]:
    """By field (`question` or `answer` and the locale): what may not be public. Nothing at all is one of the first."""
    whole = {locale: each for locale, each in said.items() if each.question or each.answer}
    if not whole:
        return {f"question_{next(iter(said))}": Fault.NOTHING} if said else {"": Fault.NOTHING}
    return dict(_faults(whole))


def _faults(said: Mapping[str, Said]) -> Iterator[tuple[str, Fault]]:
    for locale, each in said.items():
        for name, text in (("question", each.question), ("answer", each.answer)):
            fault = _fault(text)
            if fault is not None:
                yield f"{name}_{locale}", fault


def _fault(text: str) -> Fault | None:
    plain = unicodedata.normalize("NFKC", text)
    checks = (
        (Fault.ADDRESS, _ADDRESS),
        (Fault.LINK, _LINK),
        (Fault.REFERENCE, _REFERENCE),
        (Fault.NUMBER, _NUMBER),
        (Fault.ACCOUNT, _ACCOUNT),
    )
    if not plain:
        return Fault.HALF
    found = next((fault for fault, pattern in checks if pattern.search(plain)), None)
    if found is None and any(rule.found_in(plain) for rule in wording_rules() if not rule.lines and not rule.where):
        return Fault.PRAISE
    return found
