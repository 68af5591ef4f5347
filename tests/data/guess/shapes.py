"""Recordings in the shapes that people have: a walk and a run of 20 s each, gravity along z.

At a whole rate each is 19 windows of 2 s with a stride of 1 s; the one window across both is of no class.
"""

import numpy as np

from har_ray.data.dataset import Rejects
from har_ray.data.guess.descriptor import guess, open_questions
from har_ray.data.guess.writing import yaml_of
from har_ray.data.own.dataset import load_table
from har_ray.data.windows import cut

SECONDS = 20
G = 9.80665


def motion(rate_hz, seed=0, size=2.0, seconds=SECONDS):
    """`[n, 3]` in m/s²."""
    rng, t = np.random.default_rng(seed), np.arange(round(seconds * rate_hz)) / rate_hz
    x = size * np.sin(2 * np.pi * 1.8 * t[:, None] + np.arange(3)) + rng.normal(0, 0.2, (len(t), 3))
    x[:, 2] += G
    return x


def walk_and_run(rate_hz=25, seed=0, labels=("walk", "run")):
    """(row, label, x, y, z) of a person."""
    parts = [(label, row) for i, label in enumerate(labels) for row in motion(rate_hz, seed + i, 2.0 + 3 * i)]
    return [(i, label, *row) for i, (label, row) in enumerate(parts)]


def put(path, lines, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding=encoding)


def plain(
    folder, people=(1, 2, 3), header="t,ax,ay,az,activity", line="{t:.3f},{x:.4f},{y:.4f},{z:.4f},{label}", rate_hz=25
):
    for person in people:
        rows = [
            line.format(i=i, t=i / rate_hz, label=label, x=x, y=y, z=z)
            for i, label, x, y, z in walk_and_run(rate_hz, person)
        ]
        put(folder / "raw" / f"p{person}.csv", [*([header] if header else []), *rows])


def guessed(folder, *given):
    """The content of the descriptor that is written to `folder`/mine.yaml, and the questions."""
    found = guess([str(folder / one) for one in given or ("raw",)], folder)
    (folder / "mine.yaml").write_text(yaml_of(found, "guess"), encoding="utf-8")
    return found.content, list(open_questions(found))


def windows(folder):
    """(subject, class) → how many windows the descriptor gives, read from its file."""
    dataset = load_table("mine", folder / "mine.yaml")
    (preset,) = dataset.presets.values()
    counts: dict[tuple[str, str], int] = {}
    for source in dataset.locate(None):
        for recording in dataset.read(source, preset.channels, Rejects()):
            for y in cut(recording, preset, None).y:
                key = recording.subject, dataset.classes[y]
                counts[key] = counts.get(key, 0) + 1
    return counts


def each(*people, classes=("walk", "run"), count=19):
    return {(person, name): count for person in people for name in classes}
