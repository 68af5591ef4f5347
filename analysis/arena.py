"""The table beside WHAR Arena: what others publish of the same recordings and people, and ours in the same measure.

Source: WHAR Arena of teco-kit, https://github.com/teco-kit/whar-arena, arXiv 2606.13194, June 2026. Its protocol:
windows of 3 s with half overlap, at the native rate and of all channels; ten groups of people, each tested once;
validation on 20 % of the other people's windows, drawn at random; one seed. Our presets `arena` cut that way; what
differs all the same is said below the table.
"""

from collections.abc import Collection, Iterator
from statistics import mean
from typing import NamedTuple

from analysis.formats import TextTable, percent, plain, span
from analysis.load import Results
from analysis.scores import VariantResult, variant_results
from analysis.student import per_subject_texts
from har_ray.data.protocol import Protocol
from har_ray.groups import Setting

HERE, THERE = "here", "WHAR Arena"
PRESET, PROTOCOL = "arena", "subject-kfold"
FOLDS = 10
"""Groups of people, or as many as there are people."""


class There(NamedTuple):
    """A dataset as the arena has it: how many channels and people, and what our reader does otherwise."""

    channels: int
    people: int
    otherwise: tuple[str, ...] = ()


DATASETS = {
    "sensors": There(60, 10),
    "wisdm": There(3, 36, ("recordings end at a pause (there they go on, all of a person and an activity joined)",)),
    "wisdm-watch": There(
        6,
        51,
        ("both sensors are interpolated to common instants and recordings end at a pause (there readings of the same "
         "time stamp are joined, and pauses ignored)",),
    ),
    "opportunity": There(
        133,
        4,
        ("missing values are bridged for up to 0.5 s (there for any length)",
         "the 4 classes are those of locomotion (there the list of datasets says 18 activities)"),
    ),
}  # fmt: skip

MODELS: dict[str, tuple[str, tuple[float, float, float, float]]] = {
    "tinyhar": ("159.1k", (0.9767, 0.85, 0.6872, 0.6537)),
    "triple_cross_domain_attention": ("278.3k", (0.9077, 0.8355, 0.6851, 0.7057)),
    "deepconv_lstm_iswc": ("399.9k", (0.9545, 0.8297, 0.6782, 0.6514)),
    "lstms_ensemble": ("798.0k", (0.901, 0.8424, 0.7061, 0.6588)),
    "deepconv_lstm_attention": ("474.6k", (0.9143, 0.8465, 0.6904, 0.652)),
    "attend_discriminate": ("371.5k", (0.9568, 0.8379, 0.6938, 0.6144)),
    "mlp_har": ("157.7k", (0.9738, 0.7607, 0.618, 0.7471)),
    "tinierhar": ("7.3k", (0.9122, 0.8377, 0.686, 0.6588)),
    "dynamic_whar": ("1.12M", (0.9567, 0.8193, 0.6893, 0.6265)),
    "cnn_har": ("63.2k", (0.956, 0.8144, 0.6879, 0.6312)),
    "dana": ("457.9k", (0.9341, 0.8549, 0.713, 0.587)),
    "mlp_mixer": ("605.9k", (0.9351, 0.8298, 0.6977, 0.6026)),
    "deepconv_lstm": ("457.9k", (0.9114, 0.8399, 0.6718, 0.6215)),
    "random_forest": ("–", (0.9825, 0.7158, 0.598, 0.7063)),
    "sa_har": ("401.3k", (0.8124, 0.6506, 0.6539, 0.5808)),
    "svm": ("–", (0.9036, 0.5916, 0.4976, 0.6668)),
    "knn": ("–", (0.8209, 0.5119, 0.4391, 0.5942)),
}
"""By the arena's name: parameters for 6 channels and 5 classes, and the mean over splits of the test macro F1 on each
of `DATASETS`, in their order."""


class Row(NamedTuple):
    """A model's macro F1, None where no seed is complete, and the texts on both sides of it."""

    f1: float | None
    before: tuple[str, ...]
    after: tuple[str, ...]


