"""Names on a list: found by their letters in any order, and not for somebody born in another year."""

from datetime import date
from pathlib import Path

import pytest

from marketplace.infra import watchlist
from marketplace.infra.watchlist import Likeness, Listed, Watchlist

BORN = date(1971, 5, 4)
LIST = Watchlist(
    "tests", date(2026, 11, 1),
    [Listed("1", ("Mo Weiming", "莫未名"), 1971), Listed("2", ("José Ángel Nobody-Smith",)),
     Listed("3", ("无名氏",), 1950)],
)  # fmt: skip


def ids(name: str, born_on: date = BORN) -> list[tuple[str, Likeness]]:
    return [(each.entry.id, each.likeness) for each in LIST.matches(name, born_on)]


@pytest.mark.requirement("O13-44")
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Mo Weiming", [("1", Likeness.EXACT)]),
        ("mo  weiming", [("1", Likeness.EXACT)]),
        ("WEIMING MO", [("1", Likeness.NORMALISED)]),
        ("Mo Wei-Ming", [("1", Likeness.NORMALISED)]),
        ("莫未名", [("1", Likeness.EXACT)]),
        ("莫 未名", [("1", Likeness.NORMALISED)]),
        ("Nobody Smith, Jose Angel", [("2", Likeness.NORMALISED)]),
        ("Mo Wei", []),
        ("Mo Weiming Li", []),
        ("莫未", []),
        ("无名氏", []),
        ("", []),
    ],
)
def test_a_name_is_found_by_its_letters(name: str, found: list[tuple[str, Likeness]]) -> None:
    assert ids(name) == found


def test_whoever_was_born_in_another_year_is_not_meant() -> None:
    assert ids("Mo Weiming", date(1970, 5, 4)) == []
    assert ids("Mo Weiming", date(1971, 12, 31)) != []
    assert ids("José Ángel Nobody-Smith", date(2001, 1, 1)) == [("2", Likeness.EXACT)], "the list has no year"


def test_the_demonstrations_list_is_read() -> None:
    found = watchlist.read(Path(__file__).parents[3] / "sandbox" / "demo" / "names.toml")
    assert "invented" in found.source
    assert [each.entry.id for each in found.matches("Kventin Nobodyev", date(1966, 1, 1))] == ["D-2"]


@pytest.mark.parametrize(
    "text",
    ["", "source = 'x'", "source = 'x'\nas_of = 'soon'", "source = 'x'\nas_of = 2026-11-01\n[[entry]]\nid = '1'",
     "source = 'x'\nas_of = 2026-11-01\n[[entry]]\nid = '1'\nnames = ['--']", "[["],
)  # fmt: skip
def test_half_a_list_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "names.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"names\.toml"):
        watchlist.read(file)
