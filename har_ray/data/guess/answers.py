"""What a look at the files found, for one key of the descriptor and for all."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from har_ray.data.guess.parts import Parts
from har_ray.data.own.descriptor import Descriptor
from har_ray.data.own.presets import context
from har_ray.data.soundness.finding import Finding
from har_ray.yaml_file import KeyPath


class Answer(NamedTuple):
    """The best guess, and what is to be asked where it may be wrong.

    Attributes:
        value: as YAML says it; None where there is not even a guess.
        question: nothing where there is no doubt.
        note: what is good to know besides.
    """

    value: object
    question: str = ""
    note: str = ""


@dataclass
class Guess:
    """What a descriptor would say.

    Attributes:
        content: as YAML says it.
        notes, questions: what stands beside a key.
        findings: what would make results wrong, beside the key that can mend it.
        faults: what the reader says of it, and of files that it cannot read.
        left_out: files that hold no recordings, and why.
        parts: the files of each source.
    """

    content: dict[str, Any]
    parts: Parts
    notes: dict[KeyPath, str] = field(default_factory=dict)
    questions: dict[KeyPath, str] = field(default_factory=dict)
    findings: dict[KeyPath, list[Finding]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def put(self, key: KeyPath, answer: Answer) -> None:
        """An answer at its key; one without a value asks there."""
        within = self.content
        for name in key[:-1]:
            within = within.setdefault(name, {})  # type: ignore[arg-type]
        if answer.value is not None or answer.question:
            within[key[-1]] = answer.value  # type: ignore[index]
        if answer.question:
            self.questions[key] = answer.question
        if answer.note:
            self.notes[key] = answer.note

    @property
    def readable(self) -> Descriptor:
        """As the reader takes it, with some label where none was found; raises pydantic's ValidationError."""
        label = self.content.get("label") or {"pattern": "(.)"}
        content = self.content | {"label": label}
        return Descriptor.model_validate(content, context=context(content))
