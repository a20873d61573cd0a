"""The verifier of the page, in a real Chromium, finds on every attack what the one in Python finds."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.journeys.conftest import CHROMIUM
from tests.verify.attacked import Attack
from tests.verify.attacks import ATTACKS, NO_ATTACKS
from tests.verify.browser import a_verifier, in_browser
from tests.verify.test_merkle import CASES
from verify.bundle import check_bundle
from verify.findings import Report
from verify.policy import read_policy

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH"),
]
MERKLE = """async ({ inclusion, consistency }) => {
  const { verifyInclusion, verifyConsistency } = await import("/merkle.js");
  const bytes = (text) => Uint8Array.from(atob(text ?? ""), (each) => each.charCodeAt(0));
  const all = (texts) => (texts ?? []).map(bytes);
  const found = [];
  for (const each of inclusion) {
    found.push(await verifyInclusion(bytes(each.leafHash), BigInt(each.leafIdx), BigInt(each.treeSize), bytes(each.root), all(each.proof)));
  }
  for (const each of consistency) {
    found.push(await verifyConsistency(BigInt(each.size1), BigInt(each.size2), bytes(each.root1), bytes(each.root2), all(each.proof)));
  }
  return found;
}"""  # noqa: E501  # script


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with a_verifier() as opened:
        yield opened


def in_python(case: Attack) -> list[tuple[str, int | None]]:
    report, policy = Report(), read_policy(case.policy.encode())
    check_bundle(report, policy, case.data, [("it", receipt) for receipt in case.receipts], case.authorities)
    return [(finding.code.value, finding.entry) for finding in report.findings]


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize("name", [*ATTACKS, *NO_ATTACKS])
def test_both_find_the_same(page: Page, name: str) -> None:
    case = {**ATTACKS, **NO_ATTACKS}[name]()
    if case.authorities is not None and shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH")
    assert sorted(in_browser(page, case), key=str) == sorted(in_python(case), key=str)


def test_the_published_cases_of_proofs(page: Page) -> None:
    texts = {
        kind: [
            {name: str(value) if type(value) is int else value for name, value in case.items()} for case in CASES[kind]
        ]
        for kind in ("inclusion", "consistency")
    }
    expected = [not case["wantErr"] for kind in texts for case in CASES[kind]]
    assert page.evaluate(MERKLE, texts) == expected
