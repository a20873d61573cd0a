"""What the marketplace's own wordings must say, in both languages."""

import re

import pytest

from marketplace.disclosure.services import WORDINGS
from marketplace.disclosure.values import WordingKey
from marketplace.infra.formatting import LOCALES

EVERY = [(key, locale) for key in WordingKey for locale in LOCALES]


def text_of(key, locale):
    return (WORDINGS / f"{key}.{locale}.md").read_text(encoding="utf-8")


def test_there_is_a_file_for_every_wording_and_no_other():
    assert {path.name for path in WORDINGS.iterdir()} == {f"{key}.{locale}.md" for key, locale in EVERY}


@pytest.mark.parametrize(("key", "locale"), EVERY)
def test_wordings_are_plain(key, locale):
    text = text_of(key, locale)
    assert "!" not in text
    assert "！" not in text
    assert not re.search(r"<[a-z]", text), "Markdown, no HTML"
    assert not re.search(r"^# ", text, re.MULTILINE), "the page has the one first heading"
    assert "Evenfold Insurance" not in text
    assert bool(re.search(r"[\u4e00-\u9fff]", text)) == (locale == "zh_Hans_CN")


@pytest.mark.parametrize("key", WordingKey)
def test_both_languages_say_the_same_number_of_things(key):
    shapes = [
        [(len(re.match(r"#*", block)[0]), block.count("\n- ")) for block in text_of(key, locale).strip().split("\n\n")]
        for locale in LOCALES
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.requirement("T26-10")
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", ["enter the application", "read the clauses carefully", "is recorded"]),
        ("zh_Hans_CN", ["进入本产品的投保流程", "仔细阅读保险条款", "都会被记录下来"]),
    ],
)
def test_the_entry_notice_says_its_three_things_one_by_one(locale, said):
    paragraphs = text_of(WordingKey.ENTRY_NOTICE, locale).strip().split("\n\n")
    assert len(paragraphs) == 3
    assert all(words in paragraph for words, paragraph in zip(said, paragraphs, strict=True))


@pytest.mark.requirement("T26-18")
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", ["end the contract", "refuse to pay", "keep the premium", "returns the premium"]),
        ("zh_Hans_CN", ["解除合同", "不承担赔付责任", "不退还保费", "会退还保费"]),
    ],
)
def test_untrue_answers_have_their_consequences_named(locale, said):
    text = text_of(WordingKey.TRUTHFUL_ANSWERS, locale)
    assert [words for words in said if words not in text] == []


@pytest.mark.requirement("T26-44", "T26-45")
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", ["five years after", "ten years after", "three years after", "twelve months"]),
        ("zh_Hans_CN", ["五年", "十年", "三年", "十二个月"]),
    ],
)
def test_the_privacy_notice_says_how_long(locale, said):
    text = text_of(WordingKey.PRIVACY_NOTICE, locale)
    assert [words for words in said if words not in text] == []


@pytest.mark.requirement("O13-47", "EU-05")
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        (
            "en",
            [
                "insurance agency",
                "not an insurer",
                "agent of the insurers",
                "commission",
                "no personal advice",
                "No insurer holds a tenth",
            ],
        ),
        ("zh_Hans_CN", ["保险代理机构", "不是保险公司", "代理人", "佣金", "不提供个人建议", "没有任何保险公司"]),
    ],
)
def test_the_client_notice_says_who_we_are_and_who_pays_us(locale, said):
    text = text_of(WordingKey.CLIENT_NOTICE, locale)
    assert [words for words in said if words not in text] == []


@pytest.mark.requirement("T26-30")
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        (
            "en",
            ["the insurer named on this page", "health", "sensitive", "nothing else", "I need not agree", "withdraw"],
        ),
        ("zh_Hans_CN", ["本页所示的保险公司", "健康状况", "敏感个人信息", "不用于任何其他目的", "可以不同意", "撤回"]),
    ],
)
def test_the_consent_says_for_whom_what_for_and_how_it_ends(locale, said):
    text = text_of(WordingKey.HEALTH_CONSENT, locale)
    assert [words for words in said if words not in text] == []


@pytest.mark.requirement("T26-30")
@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en", ["withdraw your consent", "erased at once", "a person decides", "Backups"]),
        ("zh_Hans_CN", ["撤回对使用健康回答的同意", "即刻删除", "由工作人员决定", "备份"]),
    ],
)
def test_the_privacy_notice_says_what_a_withdrawal_does(locale, said):
    text = text_of(WordingKey.PRIVACY_NOTICE, locale)
    assert [words for words in said if words not in text] == []


@pytest.mark.requirement("EU-04", "UK-01")
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("key", "said"),
    [
        (WordingKey.MARKET_CN, ["www.nfra.gov.cn", "12378"]),
        (WordingKey.MARKET_EU, ["www.eiopa.europa.eu", "FIN-NET"]),
        (WordingKey.MARKET_UK, ["register.fca.org.uk", "www.financial-ombudsman.org.uk", "0800 023 4567"]),
    ],
)
def test_each_market_names_its_register_and_where_to_complain(key, said, locale):
    text = text_of(key, locale)
    assert [words for words in said if words not in text] == []
