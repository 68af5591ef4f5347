"""All checks in the order in which their findings are said."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from har_ray.data.dataset import Dataset, Preset, Read, Rejects
from har_ray.data.datasets import CATALOG
from har_ray.data.norms import measured
from har_ray.data.protocol import Protocol
from har_ray.data.soundness import channels, classes, direction, gravity, lag, length, rate, repeats, scale
from har_ray.data.soundness.evidence import Evidence
from har_ray.data.soundness.finding import Finding
from har_ray.data.soundness.statistics import Gathered
from har_ray.text import counted

OF_RECORDINGS: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    scale.findings,
    gravity.findings,
    direction.findings,
    repeats.findings,
    channels.findings,
    rate.findings,
    lag.findings,
)


def is_own(dataset: str) -> bool:
    """Whether recordings are a user's, described by a file that can be changed."""
    return dataset not in CATALOG


def of_recordings(gathered: Gathered, dataset: Dataset, preset: Preset) -> list[Finding]:
    """What is known of a dataset, and what statistics of its recordings show; nothing of none."""
    evidence = Evidence.of(gathered, dataset, preset, is_own(dataset.name))
    shown = (finding for check in OF_RECORDINGS for finding in check(evidence)) if gathered.parts else ()
    return [*dataset.findings, *shown]


def of_windows(manifest: dict[str, Any], protocols: Iterable[Protocol] = ()) -> list[Finding]:
    """What is kept with windows, and what follows from who does what where they are split by `protocols`."""
    kept = [Finding(**row) for row in manifest.get("findings", ())]
    counts, subjects, names = (manifest[key] for key in ("windows_per_subject_and_class", "subjects", "classes"))
    return [*kept, *classes.findings(counts, subjects, names, protocols, is_own(manifest["dataset"]))]


def looked_at_windows(manifest: dict[str, Any]) -> str:
    """How far the recordings that windows were made of were looked at."""
    if "findings" in manifest:
        return "all recordings were checked when their windows were made"
    unchecked = f"the recordings were not checked when windows/{manifest['windows_id']} was made"
    return f"{unchecked}; delete that folder, and they are when it is made again"


def before_windows(dataset: Dataset, preset: Preset, protocols: Sequence[Protocol]) -> tuple[str, list[Finding]]:
    """How far recordings were looked at of which there are no windows yet, and what was found."""
    looked, findings = [], list[Finding]()
    subjects = preset.subjects or dataset.subjects
    if dataset.first is not None:
        gathered, sources = _first_rows(dataset, preset, dataset.first)
        findings += [*of_recordings(gathered, dataset, preset), *length.findings(gathered, preset.window_s)]
        seen = f"{len({subject for _, subject, _ in gathered.parts})} of {counted(len(subjects), 'subject')}"
        apart = "".join(f"; {one}" for one in lag.begins(gathered.begins_s))
        looked.append(f"at the first rows of {counted(sources, 'file')} ({seen}{apart})")
    if dataset.labelled is not None:
        names = dataset.classes_of(preset)
        findings += classes.findings(dataset.labelled, subjects, names, protocols, is_own(dataset.name))
        looked.append("at who does what")
    if not looked:
        return "its recordings are checked when their windows are made", findings
    later = "all rows" if dataset.labelled is not None else "all rows, and who does what,"
    return f"looked {' and '.join(looked)}; {later} are checked when windows are made", findings


def _first_rows(dataset: Dataset, preset: Preset, first: Read) -> tuple[Gathered, int]:
    """Statistics of the first rows of every source, and how many sources there are."""
    channels = measured(preset.channels, [channel.name for channel in dataset.channels])
    gathered, sources = Gathered(channels), dataset.locate(None)
    for source in sources:
        chosen = (r for r in first(source, channels, Rejects()) if not preset.subjects or r.subject in preset.subjects)
        for _ in gathered.watched(source, chosen):
            pass
    return gathered, len(sources)
