"""A real sale in a log whose key changed before it and after it: whoever holds one of the keys believes its evidence,
and abuse of the change is found (T26-41).
"""

import json
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marketplace.infra import vault
from marketplace.oversight.values import BundleState
from marketplace.traceability import queries as trail
from marketplace.traceability.rules.notes import Checkpoint, Signer
from marketplace.traceability.rules.rotation import journey_of_log, statement
from tests.factories.evidence import File, asked, faults, judged
from tests.factories.log import ORIGIN
from tests.journeys.conftest import CHROMIUM
from tests.verify.attacked import Attack
from tests.verify.browser import a_verifier, in_browser
from tests.web.bought_sale import Bought, Copy, a_bought_sale, a_copy
from tests.web.conftest import Grounds
from verify.findings import Code

pytestmark = [pytest.mark.usefixtures("no_browser"), pytest.mark.requirement("T26-41")]


@pytest.fixture(scope="module")
def bought(grounds: Grounds) -> Iterator[Bought]:
    with a_bought_sale(grounds, rotating=True) as found:
        yield found


def evidence(bought: Bought) -> bytes:
    bundle = asked(bought.sale.application_id, bought.account)
    assert bundle.state is BundleState.READY
    return File.of(bundle, bought.account).data


def keys(bought: Bought) -> list[str]:
    return [signer.verifier.vkey for signer in (*bought.retired, bought.keys.signer())]


def test_whichever_key_of_the_log_a_reader_holds_it_verifies(bought: Bought) -> None:
    """The log's first one, the one of the sale, which is printed on the policy, and the one of today."""
    with bought.shop.app_context():
        data = evidence(bought)
        assert len(set(keys(bought))) == 3
        assert [faults(data, vkey=vkey) for vkey in keys(bought)] == [set()] * 3
        assert faults(data) == set()
        stranger = Signer(ORIGIN, Ed25519PrivateKey.generate()).verifier.vkey
        assert faults(data, vkey=stranger) == {Code.UNKNOWN_KEY, Code.TIMESTAMP_INVALID}


def rotations(copy: Copy) -> list[int]:
    found = copy.owner.execute(
        "SELECT log_index FROM traceability_entry WHERE type = 'log:key_rotated' ORDER BY log_index"
    ).fetchall()
    return [index for (index,) in found]


def unsaid(copy: Copy, _bought: Bought) -> None:
    """The change is no change any more."""
    copy.run("UPDATE traceability_entry SET type = 'log:stamped' WHERE log_index = %s", rotations(copy)[1])


def said_otherwise(copy: Copy, bought: Bought) -> None:
    """Another key in place of the one that was entered, signed by the old one, which was stolen."""
    index = rotations(copy)[1]
    stranger = Signer(ORIGIN, Ed25519PrivateKey.generate())
    (entry_id,) = copy.owner.execute("SELECT id FROM traceability_entry WHERE log_index = %s", (index,)).fetchone()
    said = json.dumps(statement(bought.retired[1], stranger, index)).encode()
    place = f"traceability_evidence_intake.body/{entry_id}"
    sealed = vault.seal(journey_of_log(ORIGIN), place, b"0" * 16 + said)
    copy.run("UPDATE traceability_entry SET body = %s WHERE log_index = %s", sealed, index)


def signed_by(which: int) -> Callable[[Copy, Bought], None]:
    """The newest checkpoint by a key that was changed, which was stolen."""

    def attack(copy: Copy, bought: Bought) -> None:
        checkpoint = Checkpoint.parse(trail.checkpoint().rpartition("\n\n")[0] + "\n")
        note = bought.retired[which].note(checkpoint.text)
        copy.run("UPDATE traceability_log_checkpoint SET note = %s WHERE size = %s", note, checkpoint.size)

    return attack


NO_WAY = Code.CONSISTENCY_MISSING  # to the newest tree that is left
ATTACKS = {
    "a change of the key is not said any more": (unsaid, {Code.ROTATION_MISSING, NO_WAY}, {Code.UNKNOWN_KEY, NO_WAY}),
    "a change of the key names another key": (
        said_otherwise,
        {Code.ROTATION_FORGED, Code.ROTATION_MISSING, NO_WAY},
        {Code.ROTATION_FORGED, Code.UNKNOWN_KEY, NO_WAY},
    ),
    "the first key signs what is newest": (signed_by(0), {Code.KEY_RETIRED, NO_WAY}, {Code.KEY_RETIRED, NO_WAY}),
    "the second key signs what is newest": (signed_by(1), {Code.KEY_RETIRED, NO_WAY}, {Code.KEY_RETIRED, NO_WAY}),
}
"""What is found by who was told all keys by us, and by who holds the first one alone."""


@pytest.mark.parametrize("name", ATTACKS)
def test_abuse_of_the_change_of_the_key_is_found(bought: Bought, name: str) -> None:
    attack, told, printed = ATTACKS[name]
    with bought.shop.app_context(), a_copy(bought) as copy:
        attack(copy, bought)
        data = evidence(bought)
        assert (faults(data), faults(data, vkey=keys(bought)[0])) == (told, printed)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
@pytest.mark.parametrize("name", [None, *ATTACKS])
def test_the_browser_finds_the_same(bought: Bought, name: str | None) -> None:
    with bought.shop.app_context(), a_copy(bought) as copy:
        if name is not None:
            ATTACKS[name][0](copy, bought)
        data, authorities = evidence(bought), trail.time_authorities()
        found = {vkey: judged(data, vkey=vkey).findings for vkey in keys(bought)}
    with a_verifier() as page:
        for vkey, findings in found.items():
            case = Attack(data, (), policy=f"log {vkey}\nquorum none\n", authorities=authorities)
            expected = [(each.code.value, each.entry) for each in findings]
            assert sorted(in_browser(page, case), key=str) == sorted(expected, key=str)


def test_without_abuse_it_verifies_before_and_after(bought: Bought) -> None:
    with bought.shop.app_context():
        assert faults(evidence(bought), vkey=keys(bought)[0]) == set()
