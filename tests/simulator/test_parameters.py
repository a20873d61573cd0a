"""Stripe's form notation, read back from what the library writes; and no endpoint ignores a parameter."""

import re
from collections.abc import Iterator
from typing import Any, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stripe._encode import _api_encode
from werkzeug.test import Client

from sandbox.stripe_simulator import Simulator, SimulatorSettings, create_simulator
from sandbox.stripe_simulator.api import ENDPOINTS
from sandbox.stripe_simulator.cards import CARDS, passes_luhn
from sandbox.stripe_simulator.currencies import major_units
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import ParameterError
from sandbox.stripe_simulator.parameters import PagedRequest, Part, nested
from tests.simulator.harness import KEY, groups, kinds_in

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
VALUES = st.recursive(
    st.text(max_size=10),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=8,
)


def numbered(value: Any) -> Any:
    """Lists as the notation carries them: groups with the names 0, 1, 2 …"""
    if isinstance(value, list):
        return {str(place): numbered(item) for place, item in enumerate(value)}
    if isinstance(value, dict):
        return {name: numbered(item) for name, item in value.items()}
    return value


@given(st.dictionaries(NAMES, VALUES, max_size=4))
@settings(deadline=None, max_examples=60)
def test_what_the_library_writes_is_read_back(params: dict[str, Any]):
    assert nested(_api_encode(params)) == numbered(params)


def test_empty_brackets_count_up():
    assert nested([("expand[]", "a"), ("expand[]", "b")]) == {"expand": {"0": "a", "1": "b"}}


@pytest.mark.parametrize("name", ["", "[a]", "a[", "a]", "a[b", "a[b]c", "a[[b]]"])
def test_a_name_that_is_none_is_refused(name: str):
    with pytest.raises(ParameterError):
        nested([(name, "x")])


@pytest.mark.parametrize("names", [("a", "a[b]"), ("a[b]", "a"), ("a[b]", "a[b][c]")])
def test_a_value_is_not_a_group_as_well(names: tuple[str, str]):
    with pytest.raises(ParameterError):
        nested([(name, "x") for name in names])


@pytest.mark.parametrize(
    ("amount", "currency", "units"), [(1234, "cny", "12.34"), (1234, "jpy", "1234"), (1234, "kwd", "1.234")]
)
def test_amounts_have_the_digits_of_their_currency(amount: int, currency: str, units: str):
    assert str(major_units(amount, currency)) == units


def test_every_test_card_has_its_check_digit_and_its_own_alias():
    assert all(passes_luhn(card.number) for card in CARDS)
    assert not passes_luhn("4242424242424241")
    aliases = [alias for card in CARDS for alias in card.aliases]
    assert len(aliases) == len(set(aliases))
    assert all(card.aliases for card in CARDS)


def named(*steps: str) -> str:
    return steps[0] + "".join(f"[{step}]" for step in steps[1:])


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    simulator = create_simulator(SimulatorSettings(tmp_path_factory.mktemp("door") / "s.sqlite3", "http://sim.test"))
    yield simulator
    simulator.close()


def refusal_of(door: Simulator, endpoint: Endpoint, *parameters: str) -> dict[str, Any]:
    """What the endpoint says to a request with these parameters alone; it must leave nothing behind."""
    path = re.sub("<[a-z_]+>", "x", endpoint.rule)
    sent = "query_string" if endpoint.method == "GET" else "data"
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = Client(door).open(path, method=endpoint.method, headers=headers, **{sent: dict.fromkeys(parameters, "x")})  # type: ignore[arg-type]
    assert answer.status_code == 400, (parameters, answer.text)
    with door.store.transaction() as records:
        assert records.sql.execute("SELECT COUNT(*) FROM object").fetchone() == (0,)
        assert records.sql.execute("SELECT COUNT(*) FROM idempotent_answer").fetchone() == (0,)
    error: dict[str, Any] = answer.get_json()["error"]
    return error


EVERY_GROUP = [(endpoint, path, model) for endpoint in ENDPOINTS for path, model in groups(endpoint.accepts)]


@given(st.sampled_from(EVERY_GROUP), NAMES)
@settings(deadline=None, max_examples=400)
def test_what_an_endpoint_does_not_know_it_refuses_by_name(
    door: Simulator, group: tuple[Endpoint, tuple[str, ...], type[Part]], name: str
):
    endpoint, path, model = group
    unknown = name if name not in model.model_fields else f"{name}_"
    parameter = named(*path, unknown)
    error = refusal_of(door, endpoint, parameter)
    assert (error["code"], error["param"]) == ("parameter_unknown", parameter)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.rule}")
def test_every_group_of_every_endpoint_refuses_what_it_does_not_know(door: Simulator, endpoint: Endpoint):
    for path, _ in groups(endpoint.accepts):
        parameter = named(*path, "surprise")
        error = refusal_of(door, endpoint, parameter)
        assert (error["code"], error["param"]) == ("parameter_unknown", parameter)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.rule}")
def test_a_single_value_is_not_taken_for_a_group_of_what_it_is_not(door: Simulator, endpoint: Endpoint):
    """`limit[surprise]=x` is refused, with the name of what was wrong or of what else is missing."""
    for path, model in groups(endpoint.accepts):
        for name, field in model.model_fields.items():
            if any(get_origin(kind) is dict or kind is dict for kind, _ in kinds_in(field.annotation)):
                continue  # metadata: any name will do
            error = refusal_of(door, endpoint, named(*path, name, "surprise"))
            assert error["type"] == "invalid_request_error"
            assert error["param"]


LISTS = [endpoint for endpoint in ENDPOINTS if issubclass(endpoint.accepts, PagedRequest)]


@pytest.mark.parametrize("endpoint", LISTS, ids=lambda endpoint: endpoint.rule)
def test_a_list_goes_one_way_at_a_time(door: Simulator, endpoint: Endpoint):
    """Stripe's words, told by github.com/stripe/stripe-dotnet/issues/1848."""
    required = [name for name, field in endpoint.accepts.model_fields.items() if field.is_required()]
    error = refusal_of(door, endpoint, "starting_after", "ending_before", *required)
    assert error["type"] == "invalid_request_error"
    assert error["message"].startswith("Received both starting_after and ending_before parameters.")


def test_every_list_is_asked_so():
    asking = [endpoint for endpoint in ENDPOINTS if "starting_after" in endpoint.accepts.model_fields]
    assert asking == LISTS
    assert len(LISTS) > 15