def arena_table(results: Results, setting: Setting) -> TextTable | None:
    """Their models and ours, the best first; None where the arena has not measured what the setting does."""
    if not _measured_there(setting):
        return None
    rows = [_ours(result) for result in variant_results(results, setting).values()]
    rows += _theirs(setting.dataset)
    rows.sort(key=lambda row: -1.0 if row.f1 is None else row.f1, reverse=True)
    columns = ["model", "where", "parameters", "macro F1 (%)", "seeds", "per subject (%)", "95 % interval"]
    entries = [plain(*row.before, percent(row.f1), *row.after) for row in rows]
    notes = [*_notes(), *_in_part(variant_results(results, setting).values())]
    if differences := list(_differences(results, setting)):
        notes.append(f"What differs here: {'; '.join(differences)}.")
    return TextTable(f"Beside WHAR Arena: {setting.title}", columns, "llrrrrr", entries, notes, results.made_by)


def _measured_there(setting: Setting) -> bool:
    preset, protocol = setting.preset.partition("@")[0], Protocol.of_label(setting.protocol).name
    return setting.dataset in DATASETS and (preset, protocol) == (PRESET, PROTOCOL)


def _theirs(dataset: str) -> Iterator[Row]:
    at = list(DATASETS).index(dataset)
    for model, (params, f1) in MODELS.items():
        yield Row(f1[at], (model, THERE, params), ("1", "–", "–"))


def _ours(result: VariantResult) -> Row:
    per_subject = per_subject_texts(result) if result.complete else ("–", "–")
    before = (result.variant, HERE, span(result.cost("params")))
    return Row(mean_over_folds(result), before, (result.standing(), *per_subject))


def mean_over_folds(result: VariantResult) -> float | None:
    """As the arena scores a model: the mean of the folds' own test macro F1; here over all complete seeds."""
    values = [cell.row.get("test_f1_macro") for cell in result.completed if cell.key.seed in result.complete]
    known = [float(value) for value in values if value is not None]
    return mean(known) if known and len(known) == len(values) else None


def _notes() -> Iterator[str]:
    yield (
        f"{THERE}: https://github.com/teco-kit/whar-arena, arXiv 2606.13194, June 2026; one seed. Its parameters are "
        "those for 6 channels and 5 classes, ours those for this dataset."
    )
    yield (
        "Macro F1: the mean of the folds' test scores, as there, and of complete seeds; the table of results pools the "
        "folds. Per subject: the mean of the test subjects' own macro F1, which is not published of the others."
    )


def _in_part(results: Collection[VariantResult]) -> Iterator[str]:
    """Of a model that has some folds alone, what it has in them, beside the others in the same folds.

    A whole run of a large model may be too dear; folds differ more than models, so that its mean stands in no table.
    """
    of_folds = {result.variant: _of_folds(result) for result in results}
    for result in results:
        folds = of_folds[result.variant]
        if folds and not result.complete:
            beside = [f"{name} {percent(mean(others[fold] for fold in folds))}"
                      for name, others in of_folds.items() if folds.keys() <= others.keys()]  # fmt: skip
            yield f"In the {len(folds)} of {len(result.cells)} cells that {result.variant} has: {', '.join(beside)}."


def _of_folds(result: VariantResult) -> dict[tuple[int, int], float]:
    """The test macro F1 of each completed cell, by seed and fold."""
    rows = {(cell.key.seed, cell.key.fold): cell.row.get("test_f1_macro") for cell in result.completed}
    return {key: float(value) for key, value in rows.items() if value is not None}


def _differences(results: Results, setting: Setting) -> Iterator[str]:
    """From the arena's protocol, as far as `run.json` tells."""
    there, about = DATASETS[setting.dataset], results.data(setting)
    if not setting.known_validation:
        yield "whole people validate (there a fifth of the training people's windows, drawn at random)"
    counts = (
        ("folds", max(result.folds for result in variant_results(results, setting).values())),
        ("channels", len(about.get("channels") or ())),
        ("people", len(about.get("windows_per_subject_and_class") or ())),
    )
    theirs = {"folds": min(FOLDS, there.people), "channels": there.channels, "people": there.people}
    yield from (f"{n} {what} (there {theirs[what]})" for what, n in counts if n and n != theirs[what])
    yield from there.otherwise
