"""What is compared with what: like with like. Needs neither Ray nor torch."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from har_ray.data.protocol import Protocol
from har_ray.text import slug


class Setting(NamedTuple):
    """dataset × preset × protocol: one table, within which variants are compared."""

    dataset: str
    preset: str
    protocol: str

    @property
    def leaks(self) -> bool:
        """Whether windows of one recording lie in both the training and the test part."""
        return Protocol.of_label(self.protocol).leaks

    @property
    def known_people(self) -> bool:
        """Whether the people of the test part have trained too: its scores say nothing about new people."""
        return not Protocol.of_label(self.protocol).by_subject

    @property
    def known_validation(self) -> bool:
        """Whether the people of the validation part have trained too, though those of the test part have not."""
        return Protocol.of_label(self.protocol).val == "windows"

    @property
    def protocol_title(self) -> str:
        """The protocol; one that leaks, or tests people who also trained, says so."""
        if self.leaks:
            return f"{self.protocol} split (LEAKS: same recordings in train and test)"
        if self.known_validation:
            name = Protocol.of_label(self.protocol).name
            return f"{name} split (VALIDATION LEAKS: windows at random, of the training people)"
        return self.protocol + " split (the test people also trained, in other sessions)" * self.known_people

    @property
    def title(self) -> str:
        """For headings: `sensors, wrist (rate_hz=12.5), subject-holdout`."""
        preset, _, changes = self.preset.partition("@")
        preset += f" ({changes.replace(',', ', ')})" if changes else ""
        return f"{self.dataset}, {preset}, {self.protocol_title}"

    @property
    def record(self) -> dict[str, str | bool]:
        """For the columns of a file."""
        return {**self._asdict(), "leaks": self.leaks, "known_people": self.known_people}

    @property
    def slug(self) -> str:
        """For file names and LaTeX labels."""
        return "-".join(map(slug, self))


class Group(NamedTuple):
    """dataset × preset × protocol and fold × variant: what trials are ranked against each other within."""

    setting: Setting
    fold: int
    variant: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Group":
        """The group of a result row, or of any other mapping with the columns of one."""
        setting = Setting(row["dataset"], row["preset"], row["protocol"])
        return cls(setting, int(row["fold"] or 0), row["variant"])

    def columns(self) -> dict[str, Any]:
        """The columns of a row that name its group; `of` reads them."""
        return {**self.setting._asdict(), "fold": self.fold, "variant": self.variant}
