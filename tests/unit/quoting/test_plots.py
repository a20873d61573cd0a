"""Curves as pictures: where the points stand, where a line breaks, what is named along the edges."""

from itertools import pairwise
from uuid import uuid4

from marketplace.catalog.values import LINES, Line
from marketplace.infra.formatting import use_locale
from marketplace.kernel.money import Money
from marketplace.quoting.values import Curve
from marketplace.web.storefront.plots import plot_of

AGE = LINES[Line.TRAVEL].factor("age")


def curve(*minor: int | None) -> Curve:
    """From age 30 on; the total is twice the premium."""
    return Curve(
        uuid4(),
        tuple(
            (30 + n, None if each is None else (Money(each, "CNY"), Money(2 * each, "CNY")))
            for n, each in enumerate(minor)
        ),
    )


def test_points_stand_to_scale_and_the_answer_is_marked() -> None:
    plot = plot_of(AGE, [curve(100, 200, 400)], "CNY", 31, in_all=False)
    assert plot is not None
    assert plot.lines[0].stretches == ("84.0,188.0 348.0,130.0 612.0,14.0",)
    assert plot.lines[0].end == (612.0, 14.0)
    assert plot.here == 348.0
    assert [tick.words for tick in plot.upwards] == ["¥0.00", "¥1.00", "¥2.00", "¥3.00", "¥4.00"]
    assert [tick.words for tick in plot.along] == ["30 years", "31 years", "32 years"]


def test_where_a_product_is_not_offered_its_line_breaks() -> None:
    plot = plot_of(AGE, [curve(100, None, 300, 400), curve(None, 100, 100, None)], "CNY", 99, in_all=False)
    assert plot is not None
    assert [len(drawn.stretches) for drawn in plot.lines] == [2, 1]
    assert plot.lines[0].stretches[0] == "84.0,188.0 84.0,188.0", "a single point is still drawn"
    assert plot.here is None
    assert plot.rows[1] == ("31 years", (None, Money(100, "CNY")))


def test_the_total_is_drawn_where_premiums_are_paid_unequally_often() -> None:
    plot = plot_of(AGE, [curve(100, 200)], "CNY", 30, in_all=True)
    assert plot is not None
    assert plot.rows == (("30 years", (Money(200, "CNY"),)), ("31 years", (Money(400, "CNY"),)))


def test_one_value_is_no_curve() -> None:
    assert plot_of(AGE, [curve(None, 100, None)], "CNY", 31, in_all=False) is None


def test_words_along_the_bottom_do_not_touch() -> None:
    sums = LINES[Line.TERM_LIFE].factor("sum_insured")
    points = tuple((int(each.value), (Money(1, "CNY"), Money(1, "CNY"))) for each in sums.choices)
    with use_locale("en"):
        plot = plot_of(sums, [Curve(uuid4(), points)], "CNY", 500_000, in_all=False)
    assert plot is not None
    places = [tick.at for tick in plot.along]
    assert min(later - earlier for earlier, later in pairwise(places)) >= 82
    assert [plot.along[0].words, plot.along[-1].words] == ["¥300,000", "¥3,000,000"]
