"""The protocols by which windows are split, by name; how each splits is in `splits.py`. Needs pydantic alone."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

ProtocolName = Literal["subject-holdout", "subject-kfold", "loso", "random", "official"]
Val = Literal["subjects", "windows"]
VAL = "@val="
"""Between a protocol's name and how it validates, where that is not as usual."""


class Protocol(BaseModel):
    """A protocol and the one fold of it that a cell uses; the lists are for `subject-holdout`.

    `val`, of the protocols by subject: whole subjects validate, or windows drawn at random from those of the training
    subjects, as in public tables; these are neighbours of training windows, so what they choose suits the training
    people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ProtocolName
    folds: int = 1
    fold: int = 0
    test_subjects: tuple[str, ...] = ()
    val_subjects: tuple[str, ...] = ()
    val: Val = "subjects"

    @property
    def label(self) -> str:
        """Its name, and how it validates where that is not as usual: `subject-kfold@val=windows`."""
        return self.name if self.val == "subjects" else f"{self.name}{VAL}{self.val}"

    @classmethod
    def of_label(cls, label: str) -> "Protocol":
        """The protocol of a label, of no fold."""
        name, _, val = label.partition(VAL)
        return cls.model_validate({"name": name, "val": val or "subjects"})

    @property
    def leaks(self) -> bool:
        """Whether windows of one recording lie in both the training and the test part; every table then says so."""
        return self.name == "random"

    @property
    def by_subject(self) -> bool:
        """Whether the parts are made of whole subjects."""
        return self.name in ("subject-holdout", "subject-kfold", "loso")
