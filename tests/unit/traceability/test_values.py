"""What makes two pages the same version, and what does not (T26-35)."""

from uuid import UUID

import pytest

from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability.values import EntryType
from tests.factories.traceability import a_manifest

PRODUCT = UUID("8d1f4d1e-3a39-4c3b-9e1c-1f8b8d0f6c11")


@pytest.mark.requirement("T26-35")
@pytest.mark.parametrize(
    "changed",
    [
        a_manifest(page="storefront.product"),
        a_manifest(locale="zh_Hans_CN"),
        a_manifest(templates={"storefront/compare/shown.html": sha256_hex(b"one word changed")}),
        a_manifest(assets={"css/site.css": sha256_hex(b"another colour")}),
        a_manifest(wordings={"recording_notice": sha256_hex(b"another sentence")}),
        a_manifest(documents=(sha256_hex(b"clauses, second edition"),)),
        a_manifest(product_version_id=PRODUCT),
    ],
    ids=["page", "locale", "template", "stylesheet", "wording", "document", "product"],
)
def test_every_part_of_what_is_seen_makes_another_version(changed):
    assert changed.id != a_manifest().id


@pytest.mark.requirement("T26-35")
def test_the_order_in_which_parts_were_collected_makes_no_other_version():
    one, other = sha256_hex(b"clauses"), sha256_hex(b"summary")
    forwards = a_manifest(documents=(one, other), assets={"css/a.css": one, "css/b.css": other})
    backwards = a_manifest(documents=(other, one, other), assets={"css/b.css": other, "css/a.css": one})
    assert forwards.id == backwards.id


@pytest.mark.requirement("T26-35")
def test_the_identity_of_a_manifest_never_moves():
    """Kept versions are found again in ten years only if the same manifest keeps giving the same hash."""
    manifest = a_manifest(templates={"a.html": "1"}, assets={}, wordings={}, documents=(), product_version_id=PRODUCT)
    assert manifest.id == sha256_hex(
        b'{"assets":{},"documents":[],"locale":"en","page":"storefront.comparison",'
        b'"product_version_id":"8d1f4d1e-3a39-4c3b-9e1c-1f8b8d0f6c11","templates":{"a.html":"1"},"wordings":{}}'
    )


def test_the_vocabulary_says_subject_and_act():
    assert all(len(word.split(":")) == 2 for word in EntryType)
    assert all(len(word) <= 40 for word in EntryType), "the column holds 40 characters"
