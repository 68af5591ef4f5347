"""`MODEL_CARD.md`: what a model was made of, what it scores and costs, and what it can't, for the people who use it.

The front matter is that of model cards on Hugging Face, https://huggingface.co/docs/hub/model-cards.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.formats import markdown_text, percent
from analysis.intervals import estimate
from analysis.seeds import Predictions, subject_f1
from analysis.statistics import MIN_SUBJECTS
from har_ray.export.measured import Measured
from har_ray.export.trained import Floats, Trained
from har_ray.groups import Group
from har_ray.metrics.accuracy import Accuracy
from har_ray.metrics.confusion import confusion_of, f1_per_class
from har_ray.metrics.f1_macro import MacroF1
from har_ray.spec.grid import Export
from har_ray.store.exports import integers
from har_ray.store.results import Row
from har_ray.text import slug

TEMPLATE = "MODEL_CARD.md.jinja"
FILES = Path(__file__).parent / "files"


def card(trained: Trained, measured: Measured, about: Row, how: Export, made_by: Row, has_windows: bool) -> str:
    """The card.

    Args:
        about: the content of `model.json`.
        how: it was exported.
        made_by: version, commit and time of the export.
        has_windows: the test windows lie beside it.
    """
    templates = Environment(loader=FileSystemLoader(FILES), undefined=StrictUndefined, keep_trailing_newline=True)
    templates.filters |= {"md": lambda text: markdown_text(str(text)), "yaml": json.dumps, "pc": percent}
    templates.filters |= {"slug": lambda text: slug(text).lower()}
    templates.filters |= {"count": lambda value: "–" if value is None else f"{int(value):,}"}
    people = set(trained.test.subject.tolist())
    return templates.get_template(TEMPLATE).render(
        row=trained.row, model=about, data=trained.about["about"], measured=measured.row, made=trained.made,
        has_windows=has_windows, how=how, made_by=made_by, integers=integers(measured.row),
        setting=Group.of(trained.row).setting, seconds=f"{about['window'] / about['rate_hz']:g}",
        float32=_scores(trained, measured.float_logits), int8=_scores(trained, measured.int8_logits),
        people=len(people), few=len(people) < MIN_SUBJECTS, windows=len(trained.test.y),
        logits=f"{measured.float_logits.min():.1f} to {measured.float_logits.max():.1f}".replace("-", "−"),
        float_error=max(measured.row["onnx_logit_error"], measured.row["pt2_logit_error"]),
        classes=_classes(trained, measured), parts=_parts(trained), limits=_limits(trained),
    )  # fmt: skip


def _scores(trained: Trained, logits: Floats) -> dict[str, Any]:
    """Macro F1 and accuracy; per test person the mean macro F1 and its 95 % interval, in percent.

    Of few people the lowest and the highest instead: their interval may be as narrow by chance as it likes.
    """
    labels = trained.test.y
    by_subject = list(subject_f1(Predictions(pa.array(trained.test.subject), labels, logits)).values())
    person, found = percent(float(np.mean(by_subject))), estimate(np.array(by_subject)[:, None])
    if len(by_subject) < MIN_SUBJECTS:
        person += f" ({100 * min(by_subject):.1f} to {100 * max(by_subject):.1f})" if len(by_subject) > 1 else ""
    elif found is not None:
        person += f" (95 % interval {100 * max(found.low, 0.0):.1f} to {100 * min(found.high, 1.0):.1f})"
    return {"f1_macro": MacroF1()(labels, logits), "accuracy": Accuracy()(labels, logits), "person": person}


def _classes(trained: Trained, measured: Measured) -> list[dict[str, Any]]:
    """Of each class its test windows, and its F1 by both networks; None where it does not occur."""
    labels = trained.test.y
    counts = np.bincount(labels, minlength=len(trained.classes)).tolist()
    both = [
        f1_per_class(confusion_of(labels, found)).tolist() for found in (measured.float_logits, measured.int8_logits)
    ]
    return [
        {"name": name, "windows": count, "float32": before if count else None, "int8": after if count else None}
        for name, count, before, after in zip(trained.classes, counts, *both, strict=True)
    ]


def _parts(trained: Trained) -> list[dict[str, Any]]:
    names = {"train": "training", "val": "validation", "test": "test"}
    return [
        {"name": name, "people": ", ".join(trained.fold[part]), "windows": trained.fold[f"{part}_windows"]}
        for part, name in names.items()
    ]


def _limits(trained: Trained) -> list[str]:
    """What is peculiar to these data."""
    setting, preset = Group.of(trained.row).setting, trained.manifest["made_of"]["preset"]
    found = []
    if setting.leaks:
        found.append("The split leaks: windows of one recording are in training and test. The scores say nothing about "
                     "new people.")  # fmt: skip
    elif setting.known_people:
        found.append("The test people have trained too, with other recordings: nothing is known about new people.")
    if preset["align"] == "gravity":
        found.append("Each recording was turned as a whole so that gravity points along z; a watch must turn its "
                     "samples likewise before they are quantised.")  # fmt: skip
    found.append(f"Recordings of another rate were resampled to {trained.manifest['rate_hz']:g} Hz through a low-pass "
                 "filter. A watch that measures faster must filter, too, before it leaves samples out.")  # fmt: skip
    if any(channel["name"].endswith(("_x", "_y", "_z")) for channel in trained.channels):
        found.append("Axes are those of the device that recorded, worn as it was. A watch whose axes lie otherwise "
                     "must turn its samples first.")  # fmt: skip
    if any(channel["name"].endswith("norm") for channel in trained.channels):
        found.append("A channel whose name ends in `norm` is the square root of the sum of the squares of a sensor's "
                     "three axes at each sample.")  # fmt: skip
    if preset["label_rule"] == "pure":
        found.append("No test window holds a change of activity; on a watch many do.")
    if not preset["null_class"]:
        found.append("A window of none of the classes is taken for one of them all the same.")
    return found
