"""How often and by what is paid, as an insurer writes it: read from both forms, every fault named."""

import pytest

from marketplace.catalog.values import Frequency, Line, Payment, PaymentMethod
from marketplace.infra.formatting import use_locale
from marketplace.listing.intake import read_catalog
from marketplace.listing.intake.wording import explain
from marketplace.listing.values import Finding
from tests.factories.catalog import HARBOUR_TERM, catalog_files, changed, findings_in

PRODUCT, TARIFF, EXAMPLES = (f"{HARBOUR_TERM}{name}" for name in ("product.toml", "tariff.toml", "examples.csv"))
YEARLY, CHOSEN = 'frequency = "yearly"', 'frequency_factor = "payment_frequency"'
METHODS = 'methods = ["card", "alipay", "wechat_pay"]'
TRAVEL = "products/waypost-trip/product.toml"


def found(file: str, old: str, new: str, name: str = "harbour") -> list[tuple[str, str, str, str]]:
    findings = read_catalog(changed(file, old, new, catalog_files(name)), name).findings
    return [(each.code, each.column, each.value, each.right) for each in findings]


def test_a_product_lets_customers_choose_and_names_its_methods() -> None:
    draft = read_catalog(catalog_files("larkmeadow"), "larkmeadow").draft
    assert draft is not None
    (content,) = (each.content for each in draft.products if each.content.line is Line.TERM_LIFE)
    assert content.payment == Payment(
        frequency_factor="payment_frequency", times_factor="term_years", methods=tuple(PaymentMethod)
    )
    assert content.frequencies == (Frequency.YEARLY, Frequency.MONTHLY)


def test_methods_that_are_not_named_are_the_card() -> None:
    draft = read_catalog(changed(PRODUCT, f"{METHODS}\n", ""), "harbour").draft
    assert draft is not None
    assert draft.products[0].content.payment.methods == (PaymentMethod.CARD,)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (YEARLY, 'frequency = "weekly"', ("not_one_of", "payment.frequency", '"weekly"')),
        (f"{YEARLY}\n", "", ("missing", "payment.frequency", "")),
        (YEARLY, f"{YEARLY}\n{CHOSEN}", ("frequency_twice", "payment.frequency_factor", "payment_frequency")),
        (YEARLY, 'frequency_factor = "how_often"', ("frequency_not_asked", "payment.frequency_factor", "how_often")),
        (YEARLY, 'frequency_factor = "sex"', ("frequency_not_asked", "payment.frequency_factor", "sex")),
        (METHODS, "methods = []", ("too_few", "payment.methods", "[]")),
        (METHODS, 'methods = ["cash"]', ("not_one_of", "payment.methods.0", '"cash"')),
        (METHODS, 'methods = ["card", "card"]', ("name_twice", "payment.methods", "card")),
        ("[eligibility]\n", '[eligibility]\npayment_frequency = { values = ["yearly"] }\n',
         ("frequency_twice", "eligibility.payment_frequency", "payment_frequency")),
    ],
)  # fmt: skip
def test_a_fault_in_how_is_paid_is_found(old: str, new: str, expected: tuple[str, str, str]) -> None:
    assert expected in [each[:3] for each in found(PRODUCT, old, new)]


def test_a_frequency_nobody_knows_is_no_value_of_the_factor() -> None:
    product = "products/larkmeadow-term/product.toml"
    (fault,) = found(product, '["yearly", "monthly"]', '["yearly", "weekly"]', "larkmeadow")[:1]
    assert fault[:3] == ("bad_value", "eligibility.payment_frequency.values", "weekly")
    assert fault[3] == "yearly, half_yearly, quarterly, monthly"


def test_no_frequency_is_chosen_where_the_line_does_not_ask() -> None:
    faults = found(TRAVEL, 'frequency = "single"', CHOSEN, "waypost")
    assert ("frequency_not_asked", "payment.frequency_factor", "payment_frequency", "frequency") in faults


def test_a_choice_whose_premium_is_always_the_same_is_a_fault() -> None:
    """Else the premium of a year would be asked every month."""
    faults = found(PRODUCT, YEARLY, CHOSEN)
    assert ("frequency_not_rated", "steps", "payment_frequency", "") in faults


def test_each_frequency_has_an_example() -> None:
    examples = "products/larkmeadow-term/examples.csv"
    files = catalog_files("larkmeadow")
    rows = files[examples].decode().splitlines()
    kept = "\n".join(row for row in rows if ",monthly," not in row)
    (finding,) = read_catalog(files | {examples: kept.encode()}, "larkmeadow").findings
    assert (finding.file, finding.code, finding.column, finding.value) == (
        examples, "frequency_without_example", "payment_frequency", "monthly",
    )  # fmt: skip
    assert findings_in(catalog_files()) == (), "one frequency needs no column of its own"


def test_a_wallet_for_another_currency_is_a_fault() -> None:
    faults = found(PRODUCT, 'currency = "CNY"', 'currency = "PLN"')
    assert [each[2:] for each in faults if each[0] == "method_not_for_currency"] == [
        ("alipay", "PLN"),
        ("wechat_pay", "PLN"),
    ]


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_the_faults_are_said_in_words(locale: str) -> None:
    with use_locale(locale):
        told = explain(Finding(PRODUCT, "frequency_twice", value="payment_frequency", right="yearly"))
    assert "yearly" in told.wrong
    assert "payment_frequency" in told.wrong
