"""Every table is changed once by somebody who owns the database, on a copy of a real sale, and it is always found
(whole-system test 4 of the regulation checklist; T26-41).

By what: `Codes` of the offline verifier, a `Refusal` (nothing is handed out), or what `marketplace.cli check` says. A
table of the model that is not named here breaks `test_no_table_is_forgotten`.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marketplace.accounts.values import Role
from marketplace.infra import pictures, vault
from marketplace.infra.db import Base, db
from marketplace.infra.formatting import ZONE
from marketplace.infra.pictures import Picture, Taken
from marketplace.kernel import clock
from marketplace.kernel.remembering import Remembered
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import BundleState, Sale
from marketplace.policy import queries as policies
from marketplace.policy.services import end_contract
from marketplace.policy.values import EndContract, Ending, PolicyFrame
from marketplace.privacy import services as privacy
from marketplace.privacy.services import holding
from marketplace.privacy.values import Dispute
from marketplace.traceability import services as traceability
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.jobs.sequencing import TreeRefused
from marketplace.traceability.queries import trail
from marketplace.traceability.rules.notes import Signer
from marketplace.traceability.values import Actor, EntryType, journey_of_readings
from sandbox.embedded_db import EmbeddedServer
from tests.factories.accounts import a_member_of_staff
from tests.factories.evidence import File, acting, asked, faults
from tests.factories.log import ORIGIN, integrate
from tests.factories.recordings import record, view_of
from tests.factories.retention import an_open_dispute
from tests.factories.traceability import an_act
from tests.web.bought_sale import Bought, Copy, a_bought_sale, a_copy
from tests.web.conftest import Grounds
from verify.findings import Code

OTHERS = 300  # entries before the sale, so that the log has a full tile


@dataclass(frozen=True)
class Codes:
    """The verifier's, and the act whose entry it names, where the change is of one entry."""

    codes: frozenset[Code]
    entry: EntryType | None = None


@dataclass(frozen=True)
class Refusal:
    """Nothing is handed out; the code says why."""

    code: str


@dataclass(frozen=True)
class Said:
    """A line of `check`; `entry` is the act whose places in the log it names, or the last of them."""

    sentence: str
    entry: EntryType | None = None

    def line(self, copy: Copy) -> str:
        if self.entry is None:
            return self.sentence
        places = [str(each) for each in copy.indexes_of(self.entry)]
        return self.sentence.replace("{index}", ", ".join(places)).replace("{last}", places[-1])


def codes(*found: Code, entry: EntryType | None = None) -> Codes:
    return Codes(frozenset(found), entry)


def otherwise(entry: EntryType, about: str = "") -> Said:
    return Said(f"{about}what is kept is not what the entry {entry} says ({{index}})", entry)


def gone(entry: EntryType) -> Said:
    return Said(f"what the entry {entry} says is not kept ({{last}})", entry)


