"""Errors in Stripe's shape: `{"error": {"type", "code", "param", "message", …}}` with an HTTP status."""

from typing import Any

JsonObject = dict[str, Any]


class ApiError(Exception):
    """One refusal. `keeps_work` says that what was written before it stays (a declined card leaves a charge)."""

    keeps_work = False

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        details: JsonObject | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        doc_url = f"https://docs.stripe.com/error-codes#{code.replace('_', '-')}" if code else None
        named = {"type": kind, "code": code, "message": message, "param": param, "doc_url": doc_url}
        self.body: JsonObject = {
            "error": {name: value for name, value in (named | (details or {})).items() if value is not None}
        }


class ParameterError(ApiError):
    """A parameter failed validation: the work never began, so no idempotent answer is saved."""

    def __init__(self, message: str, *, param: str | None, code: str | None = None) -> None:
        super().__init__(400, "invalid_request_error", message, code=code, param=param)


class CardDeclinedError(ApiError):
    """The issuer said no (402). The failed charge and its events stay."""

    keeps_work = True

    def __init__(self, message: str, *, code: str, details: JsonObject) -> None:
        super().__init__(402, "card_error", message, code=code, details=details)


def invalid_request(
    message: str, *, code: str | None = None, param: str | None = None, details: JsonObject | None = None
) -> ApiError:
    return ApiError(400, "invalid_request_error", message, code=code, param=param, details=details)


def missing(kind: str, identifier: str, param: str, status: int = 404) -> ApiError:
    """An object asked for by the path (404) or named in a parameter (400) does not exist."""
    message = f"No such {kind}: '{identifier}'"
    return ApiError(status, "invalid_request_error", message, code="resource_missing", param=param)


def unknown_route(method: str, path: str) -> ApiError:
    message = (
        f"Unrecognized request URL ({method}: {path}). This simulator models a part of Stripe's API; "
        "its README lists which."
    )
    return ApiError(404, "invalid_request_error", message)


def unauthenticated(message: str) -> ApiError:
    return ApiError(401, "invalid_request_error", message)


def failure(status: int = 500, message: str = "Something went wrong on the simulator's side.") -> ApiError:
    return ApiError(status, "api_error", message)
