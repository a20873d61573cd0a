"""The keeper: it opens what it wrapped, for the subject it was wrapped for, and notices who asks for too much."""

import base64
import json
import logging
import secrets
import stat
from dataclasses import replace
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from marketplace.infra.keeper import (
    LIMITS,
    Keeper,
    KeeperRefused,
    KeyClass,
    Keys,
    KeysUnfit,
    Limits,
    Wrapped,
    answer,
    main,
    spell,
    understand,
)

ANNA, BEN = UUID(int=1), UUID(int=2)
DATA_KEY = bytes(range(32))


class Watch:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_wrapped_key_opens_again() -> None:
    keeper = Keeper(Keys.made())
    wrapped = keeper.wrap([(ANNA, DATA_KEY)])
    assert DATA_KEY not in wrapped[0].data
    assert keeper.unwrap(wrapped) == [DATA_KEY]


@pytest.mark.asvs("11.3.3", "11.2.5")
@pytest.mark.parametrize("change", ["subject", "key id", "class", "bytes", "short"])
def test_a_wrapped_key_opens_nowhere_else(change: str) -> None:
    keys = Keys.made().rotated()
    keeper = Keeper(keys)
    (good,) = keeper.wrap([(ANNA, DATA_KEY)])
    other = next(name for name in keys.wrapping if name != keys.current)
    bad = {
        "subject": Wrapped(BEN, good.key_id, good.data),
        "key id": Wrapped(ANNA, other, good.data),
        "class": replace(good, key_class=KeyClass.JOURNEY),
        "bytes": Wrapped(ANNA, good.key_id, good.data[:-1] + bytes([good.data[-1] ^ 1])),
        "short": Wrapped(ANNA, good.key_id, good.data[:5]),
    }[change]
    with pytest.raises(KeeperRefused, match="unreadable"):
        keeper.unwrap([bad])


@pytest.mark.asvs("11.2.2")
def test_after_a_rotation_old_keys_still_open_and_the_new_one_wraps() -> None:
    before = Keys.made()
    old = Keeper(before).wrap([(ANNA, DATA_KEY)])
    after = before.rotated()
    keeper = Keeper(after)
    assert keeper.unwrap(old) == [DATA_KEY]
    (again,) = keeper.rewrap(old)
    assert (again.key_id, after.current) == (keeper.current(), keeper.current())
    assert again.key_id != old[0].key_id
    assert keeper.unwrap([again]) == [DATA_KEY]
    assert keeper.index("email", ["a@b.example"]) == Keeper(before).index("email", ["a@b.example"])


def test_a_key_that_was_thrown_away_is_named_as_such() -> None:
    old = Keeper(Keys.made()).wrap([(ANNA, DATA_KEY)])
    with pytest.raises(KeeperRefused, match="unknown-key"):
        Keeper(Keys.made()).unwrap(old)


def test_an_index_tells_equal_from_unequal_and_one_purpose_from_another() -> None:
    keeper = Keeper(Keys.made())
    one, same, other = keeper.index("email", ["a@b.example", "a@b.example", "c@b.example"])
    assert one == same != other
    assert keeper.index("phone", ["a@b.example"]) != [one]
    assert Keeper(Keys.made()).index("email", ["a@b.example"]) != [one]


def test_a_persons_key_wrapped_before_there_were_classes_still_opens() -> None:
    keys = Keys.made()
    nonce, bound = secrets.token_bytes(12), f"infra_subject_key/{keys.current}/{ANNA}".encode()
    old = nonce + AESGCM(keys.wrapping[keys.current]).encrypt(nonce, DATA_KEY, bound)
    assert Keeper(keys).unwrap([Wrapped(ANNA, keys.current, old)]) == [DATA_KEY]


def test_a_journeys_key_opens_as_one_and_stays_one_when_it_is_wrapped_anew() -> None:
    keys = Keys.made()
    (old,) = Keeper(keys).wrap([(ANNA, DATA_KEY)], KeyClass.JOURNEY)
    keeper = Keeper(keys.rotated())
    (again,) = keeper.rewrap([old])
    assert [each.key_class for each in (old, again)] == [KeyClass.JOURNEY] * 2
    assert keeper.unwrap([old, again]) == [DATA_KEY] * 2
    with pytest.raises(KeeperRefused, match="unreadable"):
        keeper.unwrap([replace(again, key_class=KeyClass.PERSON)])


def test_the_limits_are_those_that_were_decided() -> None:
    assert {KeyClass.PERSON: Limits(600, 6_000), KeyClass.JOURNEY: Limits(6_000, 60_000)} == LIMITS


