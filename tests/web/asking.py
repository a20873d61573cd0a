"""What the tests of questions to insurers share: who asks at which page, and who answers."""

import re
from collections.abc import Callable

from sandbox.demo.visitor import Visitor, words
from tests.factories.consultation import NINETY, WAITING
from tests.web.conftest import ANSWERS
from tests.web.desk_visits import LI_NA, links

Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]
IntoTheLog = Callable[[], int]
ASK = "/offers/[0-9a-f-]+/ask"
OF_APPLICATION = "/application/[0-9a-f-]+/ask"
OUTSIDE, OUTSIDE_TOLD = "Does it cover diving at all?", "It covers diving down to forty metres."
ELSEWHERE = "Do you cover gliding?"
SCRIPT = "<script>alert(1)</script> http://evil.example\u202e\x00 [x](http://evil.example)"


def at_product(visitor: Visitor) -> Visitor:
    visitor.get(visitor.compare("term_life", ANSWERS)[0])
    return visitor


def asks(visitor: Visitor, code_for: CodeFor, said: str = WAITING, email: str = LI_NA.email) -> Visitor:
    """A visitor asks at the page of a product, and proves the address."""
    (there,) = links(at_product(visitor).text, ASK)
    visitor.get(there)
    visitor.post({"words": said, "email": email})
    assert visitor.at == "/ask/code", words(visitor.text)
    visitor.post({"code": code_for(email)})
    visitor.expect("/account/questions/")
    return visitor


def answers(desk: Visitor, said: str = NINETY) -> str:
    """The staff answers what waits first; its path at the desk."""
    desk.get("/insurer/questions")
    first = links(desk.text, "/insurer/questions/[0-9a-f-]{36}")[0]
    desk.get(first)
    desk.post({"words": said})
    assert desk.status == 200, words(desk.text)
    return first


def token(visitor: Visitor) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', visitor.text)
    assert found
    return found[1]
