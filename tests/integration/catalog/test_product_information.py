"""The insurance product information document: nine headings in order, a symbol before each item, two sides, and no
publication without it where the law asks for one.
"""

import json
import re
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from marketplace.catalog import queries as catalog
from marketplace.catalog.values import (
    Cover,
    DemandsUnmet,
    Document,
    DocumentKind,
    DocumentRef,
    Exclusion,
    LimitationKind,
    ProductContent,
    Profile,
)
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.text import LocalizedText
from tests.factories.accounts import an_insurer
from tests.factories.quoting import DOCUMENTS, INFORMATION, a_content, publish, words

# As the regulation words them (2017/1469, article 4(4) and 6(1)).
HEADINGS = [
    "What is this type of insurance?",
    "What is insured?",
    "What is not insured?",
    "Are there any restrictions on cover?",
    "Where am I covered?",
    "What are my obligations?",
    "When and how do I pay?",
    "When does the cover start and end?",
    "How do I cancel the contract?",
]
GREEN, RED, ORANGE, BLUE = "#2f7d32", "#c0271d", "#e07b00", "#1f5fae"
COVERS = (
    Cover("medical", words("Medical costs"), words("Treatment abroad."), words("1,000,000"), deductible=words("100")),
    Cover("baggage", words("Baggage"), words("What is lost."), words("10,000"), waiting_days=3),
    Cover("sports", words("Winter sports"), words("Accidents on a piste."), words("50,000"), optional=True),
)
EXCLUSIONS = (
    Exclusion("war", words("War"), words("Nothing is paid."), "2.1"),
    Exclusion("intent", words("Intent"), words("Nothing is paid."), "2.2"),
    Exclusion("share", words("A fifth of each baggage loss"), words("You bear it."), "2.3", LimitationKind.PROPORTION),
)


def european(**changes: Any) -> ProductContent:
    parts = {
        "profile": Profile.EU_NONLIFE, "information": INFORMATION, "covers": COVERS, "exclusions": EXCLUSIONS,
    }  # fmt: skip
    return a_content(**(parts | changes))


def made(content: ProductContent, insurer: str = "harbour") -> list[Document]:
    version = publish(an_insurer(insurer), content)
    return [each for each in catalog.documents_of(version.id) if each.kind is DocumentKind.IPID]