T = EntryType
CHANGED = "set_byte({0}, 20, get_byte({0}, 20) # 1)".format
# Table -> how a value of one row of it is altered, and how that is found.
TAMPERED: Mapping[str, tuple[str, Codes | Refusal | Said]] = {
    # the trail, and what its pages are made of
    "traceability_entry": (
        "SET actor_role = 'admin' WHERE log_index = {answer:given}", codes(Code.BODY_ALTERED, entry=T.ANSWER_GIVEN),
    ),
    "traceability_journey": (
        "SET channel = 'assisted' WHERE id = '{journey}'", Said("channel is kept otherwise than the contract says"),
    ),
    "traceability_page_version": (
        """SET manifest = jsonb_set(manifest, '{{locale}}', '"xx"') WHERE id =
           (SELECT page_version_id FROM traceability_entry WHERE log_index = {page:shown})""",
        codes(Code.PAGE_VERSION_ALTERED, entry=T.PAGE_SHOWN),
    ),
    "traceability_release": (
        """SET content = jsonb_set(content, '{{assets,css/evenfold.css}}', '"00"')""",
        Said("what was released is not of its hash"),
    ),
    "traceability_page_online": (
        """SET online_at = online_at + interval '1 day' WHERE page_version_id =
           (SELECT page_version_id FROM traceability_entry WHERE log_index = {exclusions:confirmed})""",
        Said("the page was shown before it is said to have come online"),
    ),
    # the log
    "traceability_log_tile": (
        f"SET root = {CHANGED('root')} WHERE level = 0 AND index = 0",
        codes(Code.NOT_IN_LOG, Code.FORK, Code.TIMESTAMP_INVALID),
    ),
    "traceability_log_checkpoint": (
        "SET note = overlay(note placing 'x' from 20)", codes(Code.BAD_SIGNATURE, Code.TIMESTAMP_INVALID),
    ),
    "traceability_log_key": ("SET vkey = '{other_key}'", codes(Code.UNKNOWN_KEY, Code.TIMESTAMP_INVALID)),
    "traceability_timestamp": (f"SET token = {CHANGED('token')}", Refusal("traceability:log-altered")),
    "traceability_recording": ("SET sha256 = repeat('0', 64)", Refusal("traceability:log-altered")),
    # what pages and bundles name by hash
    "disclosure_wording": (
        "SET text = text || '.' WHERE key = 'entry_notice' AND locale = 'en'", codes(Code.ASSET_REPLACED),
    ),
    "catalog_product_version": (
        """SET content = jsonb_set(content, '{{code}}', '"OTHER"')""",
        Said("the content of the product version is not of its hash"),
    ),
    "catalog_document": (
        "SET title = title || '.' WHERE position = 0", Said("the content of the product version is not of its hash"),
    ),
    "rating_tariff": (
        """SET body = jsonb_set(body, '{{line}}', '"travel"')""",
        Said("the tariff of the product version is not of its hash"),
    ),
    # what was offered, told, confirmed, decided
    "quoting_need": (
        "SET start_on = start_on + 1 WHERE id = (SELECT need_id FROM application_application)",
        otherwise(T.APPLICATION_SUBMITTED),
    ),
    "quoting_offer": (
        """SET premium_minor = premium_minor + 1, total_minor = (premium_minor + 1) * payments
           WHERE id = (SELECT offer_id FROM application_application)""",
        otherwise(T.APPLICATION_SUBMITTED),
    ),
    "application_application": ("SET insurer_id = gen_random_uuid()", otherwise(T.APPLICATION_SUBMITTED)),
    "application_confirmation": (
        "SET subject_sha256 = repeat('0', 64) WHERE kind = 'exclusions'", otherwise(T.EXCLUSIONS_CONFIRMED),
    ),
    "application_identity_check": ("SET reference = 'demo-another'", otherwise(T.IDENTITY_VERIFIED)),
    "application_insured_consent": (
        """(id, application_id, state, subject_sha256, token_hash, asked_at, expires_at, answered_at)
           SELECT gen_random_uuid(), id, 'given', repeat('0', 64), repeat(md5(id::text), 2), now(), now(), now()
           FROM application_application""",
        Said("no entry insured:consented says what is kept"),
    ),
    "underwriting_decision": ("SET outcome = 'refer'", otherwise(T.UNDERWRITING_DECIDED)),
    # the money
    "checkout_order": ("SET total_minor = total_minor + 1", otherwise(T.PAYMENT_SUCCEEDED)),
    "checkout_order_line": ("SET premium_minor = premium_minor + 1", otherwise(T.APPLICATION_SUBMITTED)),
    "payment_attempt": ("SET received_minor = received_minor + 1", otherwise(T.PAYMENT_SUCCEEDED)),
    "payment_refund": (
        """(id, attempt_id, amount_minor, currency, reason, state, requested_at)
           SELECT gen_random_uuid(), id, 1, currency, 'not_issuable', 'succeeded', now() FROM payment_attempt""",
        Said("no entry refund:succeeded says what is kept"),
    ),
    # the contract, its paper and its mails
    "policy_policy": (
        "SET premium_minor = premium_minor + 1", Said("premium is kept otherwise than the contract says"),
    ),
    "privacy_hold": (
        "SET closed_on = closed_on - 1000 WHERE kind = 'complaint'", otherwise(T.HOLD_CLOSED),
    ),
    "policy_version": ("SET body_sha256 = repeat('0', 64)", otherwise(T.CONTRACT_CONCLUDED)),
    "policy_document": ("SET document_sha256 = repeat('0', 64)", otherwise(T.POLICY_SIGNED)),
    "policy_number_range": ("SET next = 1", Said("the number would be given again")),
    "correspondence_message": (
        "SET eml_sha256 = repeat('0', 64) WHERE kind = 'policy_issued'", otherwise(T.POLICY_MAILED),
    ),
    "oversight_sale": ("SET policy_number = 'EF-HARBOUR-2026-000999'", codes(Code.WRONG_CONTRACT)),
    "oversight_picture": ("SET sha256 = repeat('0', 64)", Refusal("marketplace:not-found")),
    "infra_subject_key": (
        f"SET wrapped = {CHANGED('wrapped')} WHERE id = '{{journey}}'", Refusal("vault:unreadable"),
    ),
}  # fmt: skip

