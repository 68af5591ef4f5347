"""What the keys of a grid must be to each other. Each mistake is reported at the key that has to change."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import torch
from pydantic import ValidationError

from har_ray.augmentations import AUGMENTATIONS, view
from har_ray.augmentations.sensors import Sensors
from har_ray.candidates import Candidate, candidates, choices, from_space
from har_ray.choices import as_list
from har_ray.errors import ExtensionError, HarRayError, StorageError, unknown
from har_ray.losses import LOSSES, needs_maps, needs_teacher
from har_ray.metrics import load_metrics
from har_ray.models.architectures import ARCHITECTURES, GIVEN, check, fitted_at_once, min_window
from har_ray.models.config import AttentionSpace
from har_ray.models.cost import cost
from har_ray.registry import option_names, short_name
from har_ray.spec.training import JUDGED_BY, TrainConfig
from har_ray.store.uri import check as check_uri
from har_ray.store.uri import is_secret, secrets_in
from har_ray.text import counted
from har_ray.tracking import make_tracker
from har_ray.variants import SIZES, Variant
from har_ray.yaml_file import KeyPath

if TYPE_CHECKING:
    from har_ray.spec.grid import GridSpec

Mistake = tuple[KeyPath, str, *tuple[KeyPath, ...]]
"""A key, what is wrong with it, and the keys that this depends on; see `inconsistent`."""

OWN_TRAINING = [key for key in TrainConfig.model_fields if key not in JUDGED_BY]
"""The keys of `train` that a variant may have otherwise."""
EMPTY_SPACE: dict[str, Any] = {"temperature": [], "alpha": [], "beta": [], "attention": None}


def mistakes(spec: "GridSpec") -> Iterator[Mistake]:
    """Everything that does not fit together, with keys from the top of the grid."""
    yield from _datasets(spec)
    bad = {i: found for i, variant in enumerate(spec.variants) if (found := [*_variant(variant)])}
    yield from ((("variants", i, *key), message) for i, found in bad.items() for key, message, *_ in found)
    sound = {i: variant for i, variant in enumerate(spec.variants) if i not in bad}
    yield from _baseline(spec)
    yield from _teachers(spec, sound)
    yield from _search(spec, list(sound.values()))
    yield from _ratios(spec, sound)
    yield from _candidates(spec, sound)
    yield from _training(spec)
    yield from _resources(spec)
    yield from _secrets(spec)
    yield from _extensions(spec)


def _training(spec: "GridSpec") -> Iterator[Mistake]:
    if spec.train.warmup >= spec.train.epochs:
        yield ("train", "warmup"), f"{spec.train.warmup:g} leaves none of {{0}}", ("train", "epochs")
    if spec.teacher_epochs is not None:
        yield from _teacher_epochs(spec, spec.teacher_epochs)


def _teacher_epochs(spec: "GridSpec", epochs: int) -> Iterator[Mistake]:
    names = dict.fromkeys(name for variant in spec.variants for name in spec.teachers(variant))
    if not names:
        yield ("teacher_epochs",), "no variant has a teacher"
    for teacher in (spec.known_variants[name] for name in names if name in spec.known_variants):
        longest = max(float(warmup) for warmup in as_list(teacher.train.get("warmup", spec.train.warmup)))
        if longest >= epochs:
            yield (
                ("teacher_epochs",),
                f"{counted(epochs, 'epoch')} are no more than {teacher.name}'s warmup of {longest:g}",
            )


def _datasets(spec: "GridSpec") -> Iterator[Mistake]:
    seen: dict[tuple[str, str, str], int] = {}
    for i, entry in enumerate(spec.datasets):
        key = (entry.name, entry.preset_label, entry.protocols[0].label)
        if key in seen:
            yield ("datasets", i), f"{' / '.join(key)} is the same as {{0}}", ("datasets", seen[key])
        seen.setdefault(key, i)


def _variant(variant: Variant) -> Iterator[Mistake]:
    """What is wrong with a variant by itself, with keys from its top."""
    yield from _architecture(variant)
    yield from _augmentations(variant)
    for key in variant.train:
        if key not in OWN_TRAINING:
            shared = f"{key!r} is the same for all variants of a grid" if key in JUDGED_BY else ""
            yield ("train", key), shared or unknown("key", key, OWN_TRAINING)
    names = [short_name(name) for name in variant.losses]
    for name, given in variant.losses.items():
        if names.count(short_name(name)) > 1:
            yield ("losses", name), f"two losses are called {short_name(name)}"
        try:
            needed = from_space(variant.model_copy(update={"losses": {name: given}, "attention": False}))
            for message in LOSSES.check_options(name, given | dict.fromkeys(needed, 0)):
                yield ("losses", name), message
            if LOSSES.find(name).needs_maps and variant.attention is False:
                yield ("attention",), f"missing; {name} compares attention maps"
        except ExtensionError as error:
            yield ("losses", name), str(error)


def _augmentations(variant: Variant) -> Iterator[Mistake]:
    names = [short_name(name) for name in variant.augment]
    for name, given in variant.augment.items():
        if names.count(short_name(name)) > 1:
            yield ("augment", name), f"two augmentations are called {short_name(name)}"
        try:
            for message in AUGMENTATIONS.check_options(name, given):
                yield ("augment", name), message
        except ExtensionError as error:
            yield ("augment", name), str(error)


def _architecture(variant: Variant) -> Iterator[Mistake]:
    if variant.size and not variant.built_in:
        yield ("size",), f"is DeepConvLSTM's; {variant.architecture} has options"
        return
    options = (SIZES[variant.size] if variant.size else {}) | variant.options
    try:
        for message in ARCHITECTURES.check_options(
            variant.architecture, options, (*GIVEN, "attention", "sequence_axis")
        ):
            yield ("options",), message
        known = option_names(ARCHITECTURES.find(variant.architecture))
    except ExtensionError as error:
        yield ("architecture",), str(error)
        return
    if fitted_at_once(variant.architecture):
        for key in ("losses", "augment", "train"):
            if getattr(variant, key):
                yield (key,), f"{variant.architecture} takes none: it is fitted to all windows at once"
    for key, given in (("attention", variant.attention is not False), ("sequence_axis", bool(variant.sequence_axis))):
        if given and known is not None and key not in known:
            yield (key,), f"{variant.architecture} has none: its constructor takes no {key!r}"


def _baseline(spec: "GridSpec") -> Iterator[Mistake]:
    names = [variant.name for variant in spec.variants]
    if spec.baseline is not None and spec.baseline not in names:
        yield ("baseline",), unknown("variant of this grid", spec.baseline, names)


def _teachers(spec: "GridSpec", variants: dict[int, Variant]) -> Iterator[Mistake]:
    sound, own = spec.known_variants, {variant.name for variant in spec.variants}
    sound = {name: v for name, v in sound.items() if name not in own or v in variants.values()}
    possible = {name for name, v in sound.items() if not needs_teacher(v.losses) and v.attention is False}
    taught = {i: variant for i, variant in variants.items() if needs_teacher(variant.losses)}
    if lonely := [variant.name for variant in taught.values() if not spec.teachers(variant)]:
        yield ("teacher",), f"missing; {', '.join(lonely)} learn from one (OM, MM)"
    for i, variant in variants.items():
        if variant.teacher and i not in taught:
            yield ("variants", i, "teacher"), "none of its losses takes one"
    asked: list[tuple[KeyPath, list[str], list[Variant]]] = [
        (("variants", i, "teacher"), variant.teacher, [variant]) for i, variant in taught.items() if variant.teacher
    ]
    if spec.teacher is not None:
        asked.append((("teacher",), spec.teacher, [v for v in taught.values() if not v.teacher]))
    for key, names, students in asked:
        for message in dict.fromkeys(_wrong_teachers(names, students, sound, possible)):
            yield key, message


def _wrong_teachers(
    names: list[str], students: list[Variant], sound: dict[str, Variant], possible: set[str]
) -> Iterator[str]:
    comparing = next((student.name for student in students if needs_maps(student.losses)), None)
    if comparing and len(set(names)) > 1:
        yield f"{comparing} compares attention maps, so that all its teachers have to be of one variant"
    for name in names:
        if name not in possible:
            yield unknown("teacher", name, [known for known in sound if known in possible])
            continue
        searched = [key for key, values in choices(sound[name], EMPTY_SPACE).items() if len(values) > 1]
        if searched:
            yield f"{name} has {searched[0]} to search; a teacher's values are fixed"
        architecture = sound[name].architecture
        if comparing and "attention" not in (option_names(ARCHITECTURES.find(architecture)) or {"attention": False}):
            yield f"{comparing} compares attention maps, which {architecture} lacks"


def _search(spec: "GridSpec", variants: Iterable[Variant]) -> Iterator[Mistake]:
    needing = {variant.name: from_space(variant) for variant in variants}
    if spec.search is None:
        searching = [v.name for v in variants if needing[v.name] or _has_lists(v)]
        for i, entry in enumerate(spec.datasets):
            if entry.channel_groups:
                yield ("search",), "missing; {0} has groups to choose from", ("datasets", i, "channels")
        if searching:
            yield (
                ("search",),
                f"missing; {', '.join(searching)} have hyper-parameters (a space of single values fixes them)",
            )
        return
    for key, values in spec.search.space:
        names = [name for name, keys in needing.items() if key in keys]
        if names and values is None:
            yield ("search", "space", key), f"missing; needed by {', '.join(names)} (a single value fixes it)"
    shared = sorted(set(spec.seeds) & set(spec.search.seeds))
    if shared:
        text = f"{shared[0]} is also in seeds; a winner is not to be confirmed on what chose it"
        yield ("search", "seeds"), text, ("seeds",)


def _has_lists(variant: Variant) -> bool:
    own = choices(variant.model_copy(update={"attention": False} if variant.attention is True else {}), EMPTY_SPACE)
    return any(len(values) > 1 for values in own.values())


def _candidates(spec: "GridSpec", variants: dict[int, Variant]) -> Iterator[Mistake]:
    """What the networks and losses themselves refuse, found by making them."""
    space: dict[str, Any] = dict(spec.search.space) if spec.search else EMPTY_SPACE
    for i, variant in variants.items():
        yield from _short_windows(spec, variant)
        if any(not space[key] for key in from_space(variant)):
            continue  # reported as missing
        found = candidates(variant, space, "all", spec.sequence_axis)
        for message in dict.fromkeys(_refused_losses(found)):
            yield ("variants", i, "losses"), message
        for key, message in dict.fromkeys(_refused_training(spec, found)):
            yield ("variants", i, "train", key), message
        for name, message in dict.fromkeys(_refused_views(spec, found)):
            yield ("variants", i, "augment", name), message
        if not variant.built_in or variant.max_params or variant.max_macs:
            yield from _networks(spec, i, variant, found)


def _refused_losses(found: Iterable[Candidate]) -> Iterator[str]:
    made = {(name, *options.items()): (name, options) for one in found for name, options in one.losses.items()}
    for name, options in made.values():
        try:
            LOSSES.make(name, options)
        except ExtensionError as error:
            yield str(error)


def _refused_training(spec: "GridSpec", found: Iterable[Candidate]) -> Iterator[tuple[str, str]]:
    for candidate in found:
        try:
            training = TrainConfig.model_validate(spec.train.model_dump() | candidate.train)
        except ValidationError as error:
            for wrong in error.errors():
                yield str(wrong["loc"][0]), f"{wrong['msg']}; found {wrong['input']!r}"
            continue
        if "warmup" in candidate.train and training.warmup >= training.epochs:
            yield "warmup", f"{training.warmup:g} leaves none of the {counted(training.epochs, 'epoch')}"


def _refused_views(spec: "GridSpec", found: Iterable[Candidate]) -> Iterator[tuple[str, str]]:
    """What augmentations say of two windows of each dataset."""
    for entry in spec.datasets:
        for channels, candidate in product(entry.channel_choices, found):
            x = torch.randn(2, entry.length, len(channels))
            for name, options in candidate.augment.items():
                try:
                    view(x, {name: options}, Sensors(channels, torch.ones(len(channels))), 0, 1)
                except ExtensionError as error:
                    yield name, str(error)


def _ratios(spec: "GridSpec", variants: dict[int, Variant]) -> Iterator[Mistake]:
    """Ratios of channel attention that leave no hidden unit, each once for each key."""
    seen: set[tuple[KeyPath, int]] = set()
    for i, variant in variants.items():
        shared = spec.search.space.attention if spec.search and variant.attention is True else None
        space = variant.attention if isinstance(variant.attention, AttentionSpace) else shared
        if space is None or not variant.built_in or space.kind == ["spatial"]:
            continue
        key: KeyPath = ("search", "space", "attention", "ratio") if shared else ("variants", i, "attention", "ratio")
        options = SIZES[variant.size] if variant.size else variant.options
        filters = min(int(n) for n in as_list(options["filters"]))
        for ratio in space.ratio:
            if ratio > filters and (key, ratio) not in seen:
                seen.add((key, ratio))
                yield (
                    key,
                    f"{ratio} leaves no hidden unit of the {filters} filters of {variant.name}; at most {filters}",
                )


def _short_windows(spec: "GridSpec", variant: Variant) -> Iterator[Mistake]:
    least = min_window(variant.architecture)
    for number, entry in enumerate(spec.datasets):
        if entry.length < least:
            key = "window_s" if entry.window_s else "rate_hz" if entry.rate_hz else "preset"
            samples = f"{entry.length} samples ({entry.cut.window_s:g} s at {entry.cut.rate_hz:g} Hz)"
            yield ("datasets", number, key), f"{samples} are too few for {variant.architecture}; at least {least}"


def _networks(spec: "GridSpec", i: int, variant: Variant, found: Iterable[Candidate]) -> Iterator[Mistake]:
    """Build a variant's networks for every dataset, run them, and hold what they cost against its budget."""
    built_for = [
        (entry, (entry.length, len(channels))) for entry in spec.datasets for channels in entry.channel_choices
    ]
    for entry, shape in built_for:
        for model in dict.fromkeys(one.model for one in found):
            if entry.length < min_window(model.architecture):
                continue  # reported by itself
            try:
                costs = cost(check(model, shape, entry.classes), shape)
            except ExtensionError as error:
                yield ("variants", i, "architecture"), str(error)
                return
            options = ", ".join(f"{name}: {value}" for name, value in model.options.items())
            for key, most, found_cost in (
                ("max_params", variant.max_params, costs.params),
                ("max_macs", variant.max_macs, costs.macs),
            ):
                if most is not None and found_cost is not None and found_cost > most:
                    yield (
                        ("variants", i, key),
                        f"{most:,} is less than the {found_cost:,} of {{{options}}} on {entry.name}",
                    )


