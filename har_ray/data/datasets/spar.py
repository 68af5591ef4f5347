"""SPAR: seven shoulder exercises seen by a smart watch, ten people, both arms.

Source: Burns, Leung, Hardisty, Whyne, Henry, McLachlin: "Shoulder physiotherapy exercise recognition: machine learning
the inertial signals from a smartwatch", Physiological Measurement 39(7), 2018 (https://arxiv.org/abs/1802.01489). The
recordings come with the Python package `seglearn` (https://github.com/dmbee/seglearn), a dependency of this one:
nothing is downloaded and none of its code is run.
"""

import hashlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from har_ray.data.cleaning import columns_of
from har_ray.data.dataset import Channel, Dataset, Preset, Recording, Rejects
from har_ray.errors import DataError

FILE = "data/watch_dataset.npy"
SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
"""Of `seglearn/data/watch_dataset.npy` in seglearn 1.2.5. The file is a pickle: no other is opened."""

CHANNELS = (
    Channel("wrist_acc_x", "g"),
    Channel("wrist_acc_y", "g"),
    Channel("wrist_acc_z", "g"),
    Channel("wrist_gyr_x", "rad/s"),
    Channel("wrist_gyr_y", "rad/s"),
    Channel("wrist_gyr_z", "rad/s"),
)
CLASSES = (
    "pendulum",
    "abduction",
    "forward elevation",
    "internal rotation",
    "external rotation",
    "trapezius extension",
    "upright row",
)
"""In the order of the file's `y_labels`: PEN, ABD, FEL, IR, ER, TRAP, ROW."""
RATE_HZ = 50.0


def locate(folder: Path | None) -> list[str]:
    """The one file, inside the installed package; `folder` is not used."""
    spec = find_spec("seglearn")
    if spec is None or spec.origin is None:
        raise DataError("spar: the package seglearn is not installed; `pip install --no-deps seglearn==1.2.5`")
    return [str(Path(spec.origin).parent / FILE)]


def read(source: str, channels: Sequence[str], rejects: Rejects) -> Iterator[Recording]:
    """One recording per person, arm and exercise.

    Raises:
        DataError: the file is missing or is not the one whose hash is known.
    """
    path = Path(source)
    if not path.is_file():
        raise DataError(f"{source}: no such file; expected {FILE} of seglearn 1.2.5")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise DataError(f"{source}: SHA-256 is {found}, expected {SHA256}; reinstall seglearn==1.2.5")
    content = np.load(path, allow_pickle=True).item()
    columns = columns_of(channels, {channel.name: i for i, channel in enumerate(CHANNELS)}, "spar")
    rows = zip(content["X"], content["y"], content["subject"], content["side"], strict=True)
    for number, (x, label, subject, side) in enumerate(rows):
        yield Recording(
            name=f"{number:03d}-{'right' if side else 'left'}",
            subject=str(subject),
            x=x[:, columns].astype(np.float32),
            labels=np.full(len(x), label, dtype=np.int16),
            rate_hz=RATE_HZ,
        )


SPAR = Dataset(
    name="spar",
    title="SPAR: smart-watch recordings of shoulder physiotherapy exercises",
    homepage="https://github.com/dmbee/seglearn",
    terms="BSD 3-Clause, with seglearn",
    citation=(
        "D. M. Burns, N. Leung, M. Hardisty, C. M. Whyne, P. Henry, S. McLachlin. Shoulder physiotherapy exercise "
        "recognition: machine learning the inertial signals from a smartwatch. Physiol. Meas. 39(7):075007, 2018. "
        "https://doi.org/10.1088/1361-6579/aacfd9"
    ),
    archive=None,
    rate_hz=RATE_HZ,
    channels=CHANNELS,
    classes=CLASSES,
    null_name=None,
    subjects=tuple(str(i) for i in range(1, 11)),
    samples=244_102,
    presets={"wrist": Preset(tuple(c.name for c in CHANNELS), window_s=2.0, stride_s=1.0, rate_hz=RATE_HZ)},
    locate=locate,
    read=read,
    checksums={Path(FILE).name: SHA256},
    fingerprint=SHA256,
    origin="the Python package seglearn",
)
