"""What a caller sends: Stripe's form notation (`a[b][0]=c`), checked by models, refused in Stripe's words."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from sandbox.stripe_simulator.currencies import (
    CURRENCIES,
    LARGEST_AMOUNT,
    fault_of_charge,
    least_amount,
    major_units,
)
from sandbox.stripe_simulator.errors import ParameterError


def _listed(value: object) -> object:
    """`a[0]=x&a[1]=y` arrives as `{"0": "x", "1": "y"}`."""
    if isinstance(value, dict) and all(key.isdigit() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value


def _known_currency(value: str) -> str:
    if value.lower() not in CURRENCIES:
        raise ValueError(f"Invalid currency: {value.lower()}. It is none of Stripe's presentment currencies.")
    return value.lower()


def _web_address(value: str) -> str:
    address = urlsplit(value)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ValueError("Not a valid URL")
    return value


def _moment_range(value: object) -> object:
    """`created=7` means exactly then; `created[gte]=7` is a range already."""
    return {"gte": value, "lte": value} if isinstance(value, str) else value


LISTED = BeforeValidator(_listed)
Text = Annotated[str, Field(min_length=1, max_length=5000)]
ShortText = Annotated[str, Field(min_length=1, max_length=500)]
Email = Annotated[str, Field(min_length=3, max_length=512, pattern=r"^[^@\s]+@[^@\s]+$")]
Currency = Annotated[str, AfterValidator(_known_currency)]
Amount = Annotated[int, Field(ge=1, le=LARGEST_AMOUNT)]
WebAddress = Annotated[str, Field(max_length=5000), AfterValidator(_web_address)]
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=500)]], Field(max_length=50)
]
CardOnly = Annotated[tuple[Literal["card"], ...], LISTED]
MethodTypes = Annotated[tuple[Literal["card", "alipay", "wechat_pay"], ...], LISTED]


class Part(BaseModel):
    """A part of a request. Nothing it does not name is accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(Part):
    expand: Annotated[tuple[str, ...], LISTED] = ()


class MomentRange(Part):
    gt: int | None = None
    gte: int | None = None
    lt: int | None = None
    lte: int | None = None

    def conditions(self) -> tuple[tuple[str, tuple[object, ...]], ...]:
        """As SQL on the column `created`."""
        bounds = {
            "created > ?": self.gt,
            "created >= ?": self.gte,
            "created < ?": self.lt,
            "created <= ?": self.lte,
        }
        return tuple((condition, (bound,)) for condition, bound in bounds.items() if bound is not None)


class PagedRequest(Request):
    """A page of a list: after an object or before one, never both."""

    limit: Annotated[int, Field(ge=1, le=100)] = 10
    starting_after: Text | None = None
    ending_before: Text | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.starting_after is not None and self.ending_before is not None:
            raise ValueError("Received both starting_after and ending_before parameters. Please pass in only one.")
        return self


class ListRequest(PagedRequest):
    created: Annotated[MomentRange | None, BeforeValidator(_moment_range)] = None


AnyRequest = TypeVar("AnyRequest", bound=Request)


def check_amount(amount: int, currency: str, param: str = "amount") -> None:
    """:raises ParameterError: the currency has no such amount."""
    fault = fault_of_charge(amount, currency)
    if fault is not None:
        raise ParameterError(fault, param=param, code="parameter_invalid_integer")


def check_least(amount: int, currency: str, param: str = "amount", what: str = "Amount must be") -> None:
    """:raises ParameterError: so little is not charged in this currency."""
    least = least_amount(currency)
    if amount < least:
        message = f"{what} at least {major_units(least, currency)} {currency}"
        raise ParameterError(message, param=param, code="amount_too_small")


def merged(old: Mapping[str, str], asked: Mapping[str, str]) -> dict[str, str]:
    """Metadata after an update: what is named changes, an empty value unsets it."""
    return {name: value for name, value in ({**old, **asked}).items() if value != ""}


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Form pairs as nested dictionaries; `a[]` counts up. A name used as value and as group is refused."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        if not re.fullmatch(r"[^\[\]]+(\[[^\[\]]*\])*", name):
            raise ParameterError(f"Invalid parameter name: {name}", param=name)
        first, *inner = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        group = root
        steps = [first, *inner]
        for step in steps[:-1]:
            group = group.setdefault(step or str(len(group)), {})
            if not isinstance(group, dict):
                raise ParameterError(f"Invalid object: {name}", param=name)
        last = steps[-1] or str(len(group))
        if isinstance(group.get(last), dict):
            raise ParameterError(f"Invalid object: {name}", param=name)
        group[last] = value
    return root


def parsed(model: type[AnyRequest], pairs: Iterable[tuple[str, str]]) -> AnyRequest:
    """The request as its model.

    :raises ParameterError: a parameter that is unknown, else the first that is missing or wrong, by name.
    """
    try:
        return model.model_validate(nested(pairs))
    except ValidationError as refusal:
        faults = refusal.errors()
        unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
        raise _in_stripes_words((unknown or faults)[0]) from None


def _in_stripes_words(fault: ErrorDetails) -> ParameterError:
    steps = [str(step) for step in fault["loc"] if step != "[key]"]
    # what is wrong with several together has no name of its own
    param = steps[0] + "".join(f"[{step}]" for step in steps[1:]) if steps else None
    value, context = fault["input"], fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden":
            return ParameterError(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")
        case "missing":
            return ParameterError(f"Missing required param: {param}.", param=param, code="parameter_missing")
        case "int_parsing" | "int_type" | "int_from_float":
            return ParameterError(f"Invalid integer: {value}", param=param, code="parameter_invalid_integer")
        case "greater_than_equal":
            least = f"This value must be greater than or equal to {context['ge']}."
            return ParameterError(least, param=param, code="parameter_invalid_integer")
        case "less_than_equal":
            most = f"This value must be less than or equal to {context['le']}."
            return ParameterError(most, param=param, code="parameter_invalid_integer")
        case "string_too_short" if value == "":
            empty = f"You passed an empty string for '{param}', which cannot be unset."
            return ParameterError(empty, param=param, code="parameter_invalid_empty")
        case "literal_error":
            return ParameterError(f"Invalid {param}: must be one of {context['expected']}", param=param)
        case "string_pattern_mismatch" if param and param.endswith("email"):
            return ParameterError(f"Invalid email address: {value}", param=param, code="email_invalid")
        case "value_error":
            reason = str(context["error"])
            code = "url_invalid" if reason == "Not a valid URL" else None
            return ParameterError(reason, param=param, code=code)
    return ParameterError(f"Invalid {param}: {fault['msg']}", param=param)
