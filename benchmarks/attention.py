"""Attention that is constant over windows, at the start and after training; what transfer makes of the teacher's maps.

    python -m benchmarks.attention                              # the start: about a minute
    python -m benchmarks.attention --train                      # and training: about ten more, on one core
    python -m benchmarks.attention --train --cells 4 --seeds 1 --epochs 4       # a short trial

On windows of SPAR at 12 Hz, unseen people for validation. Before: orthogonal attention weights, as version 0.2 had
them. RAB-KD's teacher is MM with the same attention; β is 1, and 0 for the control, whose maps are compared and not
trained. R² is that of the validation windows at the best epoch.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from har_ray import cluster
from har_ray.candidates import resolve
from har_ray.data.datasets.spar import SPAR
from har_ray.data.protocol import Protocol
from har_ray.data.raw.identity import identify
from har_ray.data.shards import prepare
from har_ray.data.tensors import Tensors, load_tensors
from har_ray.data.windows import WindowSpec
from har_ray.models.architectures import outputs
from har_ray.models.attention import Attention, map_sd
from har_ray.models.config import CONSTANT_SD, AttentionConfig, AttentionKind, ModelConfig
from har_ray.plan.cells import Cell
from har_ray.spec.training import TrainConfig
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore
from har_ray.training import targets
from har_ray.training.fit import Fit
from har_ray.training.trainer import Taught
from har_ray.variants import SIZES, VARIANTS

HOLDOUT = Protocol(name="subject-holdout")
KINDS: list[tuple[AttentionKind, int | None]] = [
    ("channel", 2), ("channel", 4), ("spatial", None), ("cbam", 2), ("cbam", 4)
]  # fmt: skip
"""Kind and ratio."""
STARTS = 200
SHOWN = 64
LOSSES: dict[str, dict[str, Any]] = {
    "centred": {"beta": 1.0},
    "published": {"beta": 1.0, "attention_loss": "published"},
    "control": {"beta": 0.0},
}
CPU = torch.device("cpu")


def spar() -> tuple[Tensors, str]:
    """The windows, made by the real path, and their id."""
    identity = identify(SPAR, None, Path())
    spec = WindowSpec.of(SPAR, identity.fingerprint, replace(SPAR.presets["wrist"], rate_hz=12.0))
    with TemporaryDirectory() as folder, cluster.connected("local", num_cpus=1):
        prepare(SPAR, spec, identity, None, WindowStore(Storage(folder)))
        return load_tensors(Storage(folder), spec.id, HOLDOUT), spec.id


def config(kind: AttentionKind, ratio: int | None, position: int) -> AttentionConfig:
    return AttentionConfig(kind=kind, ratio=ratio, kernel=None if kind == "channel" else 3, position=position)


def orthogonal(network: nn.Module) -> None:
    """Attention as it was initialised before."""
    assert isinstance(network.attention, Attention)
    for parameter in network.attention.parameters():
        if parameter.ndim > 1:
            nn.init.orthogonal_(parameter)


@torch.no_grad()
def starts(data: Tensors) -> None:
    """How many maps are constant before training, the position going round."""
    x = data.train.x[:: len(data.train.y) // SHOWN][:SHOWN]
    print(f"LM before training: maps that are constant over {SHOWN} windows, of {STARTS} seeds\n")
    print("| kind | ratio | map | orthogonal | now | smallest sd now |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    for kind, ratio in KINDS:
        found = [_start_sds(kind, ratio, seed, x, data) for seed in range(STARTS)]
        for name in found[0][0]:
            before, now = ([one[way][name] for one in found] for way in (0, 1))
            counts = [sum(sd < CONSTANT_SD for sd in sds) / STARTS for sds in (before, now)]
            shown = f"{counts[0]:.1%} | {counts[1]:.1%} | {min(now):.4f}"
            print(f"| {kind} | {ratio or '–'} | {name} | {shown} |", flush=True)


def _start_sds(
    kind: AttentionKind, ratio: int | None, seed: int, x: Tensor, data: Tensors
) -> tuple[dict[str, float], dict[str, float]]:
    """Before, and now."""
    torch.manual_seed(seed)
    model = ModelConfig(options=SIZES["LM"], attention=config(kind, ratio, 1 + seed % 4), sequence_axis="channels")
    network = model.build(data.shape, len(data.classes)).eval()
    now = map_sd(outputs(network, x).maps)
    orthogonal(network)
    return map_sd(outputs(network, x).maps), now


def fitted(
    data: Tensors, windows_id: str, variant: str, seed: int, epochs: int, taught: Fit | None = None, **hyper: Any
) -> Fit:
    """A cell trained until its score no longer improves."""
    chosen = resolve(VARIANTS[variant], hyper, "channels")
    cell = Cell(
        dataset="spar",
        preset="wrist",
        windows_id=windows_id,
        protocol=HOLDOUT,
        variant=variant,
        seed=seed,
        training=TrainConfig(epochs=epochs, patience=8),
        hyper=chosen.hyper,
        model=chosen.model,
        losses=chosen.losses,
    )
    said = (
        Taught(targets.compute(taught.network, data.train, CPU), targets.compute(taught.network, data.val, CPU))
        if taught
        else None
    )
    fit = Fit(cell, data, said)
    while not fit.finished:
        fit.epoch()
    fit.use_best()
    return fit


def diagnostics(fit: Fit, prefix: str) -> dict[str, float]:
    """The best epoch's, by map."""
    best = fit.curve[fit.best_epoch - 1]
    return {key.removeprefix(prefix): value for key, value in best.items() if key.startswith(prefix)}


