"""What `python -m har_ray.data` prints: what is known of datasets, and what windows hold."""

from collections.abc import Iterable, Iterator

from har_ray.data.account import left_out_lines
from har_ray.data.dataset import Dataset, Preset
from har_ray.data.describe.numbers import Description
from har_ray.data.raw.identity import Identity
from har_ray.data.soundness.finding import Finding
from har_ray.data.windows import class_names, samples
from har_ray.store.windows import Manifest
from har_ray.text import aligned, counted

FILES = 10
"""Those of which most is left out are shown; the manifest has all."""


def list_lines(datasets: Iterable[Dataset]) -> Iterator[str]:
    """A line for each dataset."""
    rows = [
        (d.name, f"{d.rate_hz:g} Hz", len(d.subjects), len(d.classes), len(d.channels), ", ".join(d.presets), d.title)
        for d in datasets
    ]
    return aligned(("name", "rate", "subjects", "classes", "channels", "presets", "what"), rows, left=(0, 5, 6))


def info_lines(dataset: Dataset) -> Iterator[str]:
    """All that is known of a dataset before its recordings are read."""
    yield f"{dataset.name}: {dataset.title}"
    facts = {
        "homepage": dataset.homepage,
        **_archive(dataset),
        "terms": dataset.terms,
        "cite": dataset.citation,
        "rate": f"{dataset.rate_hz:g} Hz",
        "recorded": f"{dataset.samples:,} labelled samples, {_clock(dataset.samples / dataset.rate_hz / 3600)} h:mm:ss",
        "subjects": f"{len(dataset.subjects)}: {', '.join(dataset.subjects)}",
        "classes": f"{len(dataset.classes)}: {', '.join(dataset.classes)}",
        **{f"classes of {name}": f"{len(t.classes)}: {', '.join(t.classes)}" for name, t in dataset.tracks.items()},
    }
    if dataset.null_name is not None:
        facts["no class"] = dataset.null_name
    units = dict.fromkeys(channel.unit for channel in dataset.channels)
    for unit in units:
        names = [channel.name for channel in dataset.channels if channel.unit == unit]
        facts[f"channels ({unit})"] = f"{len(names)}: {', '.join(names)}"
    for name, preset in dataset.presets.items():
        facts[f"preset {name}"] = _preset(dataset, preset)
    for key, fact in facts.items():
        yield f"  {key}: {fact}"
    yield from _warnings(dataset.findings)


def _archive(dataset: Dataset) -> dict[str, str]:
    if dataset.archive is None:
        return {"source": f"{dataset.origin}; there is nothing to download"}
    size = f"{dataset.archive.size_bytes:,} bytes" if dataset.archive.size_bytes else "size unknown"
    checksum = f"SHA-256 {dataset.archive.sha256}" if dataset.archive.sha256 else "checksum unknown"
    return {"source": dataset.archive.url, "archive": f"{size}, {checksum}"}


def _preset(dataset: Dataset, preset: Preset) -> str:
    length, stride = (samples(seconds, preset.rate_hz) for seconds in (preset.window_s, preset.stride_s))
    classes = class_names(dataset, preset)
    published = "; files joined and gaps bridged as published, for protocol random alone" if preset.as_published else ""
    track = f" of {preset.track}" if preset.track else ""
    null = f", the last of them {classes[-1]}" if preset.null_class else ""
    return (
        f"windows [{length}, {len(preset.channels)}] of {preset.window_s:g} s every {preset.stride_s:g} s "
        f"({stride} samples) at {preset.rate_hz:g} Hz; label rule {preset.label_rule}; {len(classes)} classes{track}"
        f"{null}{published}"
    )


def source_line(identity: Identity) -> str:
    """Whose raw files are read."""
    whose = {True: "the publisher's copy", False: "not the publisher's copy", None: "no published checksum to compare"}
    count = "1 file" if identity.files == 1 else f"{identity.files:,} files"
    return (
        f"  raw files: {identity.origin} ({count}, {identity.size_bytes / 1e6:,.1f} MB; {whose[identity.publishers]})"
    )


def prepared_lines(manifest: Manifest) -> Iterator[str]:
    """What came out of the recordings, and what was left out of them."""
    shape = [manifest["window"], len(manifest["channels"])]
    yield (
        f"{manifest['dataset']}: {manifest['windows']:,} windows {shape}, {shape[0] / manifest['rate_hz']:g} s at "
        f"{manifest['rate_hz']:g} Hz"
    )
    yield from (f"  {line}" for line in left_out_lines(manifest))


def finding_lines(findings: Iterable[Finding], looked: str) -> Iterator[str]:
    """What is wrong with the recordings, and how far they were looked at."""
    yield from _warnings(findings)
    yield f"  {looked}"


def _warnings(findings: Iterable[Finding]) -> Iterator[str]:
    return (f"  {'error' if finding.fatal else 'warning'}: {finding}" for finding in findings)


def description_lines(found: Description) -> Iterator[str]:
    """Tables of what the windows hold, by class, by subject and by channel, and of files of which much is left out."""
    manifest = found.manifest
    by_class = zip(manifest["classes"], found.windows, found.hours, strict=True)
    rows = [(name, f"{n.sum():,}", _clock(h.sum()), int((n > 0).sum())) for name, n, h in by_class]
    yield from ("", *aligned(("class", "windows", "h:mm:ss", "subjects"), rows))
    by_subject = zip(manifest["subjects"], found.windows.T, found.hours.T, strict=True)
    rows = [(name, f"{n.sum():,}", _clock(h.sum()), int((n > 0).sum())) for name, n, h in by_subject]
    yield from ("", *aligned(("subject", "windows", "h:mm:ss", "classes"), rows))
    by_channel = zip(manifest["channels"], found.ranges, strict=True)
    ranges = [(channel["name"], channel["unit"], *(f"{v:.4g}" for v in values)) for channel, values in by_channel]
    yield from ("", *aligned(("channel", "unit", "min", "1 %", "median", "99 %", "max"), ranges, left=(0, 1)))
    most = sorted(manifest.get("files", ()), key=_left_out_s, reverse=True)[:FILES]
    if any(map(_left_out_s, most)):
        files = [
            (one["file"], _clock(one["seconds"] / 3600), _clock(_left_out_s(one) / 3600), f"{one['windows']:,}")
            for one in most
        ]
        yield from ("", *aligned(("file", "read", "left out", "windows"), files))
        if more := len(manifest["files"]) - len(most):
            yield f"and {counted(more, 'file')} of which less is left out"


def _left_out_s(file: Manifest) -> float:
    return float(sum(lost["seconds"] for lost in file["left_out"].values()))


def _clock(hours: float) -> str:
    minutes, seconds = divmod(round(3600 * hours), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