def text_of(pdf: bytes, folder: Path) -> str:
    (folder / "ipid.pdf").write_bytes(pdf)
    command = ["pdftotext", "-raw", "ipid.pdf", "-"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.requirement("EU-09")
@pytest.mark.requirement("EU-10")
@pytest.mark.requirement("UK-04")
@pytest.mark.parametrize("profile", [Profile.EU_NONLIFE, Profile.UK])
def test_each_version_has_its_document_with_the_nine_headings_in_order(
    database: None, tmp_path: Path, profile: Profile
) -> None:
    document, chinese = made(european(profile=profile))
    assert (document.locale, chinese.locale) == ("en", "zh_Hans_CN")
    pdf = storage.get(document.sha256)
    text = text_of(pdf, tmp_path)
    places = [text.index(heading) for heading in HEADINGS]
    assert places == sorted(places)
    assert text.index("Insurance Product Information Document") < places[0]
    assert "The complete information before the contract and the terms are in other documents" in " ".join(text.split())
    assert "Company: " in text
    between = {
        heading: text[start:end] for heading, start, end in zip(HEADINGS, places, [*places[1:], len(text)], strict=True)
    }
    assert "Medical costs" in between["What is insured?"]
    assert "War" in between["What is not insured?"]
    assert "fifth of each baggage loss" in between["Are there any restrictions on cover?"]
    assert "not within 3 days of the start" in between["Are there any restrictions on cover?"]
    assert "by card" in between["When and how do I pay?"]


@pytest.mark.requirement("EU-11")
def test_each_item_has_its_symbol_and_what_is_optional_has_none(database: None) -> None:
    document = made(european())[0]
    with pikepdf.open(BytesIO(storage.get(document.sha256))) as opened:
        alternatives = [
            str(thing["/Alt"])
            for thing in opened.objects
            if isinstance(thing, pikepdf.Dictionary) and thing.get("/S") == "/Figure" and "/Alt" in thing
        ]
        data = json.loads(opened.attachments["ipid.json"].get_file().read_bytes())
    counted = {alt: alternatives.count(alt) for alt in ("insured", "not insured", "restriction", "covered here")}
    items = {section["key"]: section["items"] for section in data["sections"]}
    # An icon beside a heading is named by its key; that of the first is also "insured".
    assert counted["insured"] - 1 == len(items["insured"]) == 2
    assert counted["not insured"] == len(items["not_insured"]) == 2
    assert counted["restriction"] == len(items["restrictions"]) == 4
    assert counted["covered here"] == len(items["where"]) == 2
    optional = next(section for section in data["sections"] if section["key"] == "insured")["optional"]
    assert optional == ["Winter sports: Accidents on a piste. Limit: 50,000"]


@pytest.mark.requirement("EU-12")
def test_symbols_and_icons_have_the_colours_of_the_regulation() -> None:
    template = (Path(__file__).parents[3] / "templates/document/ipid.typ").read_text(encoding="utf-8")
    colours = dict(re.findall(r'#let (\w+) = rgb\("(#[0-9a-f]{6})"\)', template))
    assert [colours[name] for name in ("green", "red", "orange", "blue")] == [GREEN, RED, ORANGE, BLUE]
    icons = re.search(r"#let icons = \((.*?)\n\)", template, re.DOTALL)
    symbols = re.search(r"#let symbols = \((.*?)\n\)", template, re.DOTALL)
    assert icons
    assert symbols
    pairs = r'"?(\w+)"?: \(([\w-]+), (\w+)\)'
    assert re.findall(pairs, icons[1]) == [
        ("insured", "umbrella", "green"), ("not_insured", "crossed", "red"), ("restrictions", "exclaimed", "orange"),
        ("where", "globe", "blue"), ("obligations", "handshake", "green"), ("pay", "coins", "yellow"),
        ("start_end", "hourglass", "blue"), ("cancel", "hand-on-shield", "blue"),
    ]  # fmt: skip
    assert re.findall(pairs, symbols[1]) == [
        ("insured", "tick", "green"), ("not_insured", "cross", "red"), ("restrictions", "exclamation", "orange"),
        ("where", "tick", "blue"),
    ]  # fmt: skip


@pytest.mark.requirement("EU-13")
def test_it_has_two_sides_at_most_and_what_is_longer_is_not_published(database: None) -> None:
    document = made(european())[0]
    with pikepdf.open(BytesIO(storage.get(document.sha256))) as opened:
        assert len(opened.pages) <= 2
        assert opened.open_metadata()["pdfuaid:part"] == "1"
    endless = words("\n".join(f"Duty {number}. " + "And so on. " * 25 for number in range(40)))
    insurer = an_insurer("endless")
    with pytest.raises(DemandsUnmet) as refused:
        publish(insurer, european(information=replace(INFORMATION, obligations=endless)))
    assert refused.value.fields == {"information": "too_long (EU-13)"}
    db.session.rollback()
    assert catalog.products_of_insurer(insurer.id) == ()


@pytest.mark.requirement("EU-09")
def test_without_it_nothing_is_published_and_elsewhere_none_is_made(database: None) -> None:
    with pytest.raises(DemandsUnmet) as refused:
        publish(an_insurer("nothing"), european(information=None))
    assert refused.value.fields == {"information": "missing (EU-09)"}
    assert made(european(code="chinese", profile=Profile.CN_NONLIFE)) == []


def test_an_insurers_own_document_is_the_one(database: None) -> None:
    own = b"%PDF-1.7 our own"
    ref = DocumentRef(DocumentKind.IPID, "en", "IPID", "ipid.pdf", "application/pdf", sha256_hex(own), len(own))
    version = publish(
        an_insurer(), european(information=None, documents=(*DOCUMENTS, ref)), documents={ref.sha256: own}
    )
    found = [each.sha256 for each in catalog.documents_of(version.id) if each.kind is DocumentKind.IPID]
    assert found == [sha256_hex(own)]


def test_it_is_part_of_what_the_version_says_in_each_language_it_speaks(database: None, tmp_path: Path) -> None:
    insurer = an_insurer()
    both = publish(insurer, european(marketing_name=LocalizedText("Journey", "旅程")))
    english = publish(insurer, european(code="english", marketing_name=LocalizedText("Journey")))
    spoken = {
        version.content.code: [each for each in version.content.documents if each.kind is DocumentKind.IPID]
        for version in (both, english)
    }
    assert [each.locale for each in spoken["plain"]] == ["en", "zh_Hans_CN"]
    assert [each.locale for each in spoken["english"]] == ["en"]
    assert both.content_sha256 == both.content.sha256
    text = text_of(storage.get(spoken["plain"][1].sha256), tmp_path)
    assert "旅程" in text
    assert "What is insured?" not in text
