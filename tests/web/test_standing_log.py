"""The log stands still while somebody buys, and a database goes back in time behind the log: the sale goes on, nothing
is signed twice, and whoever looks is told (T26-33, T26-41, T26-49).
"""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from config import Settings
from marketplace.accounts.values import Account
from marketplace.infra import backup
from marketplace.infra.db import db
from marketplace.infra.storage.folder import Folder
from marketplace.kernel import clock
from marketplace.oversight.values import BundleState
from marketplace.policy import queries as policies
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.jobs import watching
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.jobs.sequencing import TreeRefused
from marketplace.traceability.values import RECEIPTED
from sandbox.embedded_db import EmbeddedServer, find_server
from tests.deferred_jobs import waiting
from tests.factories.evidence import File, Trust, asked, faults
from tests.factories.log import a_key_folder, integrate
from tests.factories.restored import in_the_restored_house
from tests.factories.traceability import a_journey, an_act
from tests.web.conftest import the_sale
from tests.web.desk_visits import apply, buy
from tests.web.test_receipts import go_on, mails
from verify.findings import Code

pytestmark = pytest.mark.usefixtures("no_browser")

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
HOUR = timedelta(hours=1)
BEFORE = "before"


@pytest.fixture
def keys(shop: Flask, server: EmbeddedServer, tmp_path: Path) -> KeyFolder:
    """Of a log that is alive."""
    folder = a_key_folder(tmp_path / "log")
    with shop.app_context():
        traceability.record_act(an_act(a_journey()))
        db.session.commit()
    integrate(server, folder)
    return folder


def rung(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The alarms that the watch over the log raises now."""
    caplog.clear()
    with caplog.at_level(logging.ERROR, logger=watching.__name__):
        watching.watch_log()
    return [each.getMessage() for each in caplog.records if each.name == watching.__name__]


@pytest.mark.requirement("T26-33", "T26-41")
def test_while_nobody_keeps_the_log_for_an_hour_a_sale_goes_on_and_its_receipts_follow(  # noqa: PLR0917  pytest's fixtures
    shop: Flask, work: Work, code_for: CodeFor, keys: KeyFolder, server: EmbeddedServer,
    compliance: Account, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    with shop.app_context():
        assert rung(caplog) == []
        size = trail.checkpoint_size()
    with clock.frozen(clock.now() - HOUR), shop.app_context():
        traceability.record_act(an_act(a_journey()))  # the first that is not taken any more
        db.session.commit()
    with clock.frozen(clock.now() - HOUR / 3):
        customer, _ = apply(shop, code_for)
    customer.get(customer.at)
    assert customer.pay()
    work()
    for later in (11, 30):  # who waits for a receipt gives up after ten seconds
        with clock.frozen(clock.now() + timedelta(seconds=later)):
            go_on(shop, work)
    sale, (mail,) = the_sale(shop), mails(shop, "policy_issued")
    assert not [file.name for file in mail.files if not file.name.endswith(".pdf")], "without a proof, and sent"
    assert f"{sale.policy_number}.pdf" in {file.name for file in mail.files}
    go_on(shop, work)
    with shop.app_context():
        assert sale.policy_id
        assert sale.application_id
        assert trail.checkpoint_size() == size
        assert {each.log_index for each in trail.journey_entries(sale.journey_id)} == {None}
        issued = policies.policy(sale.policy_id)
        assert (issued.receipt_sha256, "checkout.send_receipts" in waiting()) == (None, True)
        (alarm,) = rung(caplog)
    waited = re.fullmatch(r"ALARM the evidence log stands still: its oldest entry waits for (\d+) seconds", alarm)
    assert waited
    assert int(waited[1]) >= HOUR.total_seconds()
    assert mails(shop, "policy_receipt") == []

    integrate(server, keys)
    go_on(shop, work)
    (late,) = mails(shop, "policy_receipt")
    with shop.app_context():
        integrate(server, keys)
        assert rung(caplog) == []
        assert policies.policy(sale.policy_id) == issued, "the policy stays as it was sent"
        bundle = asked(sale.application_id, compliance)
        assert (bundle.state, bundle.verified) == (BundleState.READY, True)
        assert faults(File.of(bundle, compliance).data, *(file.content for file in late.files)) == set()
    assert [file.name for file in late.files] == ["contract-concluded.tlog-proof", "policy-signed.tlog-proof"]


@pytest.fixture
def empty(server: EmbeddedServer, tmp_path: Path) -> Iterator[backup.Place]:
    """A database with nothing in it, and a folder that is not there yet."""
    server.create_database(BEFORE)
    files = Folder(tmp_path / "files")
    yield backup.Place(server.url("marketplace_owner", BEFORE), files, find_server().folder)
    server.drop_database(BEFORE)


@pytest.mark.requirement("T26-41", "T26-49")
def test_a_database_that_was_brought_back_is_not_signed_and_its_evidence_lacks_what_the_customer_holds(  # noqa: PLR0917  pytest's fixtures
    shop: Flask, work: Work, code_for: CodeFor, keys: KeyFolder, server: EmbeddedServer,
    compliance: Account, settings: Settings, empty: backup.Place, tmp_path: Path,
) -> None:  # fmt: skip
    """A real backup of between the conclusion and the sealed policy, while the folder of the log's key lives on."""
    buy(shop, work, code_for)
    integrate(server, keys)
    here = backup.Place(server.url("marketplace_owner"), Folder(Path(settings.storage_folder)), find_server().folder)
    made = backup.make(tmp_path / "backups", here, None)
    for _ in range(2):
        go_on(shop, work)
        integrate(server, keys)
    sale = the_sale(shop)
    with shop.app_context():
        assert sale.application_id
        receipts = [trail.receipt(sale.application_id, kind) for kind in RECEIPTED]
        trust, signed = Trust.told_now(), trail.checkpoint_size()
    backup.restore(made.folder, empty, None)
    with pytest.raises(TreeRefused, match=rf"{signed} were signed: the database went back in time"):
        integrate(server, keys, BEFORE)
    with in_the_restored_house(settings, server, BEFORE, tmp_path / "files"):
        assert trail.checkpoint_size() < signed
        bundle = asked(sale.application_id, compliance)
        data = File.of(bundle, compliance).data
        assert bundle.verified, "of itself it does not know"
        assert faults(data, receipts[0], trust=trust) == set()
        assert faults(data, *receipts, trust=trust) == {Code.TRUNCATED_TAIL, Code.FORK}
