"""Exact arithmetic: whole numbers, each division rounded once to a declared scale."""

from collections.abc import Sequence

from marketplace.rating.values import RATE_DIGITS, Scalar

MILLION = 10**RATE_DIGITS


def half_up(numerator: int, denominator: int) -> int:
    """The whole number nearest to the quotient, upwards (towards more) where two are equally near."""
    return (2 * numerator + denominator) // (2 * denominator)


def rounded_to(total: int, to: int, mode: str) -> int:
    """The multiple of `to` nearest to the total (`half_up`), or next to it (`up` towards more, `down` towards less)."""
    match mode:
        case "up":
            return -(-total // to) * to
        case "down":
            return total // to * to
        case _:
            return half_up(total, to) * to


def scaled(text: str, digits: int) -> int:
    """The decimal `text` as a whole number of 10**-digits. Raises ValueError where it has more digits."""
    whole, _, fraction = text.partition(".")
    if len(fraction) == digits:
        return int(whole + fraction)
    if len(fraction) > digits:
        fraction = fraction.rstrip("0")
        if len(fraction) > digits:
            raise ValueError(f"{text} has more than {digits} decimals")
    return int(whole + fraction.ljust(digits, "0"))


def scaled_alike(texts: Sequence[str], digits: int) -> tuple[int, ...] | None:
    """`scaled` of each, read at once, where all are written with just those digits as in a rate card; else None."""
    joined = ",".join(texts)
    alike = digits and {text[-digits - 1 : -digits] for text in texts} == {"."}
    if not alike or not joined.count(".") == joined.count(",") + 1 == len(texts):
        return None
    return tuple(map(int, joined.replace(".", "").split(",")))


def unscaled(number: int, digits: int) -> str:
    """The reverse of `scaled`, with all its digits."""
    text = str(number).rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}" if digits else text


def written(value: Scalar) -> str:
    """A factor's value as it stands in a table file."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def band_words(start: Scalar, end: Scalar) -> str:
    return written(start) if start == end else f"{written(start)}..{written(end)}"
