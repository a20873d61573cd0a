"""How Stripe is called: the client, our own pauses, its errors as ours, lists page by page."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import stripe

from marketplace.infra import metrics
from marketplace.infra.payment_gateway import PaymentsUnavailable
from marketplace.infra.stripe_gateway import reading

T = TypeVar("T")

CONNECT_SECONDS, READ_SECONDS = 3, 10
NETWORK_RETRIES = 2
# The library gives up on the first 429 (measured with 16.1.0), so we pause ourselves: at most about two seconds.
RATE_LIMIT_PAUSES = (0.25, 0.5, 1.0)
PAGE = 100


class Calling:
    """One account at Stripe, in test or in live mode."""

    def __init__(
        self, secret_key: str, *, livemode: bool, api_base: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if livemode == secret_key.startswith(("sk_test_", "rk_test_")):
            raise ValueError("the key of the payment service belongs to the other mode")
        self._livemode = livemode
        self._sleep = sleep
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base.rstrip("/")} if api_base else None,
            max_network_retries=NETWORK_RETRIES,
            http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
        )

    def _ask(self, call: Callable[[], T]) -> T:
        for pause in (*RATE_LIMIT_PAUSES, None):
            try:
                with metrics.timed(metrics.NEIGHBOURS, "stripe"):
                    return call()
            except stripe.RateLimitError as error:
                if pause is None:
                    raise PaymentsUnavailable("the payment service is busy") from error
                self._sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  jitter, not a secret
            except stripe.StripeError as error:
                raise reading.failure(error) from error
        raise AssertionError("unreachable: the last pause is None")  # pragma: no cover

    def _listed(self, listing: Callable[[Any], Any], since: datetime, **more: Any) -> Iterator[Any]:
        """What was made at or after `since`, newest first, page by page."""
        after: dict[str, str] = {}
        while True:
            params = {"created": {"gte": int(since.timestamp())}, "limit": PAGE, **more, **after}
            page = self._ask(partial(listing, params))
            yield from page.data
            if not page.has_more:
                return
            after = {"starting_after": page.data[-1].id}