ELSEWHERE = {
    "traceability_evidence_intake": "test_what_is_altered_before_it_is_in_the_log_is_found",
    "oversight_bundle": "test_a_file_that_lies_ready_is_not_handed_out_altered",
}
"""Tables with a test of their own below."""

_BOOKS = "whose money it is; payment, contract and refund are in the log, and `check` holds the books to them"
_WHO = "who may sign in, and with what; an entry names the account itself"
_ROAD = "the road to a publication; what was published is the version of the product"
_ERASURE = "who asked for what of their data; that it was erased is an entry"
_AGAINST = "against what further views and recordings are to be kept; each names its own file"
_PLANNED = "which applications were to be paid together; that they were is in the order"
_DRAWN = "what a check of the evidence said; anybody can check again"
_SCREENED = (
    "why somebody was looked at, which no file of a sale may say; who decided is kept with the case, and only added"
)
NOT_EVIDENCE: Mapping[str, str] = dict.fromkeys(
    (
        "accounts_account", "accounts_api_key", "accounts_ceremony", "accounts_challenge", "accounts_device",
        "accounts_invitation", "accounts_limit", "accounts_one_time_secret", "accounts_passkey",
        "accounts_recovery_code", "accounts_security_event", "accounts_session",
    ), _WHO,
) | dict.fromkeys(("listing_draft", "listing_event", "listing_rate_card", "listing_upload"), _ROAD) | dict.fromkeys(
    ("privacy_erasure", "privacy_export", "privacy_notice", "privacy_request", "privacy_restriction", "privacy_run"),
    _ERASURE,
) | dict.fromkeys(("traceability_page_reference", "traceability_recording_reference"), _AGAINST) | dict.fromkeys(
    ("screening_case", "screening_event", "screening_fact", "screening_trace"), _SCREENED,
) | {
    "application_identity_session": "how a check stands at its verifier; what came out of it is a check and an entry",
    "accounts_insurer": "the contract itself says the insurer's name, licence and address",
    "accounts_insurer_application": "how an insurer came to us",
    "accounts_insurer_fact": "what pages said of an insurer stands in the pages",
    "accounts_practitioner": "a public register; the entry of an answer says the number of the certificate itself",
    "consultation_message": "the evidence holds each message to the hash in its entry, or is not made",
    "consultation_public_answer": "for everybody, and about no contract",
    "consultation_thread": "when it waits for whom; that was asked and answered are entries",
    "accounts_suspension": "from when nothing new is sold; what was sold stays",
    "accounts_commission_term": "between the insurer and us",
    "accounts_payee": "where an insurer's money goes",
    "catalog_product": "the version says its code and line itself",
    "catalog_sale_end": "from when a version is sold no more; what was sold stays",
    "disclosure_announcement": "for everybody, and about no contract; `check` holds each to the entry of its release",
    "disclosure_site_report": "what somebody saw elsewhere, about no contract",
    "needs_scheme": "how cover was planned before anything was applied for; its hash is an entry",
    "oversight_sample": _DRAWN,
    "oversight_sampled": _DRAWN,
    "needs_basket": _PLANNED,
    "needs_basket_line": _PLANNED,
    "checkout_delivery": "by when a mail was to leave; that it left is an entry",
    "payment_provider_event": "the provider's words as they came; what they made true is in the log",
    "payment_balance_check": "what was compared of all money together",
    "payment_ledger_entry": _BOOKS,
    "payment_ledger_line": _BOOKS,
    "payment_dispute": "what a bank said of a payment; that it did, and how it ended, are entries",
    "payment_refund_wish": "who asked and who agreed are entries, and `check` holds the refund to what was agreed to",
    "payment_premium_return": _BOOKS,
    "payment_transfer": _BOOKS,
    "payment_transfer_reversal": _BOOKS,
    "payment_provider_movement": "the provider's own account of our money; the payment itself is in the log",
    "underwriting_inquiry": "what was asked and answered stands in the trail by its hash (test_referrals)",
    "payment_mandate": "that its customer agreed, and by which words, and stopped, are entries",
    "servicing_premium": "how a premium stands; what was told, charged and paid are entries and in the books",
    "policy_instalment": "the contract itself says how often, how many times and how much; an entry has their hash",
    "policy_allotted_range": "which numbers an insurer set aside; `check` holds the contracts to them",
    "policy_paper_range": "the next number of a receipt or a letter; the table of papers refuses one given twice",
    "policy_seal_root": "by it the public check tells our seal from another; valid is only what is on record as well",
    "traceability_time_authority": "whom to believe about time is for the reader; another's stamp proves nothing",
    "traceability_recording_chunk": "what a browser has sent so far; evidence is what it is put together to",
}  # fmt: skip


