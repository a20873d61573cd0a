"""What is handed to PostgreSQL to be searched: its own words, never an operator of somebody's query."""

import pytest

from marketplace.infra import search


def test_a_sentence_in_chinese_is_kept_in_pairs() -> None:
    assert search.vector({"A": ["等待期多长？"]}) == "'多长':4A '待期':2A '期多':3A '等待':1A '长':5A"


def test_words_are_kept_small_and_in_their_order() -> None:
    assert search.vector({"A": ["Waiting period"], "B": ["90 DAYS"]}) == "'90':4B 'days':5B 'period':2A 'waiting':1A"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("等待期", "('等待' <-> '待期')"),
        ("癌", "'癌':*"),
        ("Wait", "'wait':*"),
        ("90 days", "'90' & 'days':*"),
        ("等待期 ninety", "('等待' <-> '待期') & 'ninety':*"),
        ("ＡＩＤＳ", "'aids':*"),
        ("a'b | !c & (d) <-> \\:* \x00", "'a' & 'b' & 'c' & 'd'"),
    ],
)
def test_a_query_holds_nothing_but_what_is_looked_for(asked: str, expected: str) -> None:
    assert search.query(asked) == expected


@pytest.mark.parametrize("asked", ["", "  ", "?!", "_", "' & |"])
def test_nothing_is_looked_for_where_there_is_nothing(asked: str) -> None:
    assert search.query(asked) is None


def test_a_query_without_end_is_cut() -> None:
    asked = search.query("word " * 1000)
    assert asked is not None
    assert asked.count("&") == search.MOST_ASKED - 1
