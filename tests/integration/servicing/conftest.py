"""A contract that is paid every month, against the simulator."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from marketplace.catalog.values import Frequency, Payment, PaymentMethod
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.policy import services as policies
from marketplace.policy.values import Policy
from tests.deferred_jobs import drain
from tests.factories.accounts import agreed_terms, an_insurer
from tests.factories.policy import a_contract, a_published_version
from tests.simulator_server import SimulatorServer, simulator_in_use


@pytest.fixture
def simulator(tmp_path: Path, database: None) -> Iterator[SimulatorServer]:
    with simulator_in_use(tmp_path) as running:
        yield running


@pytest.fixture
def contract(simulator: SimulatorServer) -> Policy:
    """Four premiums, the first of which was paid; cover began today. Its premiums are taken up."""
    return a_monthly_contract()


def a_monthly_contract(**changes: Any) -> Policy:
    """`changes`: of what its product says."""
    insurer = an_insurer()
    agreed_terms(insurer, "term_life")
    methods = (PaymentMethod.CARD, PaymentMethod.ALIPAY)
    version = a_published_version(insurer.id, payment=Payment(Frequency.MONTHLY, times=4, methods=methods), **changes)
    begun = clock.today(ZONE)
    policy = policies.issue(a_contract(insurer, product_version_id=version.id, start_on=begun))
    db.session.commit()
    assert "servicing.take_up" in drain("servicing")
    return policy