def test_no_table_is_forgotten() -> None:
    named: Sequence[str] = [*TAMPERED, *ELSEWHERE, *NOT_EVIDENCE]
    assert sorted(named) == sorted(Base.metadata.tables)
    assert set(ELSEWHERE.values()) <= globals().keys()


@pytest.fixture(scope="module")
def bought(grounds: Grounds) -> Iterator[Bought]:
    """With the pictures of its pages. It has ended; one dispute about it is closed, another one is not."""
    with (
        pytest.MonkeyPatch.context() as patch,
        a_bought_sale(grounds, others=OTHERS) as found,
    ):
        patch.setattr(pictures, "take", pictured)
        with found.shop.app_context():
            record(view_of(found.sale.application_id, "application.exclusions"), ticked=True)
            end_in_dispute(found.sale)
            integrate(grounds.server, found.keys)
            assert asked(found.sale.application_id, found.account).verified
        yield found


def end_in_dispute(sale: Sale) -> None:
    assert sale.policy_id
    end_contract(EndContract(sale.policy_id, Ending.CANCELLED, clock.today(ZONE)))
    policy = policies.policy(sale.policy_id)
    privacy.close_hold(an_open_dispute(policy).id, "Settled.", acting(a_member_of_staff(Role.ADMIN_COMPLIANCE)))
    an_open_dispute(policy, Dispute.LAWSUIT)