def _resources(spec: "GridSpec") -> Iterator[Mistake]:
    workers, batch = max(spec.resources.teacher.workers, spec.resources.student.workers), spec.train.batch_size
    if workers > batch:
        yield ("train", "batch_size"), f"{batch} windows can't be shared by {workers} workers"


def _secrets(spec: "GridSpec") -> Iterator[Mistake]:
    """What would be stored with the results and shown in the report."""
    try:
        check_uri(spec.storage)
    except StorageError as error:
        yield ("storage",), str(error)
    for i, entry in enumerate(spec.datasets):
        if wrong := secrets_in(str(entry.path or "")):
            advice = f"fetch it beforehand: har-ray data fetch {entry.name} --from URL"
            yield ("datasets", i, "path"), f"{' and '.join(wrong)} would be stored and shown; {advice}"
    for name, options in spec.tracking.items():
        for option, value in options.items():
            if is_secret(option) and value is not None:
                given = "by the environment of the process that starts the grid"
                yield ("tracking", name, option), f"would be stored with the results and shown; give it {given}"


def _extensions(spec: "GridSpec") -> Iterator[Mistake]:
    """Metrics and trackers."""
    names = []
    for i, name in enumerate(spec.metrics):
        try:
            names += list(load_metrics([name]))
        except ExtensionError as error:
            yield ("metrics", i), str(error)
    monitored = spec.train.monitor.removeprefix("val_")
    if monitored not in names and len(names) == len(spec.metrics):
        yield ("train", "monitor"), unknown("score", spec.train.monitor, [f"val_{name}" for name in names])
    for name, options in spec.tracking.items():
        try:
            make_tracker(name, options)
        except HarRayError as error:
            yield ("tracking", name), str(error)
