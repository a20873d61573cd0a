"""What is alike in the pages of different people, and who is known to be different."""

from uuid import UUID, uuid4

import pytest

from marketplace.traceability.rules.alike import Shown, alike, of_different_people


def page(name: str, age: int, token: str) -> bytes:
    told = (
        f'<p class="told">{name} is <b>{age} years</b> old</p>\n<a href="/offers/{token}/pay?of={age}&amp;x=1">Pay</a>'
    )
    return f"<!doctype html>\n{told}<p>Not covered: war</p>\n".encode()


def test_what_all_were_shown_is_kept_in_the_order_of_the_first() -> None:
    pages = [page("Li Na", 34, "a1"), page("Wang Fang", 35, "b2"), page("Chen Jie", 34, "c3")]
    found = alike(pages)
    assert found == (
        b'<!doctype html>\n<p class="told"><b></b> old</p>\n<a href="/offers/pay?of=amp;x=1">Pay</a>'
        b"<p>Not covered: war</p>\n"
    )


def test_pages_of_another_kind_are_told_after_the_first_and_none_twice() -> None:
    travel, life = (f"<p>{line}</p>".encode() + b"<i>for everybody</i>" for line in ("Travel", "Life"))
    assert alike([travel, life, travel, life, travel, life]) == travel + life
    assert alike([travel, life, travel, life]) == b"<p></p><i>for everybody</i>"


def test_a_run_of_words_is_never_parted() -> None:
    """Parts of one would be somebody's sooner."""
    told = [b"<p>Born 1992/03/05 = a; b & c</p>", b"<p>Born 1992/03/06 = a; b & c</p>", b"<p>1992/03/07 = a; b & c</p>"]
    assert alike(told) == b"<p></p>"


def test_the_pieces_of_a_page_are_the_page() -> None:
    assert alike([page("Li Na", 34, "a1")] * 3) == page("Li Na", 34, "a1")
    assert alike([b""] * 3) == b""


LI, WANG = frozenset({uuid4()}), frozenset({uuid4()})


def shown(journey_id: UUID, need: str | None = None, *, of_application: bool = False) -> Shown:
    return Shown(uuid4(), journey_id, need, of_application)


@pytest.mark.parametrize("of_application", [False, True])
def test_two_journeys_of_one_account_are_one_person(*, of_application: bool) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    accounts = {first: LI, second: LI, third: WANG}
    views = [shown(each, of_application=of_application) for each in (first, second, third)]
    assert of_different_people(views, accounts) == (views[0], views[2])


def test_without_an_account_an_application_is_perhaps_the_same_persons() -> None:
    views = [shown(uuid4(), of_application=True), shown(uuid4())]
    assert of_different_people(views, {}) == (views[1],)


def test_one_comparison_opened_in_three_browsers_is_one_persons() -> None:
    views = [shown(uuid4(), "n1"), shown(uuid4(), "n1"), shown(uuid4(), "n2")]
    assert of_different_people(views, {}) == (views[0], views[2])
