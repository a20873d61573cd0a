"""Addresses as settings give them: who stamps the time."""

import pytest

from marketplace.kernel.addresses import are_time_authorities, time_authorities

ONE, TWO = "https://tsa-one.example/tsr", "https://tsa-two.example:8443/"


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("", {"local": ""}),
        (" ", {"local": ""}),
        ("local", {"local": ""}),
        (ONE, {"tsa-one.example": ONE}),
        (f"{ONE}, {TWO}", {"tsa-one.example": ONE, "tsa-two.example": TWO}),
        (f"{ONE},local", {"tsa-one.example": ONE, "local": ""}),
    ],
)
def test_each_is_called_by_its_host_and_the_first_comes_first(setting: str, named: dict[str, str]) -> None:
    assert list(time_authorities(setting).items()) == list(named.items())
    assert are_time_authorities(setting)


@pytest.mark.parametrize(
    "setting", [f"{ONE},{ONE}", "local,local", f"{ONE},", ",", "no address", f"{ONE},https://名.example"]
)
def test_one_twice_or_something_else_is_refused(setting: str) -> None:
    assert not are_time_authorities(setting)