def pictured(pages: Sequence[bytes], _files: object) -> Taken:
    """In place of a browser."""
    return Taken(
        tuple(Picture(b"\x89PNG" + sha256(page).digest(), b"%PDF" + sha256(page).digest()) for page in pages),
        "Chromium 1",
    )


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a process that has just begun."""
    monkeypatch.setattr(trail, "_journeys", Remembered(size=16))
    vault.forget()


def lines() -> set[str]:
    """What `check` says of contracts and papers."""
    db.session.rollback()
    said = (*oversight.disagreements(), *oversight.contradictions(), *policies.unsound_papers())
    return {sentence for _name, sentence in said}


def alter(copy: Copy, table: str, change: str) -> None:
    acts = {each.value: copy.index_of(each) for each in EntryType if "{" + each.value + "}" in change}
    names = {
        "journey": copy.sale.journey_id,
        "other_key": Signer(ORIGIN, Ed25519PrivateKey.generate()).verifier.vkey,
    }
    for name, value in {**acts, **names}.items():
        change = change.replace("{" + name + "}", str(value))
    statement = f"UPDATE {table}" if change.startswith("SET") else f"INSERT INTO {table}"
    copy.run(f"{statement} {change.replace('{{', '{').replace('}}', '}')}")


@pytest.mark.requirement("T26-41", "T26-43")
@pytest.mark.parametrize("table", TAMPERED)
def test_a_value_of_any_table_that_is_altered_is_found(bought: Bought, table: str) -> None:
    change, expected = TAMPERED[table]
    with bought.shop.app_context(), a_copy(bought) as copy:
        alter(copy, table, change)
        if isinstance(expected, Said):
            assert expected.line(copy) in lines()
            return
        bundle = asked(bought.sale.application_id, bought.account)
        if isinstance(expected, Refusal):
            assert (bundle.state, bundle.failure) == (BundleState.REFUSED, expected.code)
            return
        assert (bundle.state, bundle.verified) == (BundleState.READY, False)
        assert faults(File.of(bundle, bought.account).data) == expected.codes
        named = {each["entry"] for each in bundle.findings if each["fault"]}
        assert expected.entry is None or copy.index_of(expected.entry) in named


@pytest.mark.requirement("T26-36", "T26-41")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE traceability_release SET reviewer = 'Wang Fang'", "its reviewer is not what the entry %s says"),
        ("UPDATE traceability_release SET author = 'Wang Fang'", "its author is not what the entry %s says"),
        ("UPDATE traceability_release SET entry_id = NULL", "its entry is not what the entry %s says"),
        ("DELETE FROM traceability_release", "what the entry %s says is not kept"),
        ("DELETE FROM traceability_entry WHERE type = 'pages:released'", "no entry pages:released says it"),
    ],
)
def test_who_released_the_pages_is_what_the_log_says(bought: Bought, change: str, expected: str) -> None:
    with bought.shop.app_context(), a_copy(bought) as copy:
        asked_for = "SELECT log_index FROM traceability_entry WHERE type = 'pages:released'"
        (index,) = copy.owner.execute(asked_for).fetchone()
        assert lines() == set()
        copy.run(change)
        assert lines() == {expected.replace("%s", f"pages:released ({index})")}


# What decides when evidence is destroyed -> how it is altered, and the act whose entry says otherwise.
DECIDING = {
    "the day of the end": ("UPDATE policy_policy SET ended_on = ended_on - 400", otherwise(T.CONTRACT_ENDED)),
    "the way of the end": ("UPDATE policy_policy SET ending = 'void'", otherwise(T.CONTRACT_ENDED)),
    "the end": (
        "UPDATE policy_policy SET state = 'in_force', ended_on = NULL, ending = NULL, ended_at = NULL",
        gone(T.CONTRACT_ENDED),
    ),
    "the beginning of a dispute": (
        "UPDATE privacy_hold SET opened_at = opened_at - interval '2 days' WHERE kind = 'lawsuit'",
        otherwise(T.HOLD_OPENED),
    ),
    "what kind of dispute it is": (
        "UPDATE privacy_hold SET kind = 'complaint' WHERE kind = 'lawsuit'", otherwise(T.HOLD_OPENED),
    ),
    "the end of an open dispute": (
        """UPDATE privacy_hold SET (closed_on, closed_at, closed_by, outcome) =
           (SELECT closed_on, closed_at, closed_by, outcome FROM privacy_hold WHERE kind = 'complaint')
           WHERE kind = 'lawsuit'""",
        otherwise(T.HOLD_CLOSED),
    ),
    "the end of a closed dispute": (
        """UPDATE privacy_hold SET closed_on = NULL, closed_at = NULL, closed_by = NULL, outcome = NULL
           WHERE kind = 'complaint'""",
        gone(T.HOLD_CLOSED),
    ),
    "a closed dispute": ("DELETE FROM privacy_hold WHERE kind = 'complaint'", gone(T.HOLD_CLOSED)),
    "an open dispute": ("DELETE FROM privacy_hold WHERE kind = 'lawsuit'", gone(T.HOLD_OPENED)),
    "that it was erased": (
        "UPDATE policy_policy SET erased_at = now()", Said("no entry data:erased says what is kept"),
    ),
    "that what was told for it was erased": (
        "UPDATE application_application SET erased_at = now()", Said("no entry data:erased says what is kept"),
    ),
}  # fmt: skip


@pytest.mark.requirement("T26-41", "T26-44", "T26-45", "T26-46")
@pytest.mark.parametrize("name", DECIDING)
def test_what_decides_when_evidence_is_destroyed_is_what_the_log_says(bought: Bought, name: str) -> None:
    change, expected = DECIDING[name]
    with bought.shop.app_context(), a_copy(bought) as copy:
        assert lines() == set()
        copy.run(change)
        assert expected.line(copy) in lines()


@pytest.mark.requirement("T26-45")
def test_a_dispute_whose_entry_names_no_day_ended_on_the_day_of_its_entry(
    bought: Bought, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they once were."""

    def enter(frame: PolicyFrame, kind: EntryType, by: Actor, *, on: date, **said: UUID | str) -> None:
        assert on == clock.today(frame.period.zone)
        enter_now(frame, kind, by, **said)

    enter_now = holding._enter
    monkeypatch.setattr(holding, "_enter", enter)
    assert bought.sale.policy_id
    with bought.shop.app_context(), a_copy(bought) as copy:
        dispute = an_open_dispute(policies.policy(bought.sale.policy_id))
        privacy.close_hold(dispute.id, "Settled.", acting(bought.account))
        db.session.commit()
        assert lines() == set()
        copy.run("UPDATE privacy_hold SET closed_on = closed_on - 1 WHERE id = %s", dispute.id)
        places = f"{copy.index_of(T.HOLD_CLOSED)}, outside the log"
        assert lines() == {f"what is kept is not what the entry hold:closed says ({places})"}


