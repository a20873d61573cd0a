"""Stripe's search: `status:'succeeded' AND metadata['order']:'7'`. https://docs.stripe.com/search.

Clauses are joined by AND or by OR, never both. `:` is equal, `~` contains (three letters at least), `<` `<=` `>` `>=`
compare numbers, `-` before a clause negates it, `field:null` finds what is not set. Here everything is found at once;
Stripe says it takes up to a minute.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from sandbox.stripe_simulator.errors import JsonObject, ParameterError
from sandbox.stripe_simulator.ledger import Ledger
from sandbox.stripe_simulator.parameters import Request, Text

FIELDS = {
    "charge": {"amount", "created", "currency", "customer", "disputed", "refunded", "status"},
    "customer": {"created", "email", "name", "phone"},
    "payment_intent": {"amount", "created", "currency", "customer", "status"},
}
CLAUSE = re.compile(
    r"""\s*(?P<not>-)?(?P<field>[a-z_]+)(?:\[(?P<q>["'])(?P<key>[^"'\[\]]{1,40})(?P=q)\])?"""
    r"""\s*(?P<operator><=|>=|[:~<>])\s*(?:(?P<mark>["'])(?P<text>(?:\\.|(?!(?P=mark)).)*)(?P=mark)|(?P<bare>\S+))\s*"""
)
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda has, asked: has < asked,
    "<=": lambda has, asked: has <= asked,
    ">": lambda has, asked: has > asked,
    ">=": lambda has, asked: has >= asked,
}
SHORTEST_PART = 3


class SearchRequest(Request):
    query: Text
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    page: Text | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """`value` is None for `null`."""

    field: str
    key: str | None
    operator: str
    value: str | None
    negated: bool

    def fits(self, body: JsonObject) -> bool:
        return self._fits(body) is not self.negated

    def _fits(self, body: JsonObject) -> bool:
        has = body[self.field] if self.key is None else body["metadata"].get(self.key)
        if has is None or self.value is None:
            return has is None and self.value is None
        if self.operator == ":":
            return _shown(has).lower() == self.value.lower()
        if self.operator == "~":
            return self.value.lower() in _shown(has).lower()
        return COMPARISONS[self.operator](float(has), float(self.value))


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def answered(ledger: Ledger, kind: str, url: str, asked: SearchRequest) -> JsonObject:
    """One page of what fits, newest first.

    :raises ParameterError: the query or the page token cannot be read.
    """
    clauses, every = parsed_query(asked.query, FIELDS[kind])
    fits = [
        body
        for body in reversed(ledger.records.all(kind, ledger.account))
        if (all if every else any)(clause.fits(body) for clause in clauses)
    ]
    start = _start(asked.page)
    page, more = fits[start : start + asked.limit], len(fits) > start + asked.limit
    following = urlsafe_b64encode(str(start + asked.limit).encode()).decode() if more else None
    return {"object": "search_result", "url": url, "has_more": more, "next_page": following, "data": page}


def _start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(urlsafe_b64decode(token.encode()))
    except ValueError:
        raise ParameterError("This is no page of a search.", param="page") from None


def parsed_query(query: str, fields: set[str]) -> tuple[list[Clause], bool]:
    """The clauses, and whether all of them must fit."""
    clauses, joints, at = [], set(), 0
    while True:
        match = CLAUSE.match(query, at)
        if match is None:
            raise ParameterError(f"We were unable to parse your search query: {query}", param="query")
        clauses.append(_clause(match, fields))
        at = match.end()
        if at == len(query):
            break
        joint = re.compile(r"(AND|OR)\s", re.IGNORECASE).match(query, at)
        if joint is None:
            raise ParameterError(f"We were unable to parse your search query: {query}", param="query")
        joints.add(joint[1].upper())
        at = joint.end()
    if len(joints) > 1:
        raise ParameterError("A search query may use AND or OR, not both.", param="query")
    return clauses, joints != {"OR"}


def _clause(match: re.Match[str], fields: set[str]) -> Clause:
    field, key, operator = match["field"], match["key"], match["operator"]
    if (field not in fields and field != "metadata") or (field == "metadata") != (key is not None):
        raise ParameterError(f"Field `{field}` is an unsupported search field for this resource.", param="query")
    text = re.sub(r"\\(.)", r"\1", match["text"]) if match["mark"] else match["bare"]
    value = None if match["mark"] is None and text == "null" else text
    if operator == "~" and len(value or "") < SHORTEST_PART:
        raise ParameterError(f"A part searched for with ~ has at least {SHORTEST_PART} letters.", param="query")
    if operator in COMPARISONS and (field not in {"amount", "created"} or not re.fullmatch(r"-?\d+", value or "")):
        raise ParameterError(f"`{operator}` compares numbers; {field} {operator} {text} does not.", param="query")
    return Clause(field, key, operator, value, match["not"] is not None)