def test_journeys_used_up_refuse_no_person_nor_the_reverse() -> None:
    watch = Watch()
    keeper = Keeper(Keys.made(), limits=dict.fromkeys(KeyClass, Limits(2, 4)), clock=watch)
    wrapped = {each: keeper.wrap([(ANNA, DATA_KEY)], each) for each in KeyClass}
    for flooded, other in (tuple(KeyClass), tuple(reversed(KeyClass))):
        for _ in range(4):
            keeper.unwrap(wrapped[flooded])
        with pytest.raises(KeeperRefused, match="limit"):
            keeper.unwrap(wrapped[flooded])
        assert keeper.unwrap(wrapped[other]) == [DATA_KEY]
        watch.now += 60


def test_were_both_counted_together_journeys_would_refuse_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    keeper = Keeper(Keys.made(), limits=dict.fromkeys(KeyClass, Limits(2, 4)))
    persons, journeys = (keeper.wrap([(ANNA, DATA_KEY)], each) for each in KeyClass)
    count = Keeper._count
    monkeypatch.setattr(Keeper, "_count", lambda self, _class, number: count(self, KeyClass.PERSON, number))
    for _ in range(4):
        keeper.unwrap(journeys)
    with pytest.raises(KeeperRefused, match="limit"):
        keeper.unwrap(persons)


@pytest.mark.parametrize("key_class", KeyClass)
def test_bulk_theft_is_noticed_and_stopped(caplog: pytest.LogCaptureFixture, key_class: KeyClass) -> None:
    watch = Watch()
    keeper = Keeper(Keys.made(), limits={key_class: Limits(alarm=2, limit=4)}, clock=watch)
    wrapped = keeper.wrap([(ANNA, DATA_KEY)] * 2, key_class)
    with caplog.at_level(logging.WARNING):
        keeper.unwrap(wrapped)
        assert caplog.messages == []
        keeper.unwrap(wrapped)
        assert caplog.messages == [f"ALARM more than 2 keys of {key_class}s were asked for in a minute"]
        for _ in range(2):
            with pytest.raises(KeeperRefused, match="limit"):
                keeper.unwrap(wrapped[:1])
        assert caplog.messages[1:] == [f"ALARM the limit of 4 keys of {key_class}s a minute: no more"]
    watch.now += 60
    assert keeper.unwrap(wrapped) == [DATA_KEY, DATA_KEY]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no json\n",
        b"[]\n",
        b'{"do": "tell", "items": []}\n',
        b'{"do": "wrap", "items": [["00000000-0000-0000-0000-000000000001", "AAAA"]]}\n',
        b'{"do": "wrap", "class": "king", "items": []}\n',
        b'{"do": "unwrap", "items": [["nobody", "k1", "AAAA"]]}\n',
        b'{"do": "unwrap", "items": [["00000000-0000-0000-0000-000000000001", "k1", "AAAA", "king"]]}\n',
        b'{"do": "index", "items": ["secret@example.com"]}\n',
    ],
)
def test_what_it_does_not_understand_is_refused_without_repeating_it(line: bytes) -> None:
    assert json.loads(answer(Keeper(Keys.made()), line)) == {"refused": "not-understood"}


@pytest.mark.parametrize("key_class", KeyClass)
def test_what_travels_is_what_was_said(key_class: KeyClass) -> None:
    keeper = Keeper(Keys.made())
    (wrapped,) = keeper.wrap([(ANNA, DATA_KEY)], key_class)
    assert understand(spell(wrapped)) == wrapped
    line = json.dumps({"do": "unwrap", "items": [spell(wrapped)]}).encode()
    assert list(json.loads(answer(keeper, line))) == ["items"]


def test_a_persons_key_travels_as_it_did_before_there_were_classes() -> None:
    """Site and keeper are not renewed at one instant."""
    keeper = Keeper(Keys.made())
    asked = {"do": "wrap", "items": [[str(ANNA), base64.b64encode(DATA_KEY).decode()]]}
    (told,) = json.loads(answer(keeper, json.dumps(asked).encode()))["items"]
    assert len(told) == 3
    (key,) = json.loads(answer(keeper, json.dumps({"do": "unwrap", "items": [told]}).encode()))["items"]
    assert base64.b64decode(key) == DATA_KEY


@pytest.mark.asvs("13.3.2", "11.2.3")
def test_the_file_of_keys_is_its_owners_alone(tmp_path) -> None:
    path = tmp_path / "keys.json"
    main(["init", str(path)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = Keys.read(path)
    assert {len(key) for key in (*first.wrapping.values(), first.index)} == {32}
    main(["rotate", str(path)])
    assert len(Keys.read(path).wrapping) == 2
    with pytest.raises(SystemExit, match="would be lost"):
        main(["init", str(path)])
    assert Keys.read(path).wrapping.items() >= first.wrapping.items()
    path.chmod(0o640)
    with pytest.raises(KeysUnfit, match="owner only"):
        Keys.read(path)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"current": "k1", "wrapping": {"k1": "AAAA"}, "index": "AAAA"}', '{"current": 1}']
)
def test_a_file_without_keys_is_refused(tmp_path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(KeysUnfit, match=r"keys\.json holds"):
        Keys.read(path)