@pytest.mark.requirement("T26-48")
@pytest.mark.parametrize("number", [0, 1], ids=["asked", "made"])
def test_a_reading_that_is_taken_out_before_it_is_in_the_log_is_missed(bought: Bought, number: int) -> None:
    """What is taken out later leaves a hole in the log. Of a look, and of taking it away, nothing else is kept."""
    with bought.shop.app_context(), a_copy(bought) as copy:
        assert asked(bought.sale.application_id, bought.account).verified
        db.session.commit()
        assert lines() == set()
        readings = trail.journey_entries(journey_of_readings(bought.sale.application_id))[-2:]
        assert [each.body["what"] for each in readings] == ["asked", "made"]
        copy.run("DELETE FROM traceability_evidence_intake WHERE id = %s", readings[number].id)
        (line,) = lines()
        assert line.startswith("what is kept is not what the entry evidence:read says (")


@pytest.mark.requirement("T26-41")
def test_what_is_altered_before_it_is_in_the_log_is_found(
    bought: Bought, server: EmbeddedServer, tmp_path: Path
) -> None:
    keys = KeyFolder(Path(shutil.copytree(bought.keys.path, tmp_path / "log")), ORIGIN)
    with bought.shop.app_context(), a_copy(bought) as copy:
        act = an_act(bought.sale.journey_id, T.DATA_RESTRICTED, application_id=bought.sale.application_id)
        traceability.record_act(act)
        db.session.commit()
        copy.run("UPDATE traceability_evidence_intake SET actor_label = 'nobody'")
        integrate(server, keys)
        bundle = asked(bought.sale.application_id, bought.account)
        assert faults(File.of(bundle, bought.account).data) == {Code.BODY_ALTERED}
        (found,) = (each for each in bundle.findings if each["fault"])
        assert found["entry"] == copy.index_of(T.DATA_RESTRICTED)


