"""The protocols by which windows are split, by name; how each splits is in `splits.py`. Needs pydantic alone."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

ProtocolName = Literal["subject-holdout", "subject-kfold", "loso", "random", "official"]


class Protocol(BaseModel):
    """A protocol and the one fold of it that a cell uses; the lists are for `subject-holdout`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ProtocolName
    folds: int = 1
    fold: int = 0
    test_subjects: tuple[str, ...] = ()
    val_subjects: tuple[str, ...] = ()

    @property
    def leaks(self) -> bool:
        """Whether windows of one recording lie in both the training and the test part; every table then says so."""
        return self.name == "random"

    @property
    def by_subject(self) -> bool:
        """Whether the parts are made of whole subjects."""
        return self.name in ("subject-holdout", "subject-kfold", "loso")
