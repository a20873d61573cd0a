"""What is remembered is not asked again, and the longest unused is forgotten first."""

from marketplace.kernel.remembering import Remembered


def test_only_what_is_missing_is_loaded_and_all_at_once() -> None:
    asked: list[list[int]] = []

    def load(keys: list[int]) -> dict[int, str]:
        asked.append(keys)
        return {key: str(key) for key in keys if key < 9}

    remembered: Remembered[int, str] = Remembered(size=3)
    assert remembered.get_all([2, 1, 2], load) == {2: "2", 1: "1"}
    assert remembered.get_all([1, 3, 9], load) == {1: "1", 3: "3"}
    assert list(remembered.get_all([3, 2, 1], load)) == [3, 2, 1]
    assert asked == [[2, 1], [3, 9]]
    remembered.get_all([4], load)  # 3 was used longest ago
    remembered.get_all([1, 2, 3], load)
    assert asked[2:] == [[4], [3]]