def test_a_file_that_lies_ready_is_not_handed_out_altered(bought: Bought) -> None:
    with bought.shop.app_context(), a_copy(bought) as copy:
        bundle = asked(bought.sale.application_id, bought.account)
        copy.run(f"UPDATE oversight_bundle SET content = {CHANGED('content')} WHERE id = %s", bundle.id)
        db.session.rollback()
        with pytest.raises(vault.Unreadable):
            oversight.bundle_bytes(bundle.id, bought.account.id)


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM traceability_entry WHERE log_index = (SELECT max(log_index) FROM traceability_entry)",
        f"UPDATE traceability_entry SET leaf_hash = {CHANGED('leaf_hash')} WHERE mod(log_index, 256) = 0",
        f"UPDATE traceability_log_tile SET root = {CHANGED('root')}",
        f"UPDATE traceability_log_checkpoint SET root = {CHANGED('root')}",
        "DELETE FROM traceability_log_checkpoint WHERE size = (SELECT max(size) FROM traceability_log_checkpoint)",
    ],
)
def test_over_an_altered_log_nothing_more_is_signed(
    bought: Bought, server: EmbeddedServer, tmp_path: Path, change: str
) -> None:
    keys = KeyFolder(Path(shutil.copytree(bought.keys.path, tmp_path / "log")), ORIGIN)
    with bought.shop.app_context(), a_copy(bought) as copy:
        copy.run(change)
        with pytest.raises(TreeRefused):
            integrate(server, keys)


@pytest.mark.requirement("T26-41")
def test_an_answer_that_was_altered_by_somebody_with_the_key_is_not_the_one_given(bought: Bought) -> None:
    with bought.shop.app_context(), a_copy(bought) as copy:
        application = bought.sale.application_id
        (kept,) = copy.owner.execute("SELECT answers FROM application_application").fetchone()
        place = f"application_application.answers/{application}"
        answers = json.loads(vault.open(application, place, kept))
        question = next(iter(answers))
        sealed = vault.seal(application, place, json.dumps({**answers, question: True}).encode())
        copy.run("UPDATE application_application SET answers = %s", sealed)
        assert any(each.startswith(f"{question}: what is kept is not what the entry answer:given") for each in lines())


@pytest.mark.requirement("T26-41", "T26-43")
def test_every_file_of_the_sale_is_missed_when_a_byte_of_it_changes(bought: Bought) -> None:
    """Documents, the policy and the pictures. Our texts are read from their table."""
    with bought.shop.app_context(), a_copy(bought) as copy:
        core = File.of(asked(bought.sale.application_id, bought.account), bought.account).core
        texts = {row[0] for row in copy.owner.execute("SELECT sha256 FROM disclosure_wording")}
        named = {each["sha256"] for each in (*core["documents"], *core["exhibits"])} - texts
        places = [copy.store / each[:2] / each[2:4] / each for each in named]
        files = [path for place in places for path in (place, place.with_suffix(".sealed")) if path.exists()]
        assert len(files) > 20
        for path in files:
            data = path.read_bytes()
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            bundle = asked(bought.sale.application_id, bought.account)
            path.write_bytes(data)
            assert bundle.state is BundleState.REFUSED, path.name
            assert bundle.failure in {"storage:file-altered", "vault:unreadable"}


def test_nothing_is_found_where_nothing_was_altered(bought: Bought) -> None:
    """The control of everything above: what it changed was put back."""
    with bought.shop.app_context():
        assert lines() == set()
        bundle = asked(bought.sale.application_id, bought.account)
        assert (bundle.state, bundle.verified, bundle.failure) == (BundleState.READY, True, None)
        assert faults(File.of(bundle, bought.account).data) == set()
