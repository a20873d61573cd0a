"""Words of a catalog in the languages of the marketplace."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

LONGEST_TEXT = 4_000
"""Characters of one text of a catalog; longer ones belong into its documents."""


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """English and Simplified Chinese of the same words; where an insurer gave English only, English is shown."""

    en: str
    zh: str | None = None

    def in_(self, locale: str) -> str:
        return self.zh if self.zh is not None and locale.startswith("zh") else self.en

    def to_json(self) -> dict[str, str]:
        return {"en": self.en} if self.zh is None else {"en": self.en, "zh": self.zh}

    @classmethod
    def from_json(cls, data: Mapping[str, str] | str) -> Self:
        return cls(data) if isinstance(data, str) else cls(data["en"], data.get("zh"))
