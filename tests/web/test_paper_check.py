"""The page that says whether a file is a paper of ours: in words, with nothing kept and nothing of a person told."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from marketplace.oversight.values import Sale
from marketplace.policy import queries as policies
from marketplace.policy.values import Ground, Policy
from marketplace.web.storefront.verify import LARGEST_PAPER
from sandbox.demo.visitor import Visitor, words
from tests.web.conftest import Grounds, NothingWritten

pytestmark = pytest.mark.requirement("O13-04", "SCM-10")

TEMPLATE = Path("templates/storefront/verify.html")


@pytest.fixture
def policy(shop: Flask, sale: Sale) -> Policy:
    with shop.app_context():
        assert sale.policy_id
        return policies.policy(sale.policy_id)


@pytest.fixture
def paper(shop: Flask, policy: Policy) -> bytes:
    with shop.app_context():
        return policies.document_bytes(policy.id)


@pytest.fixture
def ask(stranger: Visitor) -> Callable[[bytes], str]:
    """What a stranger's page says of a file."""

    def send(pdf: bytes, name: str = "policy.pdf") -> str:
        stranger.get("/verify")
        token = re.findall(r'name="csrf_token" value="([^"]+)"', stranger.text)[0]
        part = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (b"csrf_token", token.encode())
        file = b'--x\r\nContent-Disposition: form-data; name="paper"; filename="%s"\r\n' % name.encode()
        answer = stranger.client.post(
            "/verify",
            data=part + file + b"Content-Type: application/pdf\r\n\r\n" + pdf + b"\r\n--x--\r\n",
            content_type="multipart/form-data; boundary=x",
            headers={"Accept-Language": stranger.locale},
        )
        return str(answer.text)

    return send


def said(page: str) -> tuple[str, str]:
    verdict, ground = re.findall(r'data-verdict="(\w+)" data-ground="(\w+)"', page)[0]
    return verdict, ground


def test_the_file_as_it_was_mailed_is_genuine(policy: Policy, paper: bytes, ask: Callable[[bytes], str]) -> None:
    page = ask(paper)
    assert said(page) == ("valid", "as_issued")
    shown = words(page)
    assert "This file is genuine. It is, to the last byte, the paper that we issued" in shown
    assert policy.number in shown
    assert "not yet begun" in shown or "in force" in shown


def test_a_changed_file_is_told_apart_and_what_we_issued_is_named(
    policy: Policy, paper: bytes, ask: Callable[[bytes], str]
) -> None:
    page = ask(paper + b"\n% paid up until 2099\n%%EOF\n")
    assert said(page) == ("changed", "added_to")
    assert "This file was changed." in words(page)
    assert "What we issued:" in words(page)
    assert policy.number in page


def test_of_other_bytes_nothing_of_a_contract_is_told(
    policy: Policy, paper: bytes, ask: Callable[[bytes], str]
) -> None:
    """Whoever writes a number into a file of its own learns nothing of that contract."""
    at = paper.index(b"stream\n") + 200
    for file in (paper[:at] + bytes([paper[at] ^ 1]) + paper[at + 1 :], b"%PDF-1.7 " + policy.number.encode()):
        page = ask(file)
        assert said(page)[0] != "valid"
        assert policy.number not in page


def test_no_person_and_no_amount_is_told(policy: Policy, paper: bytes, ask: Callable[[bytes], str]) -> None:
    page = ask(paper)
    for person in policy.body["persons"]:
        assert person["name"] not in page
    assert f"{policy.premium.minor / 100:,.2f}" not in page
    assert policy.check_code not in page


def test_nothing_of_the_file_is_kept(
    grounds: Grounds, paper: bytes, ask: Callable[[bytes], str], nothing_written: NothingWritten
) -> None:
    def files() -> set[Path]:
        return set(grounds.store.rglob("*"))

    ask(paper)
    before = files()
    with nothing_written():
        ask(paper)
        ask(b"%PDF-1.7 of somebody else")
    assert files() == before


@pytest.mark.parametrize(
    ("pdf", "name", "what"),
    [
        (b"", "", "Please choose a file."),
        (b"%PDF-1.7" + b"0" * LARGEST_PAPER, "large.pdf", "This file is larger than any paper of ours."),
    ],
)
def test_no_file_or_one_too_large_is_a_form_error(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[bytes, str], str], pdf: bytes, name: str, what: str
) -> None:
    monkeypatch.setattr(policies, "check_paper", lambda _: pytest.fail("nobody looks at it"))
    page = ask(pdf, name)
    assert what in words(page)
    assert "data-verdict" not in page


def test_a_file_is_counted_as_a_number_is(ask: Callable[[bytes], str]) -> None:
    for _ in range(30):
        page = ask(b"no PDF")
        assert said(page) == ("not_ours", "unreadable")
    assert "Too many tries" in words(ask(b"no PDF"))


def test_each_ground_has_its_sentence() -> None:
    template = TEMPLATE.read_text()
    told = set(re.findall(r"code == '(\w+)'", template))
    assert told | {"unreadable"} == {each.value for each in Ground}


def test_it_is_said_in_chinese(paper: bytes, ask: Callable[[bytes], str], stranger: Visitor) -> None:
    stranger.locale = "zh_Hans_CN"
    assert "该文件真实有效" in ask(paper)
    assert "该文件已被改动" in ask(paper + b" ")
    assert "该文件不是本站出具的" in ask(b"x")
