"""The tables of results: one per dataset, preset and protocol, variants as rows."""

from collections.abc import Iterable, Iterator
from string import ascii_lowercase
from typing import Any

from analysis.attention import constant_attention, explained
from analysis.formats import Entry, TextTable, csv_text, percent, plain, span
from analysis.load import Key, Results
from analysis.on_the_watch import watch_record
from analysis.published import by_subject
from analysis.scores import (
    COSTS,
    UNCONVERGED,
    UNKNOWN_DEVICE,
    VariantResult,
    absent_classes,
    chosen_by_validation,
    unconverged,
    variant_results,
)
from analysis.student import CHOSEN
from har_ray.groups import Group, Setting


def results_table(results: Results, setting: Setting) -> TextTable:
    """Scores and costs of every variant; the student that validation data choose has a dagger."""
    variants = variant_results(results, setting)
    chosen = chosen_by_validation(result for result in variants.values() if not result.traits.large)
    devices = sorted({device for result in variants.values() for device in result.latencies_ms()})
    costs = _known_costs(variants.values())
    rows = [
        [
            Entry(variant, mark=CHOSEN * (result is chosen) + result.doubt),
            *(_score(result, score.name, variants) for score in results.scores),
            Entry(_error(result)),
            Entry(result.standing()),
            *(Entry(span(result.cost(name))) for name in costs),
            Entry(_latency(result, devices)),
        ]
        for variant, result in variants.items()
    ]
    titles = [score.title for score in results.scores]
    columns = ["variant", *titles, "ECE (%)", "n (seeds)", *(COSTS[name] for name in costs), "latency (ms)"]
    notes = [*_notes(results, setting), *_cost_notes(devices)]
    notes += [*constant_attention(results, setting), *explained(results, setting)]
    align = "l" + "r" * (len(columns) - 1)
    return TextTable(f"Test results: {setting.title}", columns, align, rows, notes, results.made_by)


def _known_costs(variants: Iterable[VariantResult]) -> list[str]:
    """The costs that the completed cells know; all where there is none yet."""
    completed = [result for result in variants if result.completed]
    return [name for name in COSTS if not completed or any(result.cost(name) for result in completed)]


def _score(result: VariantResult, score: str, variants: dict[str, VariantResult]) -> Entry:
    shown = result.percent(score)
    text = percent(result.mean(score), result.sd(score))
    if shown is None:
        return Entry(text)
    return Entry(text, bold=shown == _highest(variants, score))


def _error(result: VariantResult) -> str:
    error = result.calibration_error()
    return "–" if error is None else f"{100 * error:.1f}"


def _highest(variants: dict[str, VariantResult], score: str) -> float | None:
    return max((shown for result in variants.values() if (shown := result.percent(score)) is not None), default=None)


def _notes(results: Results, setting: Setting) -> list[str]:
    notes = [
        "Mean ± sample standard deviation over seeds; of one seed its score. Bold: highest mean, which describes these "
        f"test people and chooses nothing; {CHOSEN} the small model with the best validation score. n: completed of "
        "expected seeds; the means are over the completed ones.",
        "ECE: expected calibration error, how far confidence is from accuracy; 15 bins of equal width, less is better.",
    ]
    folds = max((result.folds for result in variant_results(results, setting).values()), default=1)
    if folds > 1:
        notes.append(
            f"Scores of a seed: the test predictions of its {folds} folds, pooled; a seed counts if all are there."
        )
    if reported := by_subject(setting):
        notes.append(f"Published of these recordings: {reported}.")
    notes += limits(results, setting)
    notes += [f"{UNCONVERGED} {text}"] if (text := unconverged(variant_results(results, setting).values())) else []
    notes += [f"{score.name}: can't be computed here, only read from rows: {score.why_not}"
              for score in results.scores if score.metric is None]  # fmt: skip
    return notes


def limits(results: Results, setting: Setting) -> Iterator[str]:
    """What keeps the scores from speaking about new people, or about all classes."""
    if setting.leaks:
        yield "This split leaks: windows of one recording are in training and test. No estimate for new people."
    elif setting.known_people:
        yield "The test people are in the training part too, with other recordings. No estimate for new people."
    elif setting.known_validation:
        yield (
            "Validation windows are drawn at random from the training people's: when training ends and what is chosen "
            "suits these people."
        )
    if absent := absent_classes(results, setting):
        yield f"No test window of: {', '.join(absent)}. Macro F1 is the mean over the other classes."


def _cost_notes(devices: list[str]) -> Iterator[str]:
    counts = "MACs: convolutions, recurrent and linear layers; the published FLOPs leave the last two out, and other "
    counts += "architectures than DeepConvLSTM have no such count."
    where = devices[0] if devices else UNKNOWN_DEVICE
    yield f"{counts} Latency: one window, median" + ("." if len(devices) > 1 else f", on {where}.")
    if len(devices) > 1:
        named = "; ".join(f"{_letter(device, devices)} {device}" for device in devices)
        yield f"Latencies were measured on different devices and compare only where the letter is the same: {named}."


def _latency(result: VariantResult, devices: list[str]) -> str:
    """A median; where the table's are of several devices, one for each of this variant's, with the device's letter."""
    medians = result.latencies_ms()
    if len(devices) < 2:
        return "".join(f"{value:.2f}" for value in medians.values()) or "–"
    return ", ".join(f"{value:.2f} {_letter(device, devices)}" for device, value in medians.items()) or "–"


