"""Sealed data: opens in its place with its subject's key, and never again once that key is destroyed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.infra import jobs, present, vault
from marketplace.infra.db import apart, db
from marketplace.infra.keeper import Keeper, KeyClass, Keys, Limits, Wrapped
from marketplace.kernel import ids

ROOT = Path(__file__).parents[3]
SECRET = "心脏 heart operation 2019".encode()
PLACE = "application_application.persons/1"


class Counting:
    """A keeper that counts what it is asked."""

    def __init__(self, keys: Keys) -> None:
        self._keeper = Keeper(keys)
        self.asked: list[tuple[str, int]] = []

    def __getattr__(self, name: str):
        def ask(*arguments):
            items = next((each for each in arguments if not isinstance(each, str)), ())
            self.asked.append((name, len(items)))
            return getattr(self._keeper, name)(*arguments)

        return ask


@pytest.fixture
def keeper(database: None, settings):
    """A keeper of this test's own, which counts."""
    mine = Counting(Keys.made())
    vault.configure(mine)
    yield mine
    vault.configure(vault.RemoteKeeper(settings.keeper_socket))


def a_subject() -> UUID:
    return ids.new_id()


def test_what_was_sealed_opens_and_shows_nothing(keeper: Counting) -> None:
    anna = a_subject()
    sealed = vault.seal(anna, PLACE, SECRET)
    assert SECRET not in sealed
    assert sealed[:1] == vault.FORMAT
    vault.forget()
    assert vault.open(anna, PLACE, sealed) == SECRET
    assert keeper.asked == [("wrap", 1), ("unwrap", 1)]


