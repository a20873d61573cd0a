"""Pages pressed for keeping: whole or in pieces, they come back byte for byte, and nothing longer than a page does."""

import pytest
import zstandard

from marketplace.infra.pressing import LONGEST_PAGE, Reference, TooLongError, press, unpress

PAGE = b"<!doctype html>" + b"<p>What is covered</p>" * 900


def test_a_page_comes_back_and_is_smaller() -> None:
    assert unpress(press(PAGE)) == PAGE
    assert len(press(PAGE)) < len(PAGE) / 4


def test_pieces_that_were_pressed_apart_are_one_page() -> None:
    pieces = (PAGE, b"a-nonce", PAGE[::-1], b"", b"a-token")
    assert unpress(b"".join(map(press, pieces))) == b"".join(pieces)


def test_other_readers_of_the_format_read_the_pieces_too() -> None:
    """Those of this library read one frame at a time; each is whole."""
    first, second = press(PAGE), press(b"a-nonce")
    reader = zstandard.ZstdDecompressor().decompressobj()
    assert reader.decompress(first + second) == PAGE
    assert zstandard.decompress(reader.unused_data) == b"a-nonce"


def test_what_is_longer_than_a_page_is_refused() -> None:
    assert len(unpress(press(b"x" * LONGEST_PAGE))) == LONGEST_PAGE
    with pytest.raises(TooLongError):
        unpress(press(b"x" * LONGEST_PAGE) + press(b"x"))


def test_what_was_not_pressed_is_refused() -> None:
    with pytest.raises(zstandard.ZstdError):
        unpress(b"plain words")


def test_a_page_pressed_against_a_file_that_is_much_like_it_is_small_and_needs_it_to_come_back() -> None:
    words = "".join(f"<p>Cover {number} pays {number * 7919}.</p>" for number in range(400)).encode()
    page = words.replace(b"pays 7919.", b"pays nothing.") + b"a-token"
    pressed = press(page, Reference(words))
    assert len(pressed) < 80 < len(press(page)) / 20
    assert unpress(pressed, words) == page
    with pytest.raises(zstandard.ZstdError):
        unpress(pressed)
