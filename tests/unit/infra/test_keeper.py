"""The keeper: it opens what it wrapped, for the subject it was wrapped for, and notices who asks for too much."""

import json
import logging
import stat
from uuid import UUID

import pytest

from marketplace.infra.keeper import (
    Keeper,
    KeeperRefused,
    Keys,
    KeysUnfit,
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
@pytest.mark.parametrize("change", ["subject", "key id", "bytes", "short"])
def test_a_wrapped_key_opens_nowhere_else(change: str) -> None:
    keys = Keys.made().rotated()
    keeper = Keeper(keys)
    (good,) = keeper.wrap([(ANNA, DATA_KEY)])
    other = next(name for name in keys.wrapping if name != keys.current)
    bad = {
        "subject": Wrapped(BEN, good.key_id, good.data),
        "key id": Wrapped(ANNA, other, good.data),
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


def test_bulk_theft_is_noticed_and_stopped(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    keeper = Keeper(Keys.made(), alarm_per_minute=2, limit_per_minute=4, clock=watch)
    wrapped = keeper.wrap([(ANNA, DATA_KEY)] * 2)
    with caplog.at_level(logging.WARNING):
        keeper.unwrap(wrapped)
        assert caplog.messages == []
        keeper.unwrap(wrapped)
        assert caplog.messages == ["ALARM more than 2 data keys were asked for within a minute"]
        for _ in range(2):
            with pytest.raises(KeeperRefused, match="limit"):
                keeper.unwrap(wrapped[:1])
        assert caplog.messages[1:] == ["ALARM the limit of 4 data keys a minute is reached; no more are given"]
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
        b'{"do": "unwrap", "items": [["nobody", "k1", "AAAA"]]}\n',
        b'{"do": "index", "items": ["secret@example.com"]}\n',
    ],
)
def test_what_it_does_not_understand_is_refused_without_repeating_it(line: bytes) -> None:
    assert json.loads(answer(Keeper(Keys.made()), line)) == {"refused": "not-understood"}


def test_what_travels_is_what_was_said() -> None:
    keeper = Keeper(Keys.made())
    (wrapped,) = keeper.wrap([(ANNA, DATA_KEY)])
    assert understand(spell(wrapped)) == wrapped
    line = json.dumps({"do": "unwrap", "items": [spell(wrapped)]}).encode()
    assert list(json.loads(answer(keeper, line))) == ["items"]


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