@pytest.mark.asvs("11.3.3", "11.2.5")
@pytest.mark.parametrize("moved", ["row", "subject", "changed", "no key", "empty", "other format"])
def test_nothing_sealed_can_be_moved_or_changed(keeper: Counting, moved: str) -> None:
    anna, ben = a_subject(), a_subject()
    sealed = vault.seal(anna, PLACE, SECRET)
    vault.seal(ben, PLACE, b"")
    subject, place, data = {
        "row": (anna, PLACE.replace("/1", "/2"), sealed),
        "subject": (ben, PLACE, sealed),
        "changed": (anna, PLACE, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        "no key": (a_subject(), PLACE, sealed),
        "empty": (anna, PLACE, b""),
        "other format": (anna, PLACE, b"\x02" + sealed[1:]),
    }[moved]
    with pytest.raises(vault.Unreadable) as refusal:
        vault.open(subject, place, data)
    assert str(refusal.value) == vault.Unreadable.__doc__  # one answer, whatever was wrong


@pytest.mark.asvs("11.3.4")
def test_no_nonce_comes_twice(keeper: Counting) -> None:
    anna = a_subject()
    nonces = {vault.seal(anna, PLACE, b"")[1:13] for _ in range(100_000)}
    assert len(nonces) == 100_000


@pytest.mark.requirement("T26-47")
def test_destroying_the_key_erases_and_nothing_is_sealed_for_it_again(keeper: Counting) -> None:
    anna, ben = a_subject(), a_subject()
    hers, his = vault.seal(anna, PLACE, SECRET), vault.seal(ben, PLACE, SECRET)
    vault.destroy(anna)
    db.session.commit()
    row = db.session.execute(text("SELECT wrapped, destroyed_at FROM infra_subject_key WHERE id = :id"), {"id": anna})
    wrapped, destroyed_at = row.one()
    assert (wrapped, destroyed_at is None) == (None, False)
    with pytest.raises(vault.DataDestroyed):
        vault.open(anna, PLACE, hers)
    with pytest.raises(vault.DataDestroyed):
        vault.seal(anna, PLACE, SECRET)
    assert vault.open(ben, PLACE, his) == SECRET
    vault.destroy(anna)
    db.session.commit()
    again = db.session.execute(text("SELECT destroyed_at FROM infra_subject_key WHERE id = :id"), {"id": anna})
    assert again.scalar_one() == destroyed_at


def destroy_elsewhere(subject_id: UUID) -> None:
    """Another process destroys the key; this one, which may know it, is told nothing."""
    with apart() as connection:
        destroyed = "UPDATE infra_subject_key SET wrapped = NULL, destroyed_at = now() WHERE id = :id"
        connection.execute(text(destroyed), {"id": subject_id})


def hear() -> None:
    """What every request asks first, as after a quarter of a second."""
    present.forget()
    present.load()


@pytest.mark.requirement("T26-47")
def test_a_key_that_another_process_destroyed_is_not_used_any_more(keeper: Counting) -> None:
    anna, ben = a_subject(), a_subject()
    hers, his = vault.seal(anna, PLACE, SECRET), vault.seal(ben, PLACE, SECRET)
    hear()
    destroy_elsewhere(anna)
    hear()
    with pytest.raises(vault.DataDestroyed):
        vault.open(anna, PLACE, hers)
    with pytest.raises(vault.DataDestroyed):
        vault.seal(anna, PLACE, b"evidence that nobody could open")
    assert vault.is_destroyed(anna)
    assert not vault.is_destroyed(ben)
    assert vault.open(ben, PLACE, his) == SECRET
    assert [name for name, _ in keeper.asked] == ["wrap", "wrap"], "other keys are still known"


def test_a_job_hears_of_it_as_well(keeper: Counting) -> None:
    anna = a_subject()
    vault.seal(anna, PLACE, SECRET)
    db.session.commit()
    destroy_elsewhere(anna)

    def write() -> None:
        vault.seal(anna, PLACE, b"evidence that nobody could open")

    with pytest.raises(vault.DataDestroyed):
        jobs.run_once(jobs.Task("bell.write", write, 3, None))


def test_a_key_that_was_being_read_meanwhile_is_not_remembered(
    keeper: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read before the commit of the other process, remembered after everything was compared."""
    anna = a_subject()
    hers = vault.seal(anna, PLACE, SECRET)
    vault.forget()
    unwrap = Keeper.unwrap

    def slowly(self: Keeper, items: list[Wrapped]) -> list[bytes]:
        keys = unwrap(self, items)
        destroy_elsewhere(anna)
        hear()
        return keys

    with monkeypatch.context() as patched:
        patched.setattr(Keeper, "unwrap", slowly)
        assert vault.open(anna, PLACE, hers) == SECRET, "as if it had been asked a moment before"
    with pytest.raises(vault.DataDestroyed):
        vault.open(anna, PLACE, hers)


def test_nothing_more_is_asked_while_no_key_is_destroyed(keeper: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.seal(a_subject(), PLACE, SECRET)
    hear()
    vault.seal(a_subject(), PLACE, SECRET)
    assert vault.rewrap() == 0
    db.session.commit()
    monkeypatch.setattr(vault, "alone", lambda *_: pytest.fail("asked which keys were destroyed"))
    hear()


def test_two_who_erase_do_not_wait_for_each_other(keeper: Counting, app: Flask) -> None:
    anna, ben = a_subject(), a_subject()
    vault.seal(anna, PLACE, SECRET)
    vault.destroy(anna)
    with app.app_context():
        db.session.execute(text("SET LOCAL lock_timeout = '100ms'"))
        vault.destroy(ben)
        db.session.commit()
        db.session.remove()
    db.session.commit()
    assert vault.is_destroyed(anna)
    assert vault.is_destroyed(ben)


def test_an_erasure_that_is_rolled_back_erased_nothing(keeper: Counting) -> None:
    anna = a_subject()
    sealed = vault.seal(anna, PLACE, SECRET)
    vault.destroy(anna)
    db.session.rollback()
    assert vault.open(anna, PLACE, sealed) == SECRET


def test_a_key_outlives_the_request_that_was_rolled_back(keeper: Counting) -> None:
    anna = a_subject()
    vault.seal(anna, PLACE, b"of a request that failed")
    db.session.rollback()
    sealed = vault.seal(anna, PLACE, SECRET)  # with the key that this process remembers
    vault.forget()
    assert vault.open(anna, PLACE, sealed) == SECRET


def test_of_two_keys_made_at_once_the_first_is_everybodys(keeper: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = a_subject()
    sealed = vault.seal(anna, PLACE, SECRET)
    vault.forget()
    vault._made(anna)  # this process looked before the other committed
    assert vault.open(anna, PLACE, sealed) == SECRET


def test_a_list_asks_the_keeper_once(keeper: Counting) -> None:
    subjects = [a_subject() for _ in range(20)]
    things = [(each, PLACE, vault.seal(each, PLACE, SECRET)) for each in subjects]
    vault.forget()
    keeper.asked.clear()
    assert vault.open_many(things) == [SECRET] * 20
    assert keeper.asked == [("unwrap", 20)]


def test_a_list_with_something_erased_can_still_be_unlocked(keeper: Counting) -> None:
    anna, ben = a_subject(), a_subject()
    vault.seal(anna, PLACE, SECRET)
    his = vault.seal(ben, PLACE, SECRET)
    vault.destroy(anna)
    vault.forget()
    vault.unlock([anna, ben, a_subject()])
    assert vault.open(ben, PLACE, his) == SECRET


def test_keys_are_remembered_for_minutes_only_and_not_without_end(
    keeper: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, ben = a_subject(), a_subject()
    hers = vault.seal(anna, PLACE, SECRET)
    later = time.monotonic() + vault.REMEMBERED_FOR + 1
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: later)
        vault.open(anna, PLACE, hers)
    assert [name for name, _ in keeper.asked] == ["wrap", "unwrap"]
    monkeypatch.setattr(vault, "REMEMBERED", 1)
    vault.seal(ben, PLACE, SECRET)
    vault.open(anna, PLACE, hers)
    assert [name for name, _ in keeper.asked] == ["wrap", "unwrap", "wrap", "unwrap"]


@pytest.mark.asvs("11.2.2")
def test_rotation_wraps_every_key_anew_and_all_data_stay_readable(keeper: Counting) -> None:
    before = Keys.made()
    vault.configure(Keeper(before))
    things = [(each, PLACE, vault.seal(each, PLACE, SECRET)) for each in (a_subject(), a_subject())]
    after = before.rotated()
    vault.configure(Keeper(after))
    assert vault.rewrap() == 2
    assert vault.rewrap() == 0
    db.session.commit()
    used = db.session.execute(text("SELECT DISTINCT keeper_key_id FROM infra_subject_key")).scalars().all()
    assert used == [after.current]
    only_new = Keys(after.current, {after.current: after.wrapping[after.current]}, after.index)
    vault.configure(Keeper(only_new))  # the old key may be thrown away now
    assert vault.open_many(things) == [SECRET, SECRET]


def test_without_the_keeper_nothing_is_read_or_kept(keeper: Counting, tmp_path: Path) -> None:
    anna = a_subject()
    sealed = vault.seal(anna, PLACE, SECRET)
    vault.configure(vault.RemoteKeeper(tmp_path / "nobody"))
    with pytest.raises(vault.VaultUnavailable):
        vault.open(anna, PLACE, sealed)
    with pytest.raises(vault.VaultUnavailable):
        vault.seal(a_subject(), PLACE, SECRET)
    with pytest.raises(vault.VaultUnavailable):
        vault.index("email", "a@b.example")


def test_at_the_keepers_limit_nothing_is_read(keeper: Counting) -> None:
    anna, keys = a_subject(), Keys.made()
    vault.configure(Keeper(keys))
    sealed = vault.seal(anna, PLACE, SECRET)
    vault.configure(Keeper(keys, limits={KeyClass.PERSON: Limits(0, 0)}))
    with pytest.raises(vault.VaultUnavailable):
        vault.open(anna, PLACE, sealed)


def used_up(journeys: list[UUID], keys: Keys) -> None:
    """The keeper of `keys` gives four keys of journeys a minute, and all four were asked for by looking at pages."""
    vault.configure(Keeper(keys, limits={KeyClass.PERSON: Limits(9, 9), KeyClass.JOURNEY: Limits(2, 4)}))
    vault.unlock(journeys)
    vault.forget()
    with pytest.raises(vault.VaultUnavailable):
        vault.unlock(journeys[:1])


def test_journeys_at_the_keepers_limit_refuse_no_person(keeper: Counting) -> None:
    keys, anna, journeys = Keys.made(), a_subject(), [a_subject() for _ in range(4)]
    vault.configure(Keeper(keys))
    sealed = vault.seal(anna, PLACE, SECRET)
    for each in journeys:
        vault.seal(each, PLACE, b"a page", KeyClass.JOURNEY)
    vault.forget()
    used_up(journeys, keys)
    assert vault.open(anna, PLACE, sealed) == SECRET
    vault.forget()
    with pytest.raises(vault.VaultUnavailable):
        vault.unlock([anna, journeys[0]])
    assert vault._remembered.get(anna), "also where both are asked for at once"
    assert vault.seal(a_subject(), PLACE, b"a page", KeyClass.JOURNEY), "somebody new begins a journey"


def test_a_journeys_key_made_before_there_were_classes_is_counted_as_a_persons(keeper: Counting) -> None:
    """And so is one whose row was made to say otherwise: it does not open."""
    keys, old = Keys.made(), a_subject()
    vault.configure(Keeper(keys))
    sealed = vault.seal(old, PLACE, SECRET)  # as the code of then did
    vault.forget()
    assert vault.seal(old, PLACE, b"a later page", KeyClass.JOURNEY)
    assert vault.open(old, PLACE, sealed) == SECRET
    assert kinds() == ["person"]
    vault.forget()
    vault.configure(Keeper(keys, limits={KeyClass.PERSON: Limits(0, 0), KeyClass.JOURNEY: Limits(9, 9)}))
    with pytest.raises(vault.VaultUnavailable):
        vault.open(old, PLACE, sealed)
    with apart() as connection:
        connection.execute(text("UPDATE infra_subject_key SET key_class = 'journey'"))
    with pytest.raises(vault.Unreadable):
        vault.open(old, PLACE, sealed)


def kinds() -> list[str]:
    return list(db.session.execute(text("SELECT key_class FROM infra_subject_key")).scalars())


def test_a_keeper_from_before_there_were_classes_makes_keys_of_persons(keeper: Counting) -> None:
    """A site that is newer than its keeper keeps what the keeper bound, not what it asked for."""
    keys, journey = Keys.made(), a_subject()

    class Old(Keeper):
        def wrap(self, items: Sequence[tuple[UUID, bytes]], _class: KeyClass = KeyClass.PERSON) -> list[Wrapped]:
            return super().wrap(items)

    vault.configure(Old(keys))
    sealed = vault.seal(journey, PLACE, SECRET, KeyClass.JOURNEY)
    assert kinds() == ["person"]
    vault.configure(Keeper(keys))
    assert vault.open(journey, PLACE, sealed) == SECRET


def test_pages_of_many_journeys_push_no_persons_key_out_of_memory(
    keeper: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = a_subject()
    sealed = vault.seal(anna, PLACE, SECRET)
    monkeypatch.setattr(vault, "REMEMBERED", 2)
    for _ in range(5):
        vault.seal(a_subject(), PLACE, b"a page", KeyClass.JOURNEY)
    keeper.asked.clear()
    assert vault.open(anna, PLACE, sealed) == SECRET
    assert keeper.asked == []
    for _ in range(2):
        vault.seal(a_subject(), PLACE, b"")
    keeper.asked.clear()
    assert vault.open(anna, PLACE, sealed) == SECRET
    assert keeper.asked == [("unwrap", 1)], "the control: other persons do"


@pytest.mark.asvs("13.2.2")
@pytest.mark.parametrize("statement", ["DELETE FROM infra_subject_key", "TRUNCATE infra_subject_key"])
def test_the_site_may_not_drop_keys(database: None, statement: str) -> None:
    with pytest.raises(Exception, match="permission denied"), apart() as connection:
        connection.execute(text(statement))


def test_the_reader_of_evidence_sees_no_key(database: None) -> None:
    with pytest.raises(Exception, match="permission denied"), db.engines["reader"].connect() as connection:
        connection.execute(text("SELECT * FROM infra_subject_key"))


@pytest.fixture
def keeper_process(tmp_path_factory: pytest.TempPathFactory, database: None, settings):
    """The real process, as `make run` starts it."""
    folder = Path(os.fspath(tmp_path_factory.mktemp("k")))
    command = [sys.executable, "-m", "marketplace.infra.keeper"]
    subprocess.run([*command, "init", folder / "keys.json"], cwd=ROOT, check=True)
    serve = [*command, "serve", folder / "keys.json", folder / "s", "--limit", "3"]
    with subprocess.Popen(serve, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert "the keeper answers" in process.stderr.readline()
        vault.configure(vault.RemoteKeeper(folder / "s"))
        yield process, folder
        process.terminate()
    vault.configure(vault.RemoteKeeper(settings.keeper_socket))


@pytest.mark.asvs("13.3.2")
def test_the_process_of_the_keeper(keeper_process) -> None:
    process, folder = keeper_process
    anna = a_subject()
    sealed = vault.seal(anna, PLACE, SECRET)
    vault.forget()
    assert vault.open(anna, PLACE, sealed) == SECRET
    assert len(vault.index("email", "a@b.example")) == 64
    assert vault.rewrap() == 0
    assert (folder / "s").stat().st_mode & 0o777 == 0o660
    memory = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in memory.splitlines() if line.startswith("Pss:"))
    assert pss < 20_000  # kB
    for _ in range(2):
        vault.forget()
        vault.open(anna, PLACE, sealed)
    vault.forget()
    with pytest.raises(vault.VaultUnavailable):
        vault.open(anna, PLACE, sealed)
    journey = a_subject()
    page = vault.seal(journey, PLACE, b"a page", KeyClass.JOURNEY)
    vault.forget()
    assert vault.open(journey, PLACE, page) == b"a page"
    process.terminate()
    said = process.stderr.read()
    assert "ALARM the limit of 3 keys of persons a minute: no more" in said
    kept = json.loads((folder / "keys.json").read_text())
    assert not any(secret in said for secret in (*kept["wrapping"].values(), kept["index"]))