def trained(data: Tensors, windows_id: str, cells: int, epochs: int) -> None:
    """How many maps are constant after training, kinds and positions going round."""
    print("\nLM-Att after training\n")
    print("| seed | attention | sd of its maps | F1 macro (val.) |\n| ---: | --- | --- | ---: |")
    maps = constant = 0
    for seed in range(cells):
        attention = config(*KINDS[seed % len(KINDS)], 1 + seed // len(KINDS) % 4)
        fit = fitted(data, windows_id, "LM-Att", seed, epochs, attention=attention)
        sds = diagnostics(fit, "attention_sd_")
        maps, constant = maps + len(sds), constant + sum(sd < CONSTANT_SD for sd in sds.values())
        shown = ", ".join(f"{name} {sd:.4f}" for name, sd in sds.items())
        print(f"| {seed} | {_named(attention)} | {shown} | {max(fit.monitored):.3f} |", flush=True)
    print(f"\n{constant} of {maps} maps of {cells} cells are constant over the validation windows")


def transferred(data: Tensors, windows_id: str, seeds: int, epochs: int) -> None:
    """R² of a student's maps for its teacher's, by loss."""
    print("\nRAB-KD\n")
    print("| seed | attention | loss | R² | F1 macro (val.) |\n| ---: | --- | --- | --- | ---: |")
    for seed, attention in _pairs(seeds):
        teacher = fitted(data, windows_id, "MM-Att", seed, epochs, attention=attention)
        for name, options in LOSSES.items():
            hyper = {"temperature": 4.0, "alpha": 0.5, "attention": attention} | options
            fit = fitted(data, windows_id, "RAB-KD", seed, epochs, taught=teacher, **hyper)
            shown = ", ".join(f"{one} {value:.2f}" for one, value in diagnostics(fit, "attention_r2_").items())
            print(f"| {seed} | {_named(attention)} | {name} | {shown} | {max(fit.monitored):.3f} |", flush=True)


def _pairs(seeds: int) -> Iterator[tuple[int, AttentionConfig]]:
    for seed in range(seeds):
        yield from ((seed, config(kind, ratio, 2)) for kind, ratio in KINDS if ratio != 4)


def _named(attention: AttentionConfig) -> str:
    return ", ".join(f"{key} {value}" for key, value in attention.model_dump(exclude_none=True).items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="store_true", help="also train")
    parser.add_argument("--cells", type=int, default=30, help="of LM-Att")
    parser.add_argument("--seeds", type=int, default=2, help="of RAB-KD")
    parser.add_argument("--epochs", type=int, default=40, help="at most")
    args = parser.parse_args()
    torch.set_num_threads(1)
    data, windows_id = spar()
    starts(data)
    if args.train:
        trained(data, windows_id, args.cells, args.epochs)
        transferred(data, windows_id, args.seeds, args.epochs)


if __name__ == "__main__":
    main()
