"""What the demonstration finds in a document: numbers of GB 11643, lines of ICAO Doc 9303, names and days."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from marketplace.infra.identity.demonstration import DemonstrationVerifier, check_digit, specimen_number
from marketplace.kernel.identity import (
    Claim,
    DocumentKind,
    Flaw,
    IdentityDocument,
    is_name_in_document,
    is_same_name,
    tidy_number,
)

TODAY = date(2026, 11, 29)
LI_NA = Claim("Li Na", date(1992, 3, 5), "female")
CARD = IdentityDocument(DocumentKind.RESIDENT_CARD, "Li Na", specimen_number(LI_NA.birth_on))
ANNA = Claim("Anna Maria Eriksson", date(1974, 8, 12), "female")
LINE = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"  # the specimen of ICAO Doc 9303 part 4, appendix B
THEN = date(2012, 4, 15)  # the last day on which it is valid
PASSPORT = IdentityDocument(DocumentKind.PASSPORT, "ERIKSSON Anna Maria", "L898902C3", THEN)


def flaw(claim: Claim, document: IdentityDocument, today: date = TODAY) -> Flaw | None:
    return DemonstrationVerifier().verify(claim, document, today, "1").flaw


def checked(known: str) -> str:
    """Seventeen digits with their check character, worked out as ISO 7064 (MOD 11-2) writes it down."""
    carried = 0
    for each in known:
        carried = (carried + int(each)) * 2 % 11
    return known + "10X98765432"[carried]


@pytest.mark.requirement("T26-27")
def test_a_card_that_fits_proves_whose_it_is() -> None:
    verdict = DemonstrationVerifier().verify(LI_NA, CARD, TODAY, "1")
    assert (verdict.reference, verdict.flaw) == ("demo-1", None)
    assert flaw(replace(LI_NA, sex=None), CARD) is None
    assert flaw(LI_NA, replace(CARD, valid_until=TODAY)) is None


@pytest.mark.requirement("T26-27")
@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"number": CARD.number[:-1]}, Flaw.NUMBER_MALFORMED),
        ({"number": "11010119920305998a"}, Flaw.NUMBER_MALFORMED),
        ({"number": "L898902C3"}, Flaw.NUMBER_MALFORMED),
        ({"number": checked("11010119920230998")}, Flaw.NUMBER_MALFORMED),  # there is no 30 February
        ({"number": f"{CARD.number[:-1]}{(int(CARD.number[-1]) + 1) % 10}"}, Flaw.CHECK_DIGIT),
        ({"number": f"{CARD.number[:16]}6{CARD.number[17]}"}, Flaw.CHECK_DIGIT),
        ({"number": f"101101{CARD.number[6:]}"}, Flaw.CHECK_DIGIT),
        ({"number": checked("00000019920305998")}, Flaw.REGION_UNKNOWN),
        ({"number": checked("71010119920305998")}, Flaw.REGION_UNKNOWN),  # a province of which it knows none
        ({"number": specimen_number(date(1992, 3, 6))}, Flaw.BIRTH_DIFFERS),
        ({"number": specimen_number(LI_NA.birth_on, "male")}, Flaw.SEX_DIFFERS),
        ({"name": "Li Nana"}, Flaw.NAME_DIFFERS),
        ({"valid_until": date(2026, 11, 28)}, Flaw.EXPIRED),
    ],
)
def test_what_does_not_fit_on_a_card_is_named(change: dict[str, Any], found: Flaw) -> None:
    assert flaw(LI_NA, replace(CARD, **change)) is found


def test_the_check_character_is_that_of_the_standard() -> None:
    assert checked(CARD.number[:17]) == CARD.number
    assert flaw(Claim("Zhou", date(1949, 12, 31)), replace(CARD, name="Zhou", number="11010519491231002X")) is None
    assert flaw(Claim("Zhou", date(1949, 12, 31)), replace(CARD, name="Zhou", number="110105 19491231 002x")) is None


def test_cards_of_residents_from_hong_kong_macao_and_taiwan_have_places_of_their_own() -> None:
    for place in ("810000", "820000", "830000"):
        assert flaw(LI_NA, replace(CARD, number=checked(f"{place}19920305998"))) is None


@pytest.mark.requirement("T26-27")
def test_nobody_under_age_proves_anything() -> None:
    born_on = date(2008, 11, 30)
    young = Claim("Li Na", born_on, "female")
    assert flaw(young, replace(CARD, number=specimen_number(born_on))) is Flaw.NOT_ADULT
    assert flaw(young, replace(CARD, number=specimen_number(born_on)), date(2026, 11, 30)) is None


def test_check_digits_are_those_of_icao() -> None:
    assert check_digit("L898902C3") == "6"
    assert check_digit("740812") == "2"
    assert check_digit("ZE184226B<<<<<") == "1"


@pytest.mark.requirement("T26-27")
@pytest.mark.parametrize("number", [LINE, LINE.lower(), f"{LINE[:20]} {LINE[20:]}"])
def test_the_lower_line_of_a_passport_says_until_when_it_is_valid(number: str) -> None:
    shown = replace(PASSPORT, name="Anna Maria Eriksson", number=number, valid_until=None)
    assert flaw(ANNA, shown, THEN) is None
    assert flaw(ANNA, shown, date(2012, 4, 16)) is Flaw.EXPIRED
    assert flaw(ANNA, replace(shown, valid_until=THEN), THEN) is None
    assert flaw(ANNA, replace(shown, valid_until=date(2013, 4, 15)), THEN) is Flaw.VALIDITY_DIFFERS


@pytest.mark.requirement("T26-27")
@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"number": LINE[:-1]}, Flaw.NUMBER_MALFORMED),
        ({"number": CARD.number}, Flaw.NUMBER_MALFORMED),
        ({"number": LINE.replace("UTO", "U1O")}, Flaw.NUMBER_MALFORMED),
        ({"number": f"{LINE[:-1]}1"}, Flaw.CHECK_DIGIT),
        ({"number": f"M{LINE[1:]}"}, Flaw.CHECK_DIGIT),
        ({"number": LINE.replace("7408122", "7508122")}, Flaw.CHECK_DIGIT),
        ({"number": LINE.replace("1204159", "2204159")}, Flaw.CHECK_DIGIT),
        ({"number": "L898902C3"}, Flaw.VALIDITY_MISSING),
        ({"number": "L898902C3", "valid_until": date(2012, 4, 14)}, Flaw.EXPIRED),
        ({"name": "Anna Eriksson"}, Flaw.NAME_DIFFERS),
    ],
)
def test_what_does_not_fit_in_a_passport_is_named(change: dict[str, Any], found: Flaw) -> None:
    shown = IdentityDocument(DocumentKind.PASSPORT, ANNA.name, LINE)
    assert flaw(ANNA, replace(shown, **change), THEN) is found


def test_whose_a_passport_is_stands_in_its_line() -> None:
    shown = IdentityDocument(DocumentKind.PASSPORT, ANNA.name, LINE)
    assert flaw(replace(ANNA, birth_on=date(1974, 8, 13)), shown, THEN) is Flaw.BIRTH_DIFFERS
    assert flaw(replace(ANNA, sex="male"), shown, THEN) is Flaw.SEX_DIFFERS


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Li Na", "LI  NA ", True),
        ("José", "Jose\u0301", True),
        ("阿依古丽·买买提", "阿依古丽•买买提", True),
        ("林月", "林悦", False),
        ("Li Na", "Na Li", False),
        ("Li Na", "LiNa", False),
    ],
)
def test_names_are_one_however_they_are_typed(one: str, other: str, *, same: bool) -> None:
    assert is_same_name(one, other) is same


def test_a_document_is_recognised_by_its_last_characters() -> None:
    assert tidy_number(" 1101-01 ｘ") == "110101X"
    assert replace(CARD, number="110105 19491231 002x").last_digits == "002X"


def test_specimens_are_nobodys() -> None:
    """Orders 996 to 999 are for people of a hundred years and more (GB 11643)."""
    assert {specimen_number(date(1960, 1, 1), sex)[14:17] for sex in ("female", "male")} == {"998", "999"}
    assert DemonstrationVerifier().specimen(LI_NA) == CARD.number


@pytest.mark.requirement("T26-27")
@pytest.mark.parametrize(
    ("told", "first", "last"),
    [
        ("Li Na", "NA", "LI"),
        ("Na Li", "NA", "LI"),
        ("李娜", "娜", "李"),
        ("欧阳 明", "明", "欧阳"),
        ("José Álvarez", "JOSE", "ALVAREZ"),
        ("Anne-Marie O'Neill", "ANNE MARIE", "ONEILL"),
        ("Zhang Xiaoming", "XIAO MING", "ZHANG"),
        ("阿依努尔·买买提", "阿依努尔", "买买提"),
    ],
)
def test_a_name_in_a_document_is_read_by_its_letters_in_either_order(told: str, first: str, last: str) -> None:
    assert is_name_in_document(told, first, last)


@pytest.mark.requirement("T26-27")
@pytest.mark.parametrize(
    ("told", "first", "last"),
    [("Li Nana", "NA", "LI"), ("Li Na", "ANNA NA", "LI"), ("李娜", "NA", "LI"), ("Li", "", ""), ("", "", "")],
)
def test_another_name_or_a_part_of_one_is_not_it(told: str, first: str, last: str) -> None:
    assert not is_name_in_document(told, first, last)