def _letter(device: str, devices: list[str]) -> str:
    """`(a)` for the first device, `(aa)` for the 27th."""
    times, place = divmod(devices.index(device), len(ascii_lowercase))
    return f"({ascii_lowercase[place] * (times + 1)})"


def results_csv(results: Results) -> str:
    """All tables as one CSV: raw numbers, scores as fractions, a row per variant and setting."""
    return csv_text([_record(results, r) for s in results.settings() for r in variant_results(results, s).values()])


def _record(results: Results, result: VariantResult) -> dict[str, Any]:
    record: dict[str, Any] = {**result.setting.record, "variant": result.variant}
    record |= {"seeds_completed": len(result.seeds), "seeds_expected": result.expected_seeds}
    for state in ("completed", "failed", "stopped", "missing"):
        record[f"cells_{state}"] = sum(cell.state == state for cell in result.cells)
    for name in dict.fromkeys(["f1_macro", *(score.name for score in results.scores)]):
        record |= {f"{name}_mean": result.mean(name), f"{name}_sd": result.sd(name), f"{name}_n": len(result.seeds)}
    record |= {"calibration_error_mean": result.calibration_error(), "unconverged": result.unconverged()}
    for name in COSTS:
        low, high = result.cost(name) or (None, None)
        record |= {f"{name}_min": low, f"{name}_max": high}
    latencies = result.latencies_ms()
    # A median over different devices would be of neither; the rows of the store have each cell's own.
    record["latency_ms_median"] = next(iter(latencies.values())) if len(latencies) == 1 else None
    record |= {"latency_device": "; ".join(latencies) or None}
    return record | watch_record(results, result) | results.provenance


def named(group: Group) -> tuple[str, str, str]:
    """Setting, fold and variant, for a table."""
    return group.setting.title, str(group.fold), group.variant


def attention(row: dict[str, Any]) -> str:
    """The attention module of a row in words: `cbam, ratio 4, kernel 3, after conv 2`."""
    if row.get("attention_kind") is None:
        return "–"
    parts = {"ratio": "attention_ratio", "kernel": "attention_kernel", "after conv": "attention_position"}
    known = [f"{word} {row[name]}" for word, name in parts.items() if row.get(name) is not None]
    return ", ".join([str(row["attention_kind"]), *known])


def failures_table(results: Results) -> TextTable:
    """Every failed cell of every stage, and every confirm cell that is stopped or unreadable, with the reason."""
    failed = [(row["stage"], Key.of(row), row["error"] or "no reason is given") for row in results.failures]
    known = {key for stage, key, _ in failed if stage == "confirm"}
    unknown = [cell for cell in results.cells if cell.state in ("failed", "stopped") and cell.key not in known]
    failed += [("confirm", cell.key, cell.error) for cell in unknown]
    columns = ["stage", "setting", "fold", "variant", "seed", "reason"]
    rows = [plain(stage, *named(key.group), str(key.seed), error) for stage, key, error in failed]
    title = "Cells that failed or were stopped, of every stage"
    return TextTable(title, columns, "llrlrl", rows, [], results.made_by)


def split_tables(results: Results) -> list[TextTable]:
    """Which subjects are in which part, one table per dataset and preset."""
    return [_split_table(results, entry) for entry in results.info.get("data") or []]


def _split_table(results: Results, entry: dict[str, Any]) -> TextTable:
    known = {name: entry.get(name, "unknown") for name in ("dataset", "preset", "rate_hz", "window", "windows")}
    channels, classes = entry.get("channels") or ["unknown"], entry.get("classes") or ["unknown"]
    rate, count = _shown(known["rate_hz"], "g"), _shown(known["windows"], ",")
    title = f"{known['dataset']}, {known['preset']}: {count} windows of {known['window']} samples at {rate} Hz"
    rows = [
        plain(_protocol(fold.get("protocol")), str(fold.get("fold", "–")),
              *(_part(fold, part) for part in ("train", "val", "test")))
        for fold in entry.get("folds") or []
    ]  # fmt: skip
    notes = [
        *_source(entry),
        f"{len(channels)} channels: {', '.join(map(str, channels))}.",
        f"{len(classes)} classes: {', '.join(map(str, classes))}.",
    ]
    columns = ["protocol", "fold", "training subjects", "validation subjects", "test subjects"]
    return TextTable(title, columns, "lrlll", rows, notes, results.made_by)


def _source(entry: dict[str, Any]) -> Iterator[str]:
    """Whose raw files these were."""
    source = entry.get("source") or {}
    if source:
        copies = {True: "the publisher's copy", False: "not the publisher's copy: its checksums differ"}
        yield f"Raw files: {source['origin']} ({copies.get(source['publishers'], 'no publisher checksum is known')})."


def _shown(value: Any, how: str) -> str:
    return f"{value:{how}}" if isinstance(value, int | float) else str(value)


def _protocol(name: str | None) -> str:
    """A protocol as tables name it."""
    return "unknown" if name is None else Setting("", "", name).protocol_title


def _part(fold: dict[str, Any], part: str) -> str:
    subjects, windows = fold.get(part), fold.get(f"{part}_windows")
    text = "unknown" if subjects is None else ", ".join(map(str, subjects))
    return text if windows is None else f"{text} ({windows:,} windows)"
