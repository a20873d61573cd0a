"""The webhook events that the guide tells to choose at Stripe are those that something is done with."""

import re
from pathlib import Path
from typing import get_args

from stripe.params import WebhookEndpointCreateParams

from marketplace.infra.payment_gateway import ProviderEvent
from marketplace.kernel.ids import new_id
from marketplace.payment.services.inbox import _work_for

GUIDE = Path(__file__).parents[3] / "docs" / "running.md"


IDENTITY = "identity.verification_session."
"""Told by their family, as only those choose them who prove identities at Stripe."""


def test_the_guide_names_the_events_that_are_handled() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    told = re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", guide.split("## Stripe")[1].split("\n3. ")[0])
    taken = {kind for kind in every_kind() if handled(kind)}
    assert sorted(told) == sorted(kind for kind in taken if not kind.startswith(IDENTITY))
    assert f"`{IDENTITY}*`" in guide
    assert any(kind.startswith(IDENTITY) for kind in taken)


def every_kind() -> set[str]:
    """Every type of event that can be chosen, as the pinned library knows them."""
    (words,) = get_args(WebhookEndpointCreateParams.__annotations__["enabled_events"])
    kinds = set(get_args(words))
    assert {"checkout.session.completed", "charge.refunded"} < kinds
    return kinds


def handled(kind: str) -> bool:
    """Whether there is work for an event of this type about something of ours."""
    names = ("attempt_id", "refund_id", "payee_id", "mandate_id")
    ours = {"id": "x", "metadata": {name: str(new_id()) for name in names}}
    return _work_for(ProviderEvent("evt_1", kind, livemode=False, subject=ours, payload={})) is not None
