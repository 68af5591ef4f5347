"""WISDM 2019, watch: 18 activities of three minutes, 51 people, accelerometer and gyroscope of a watch on the wrist.

Sources: `README.txt` and `activity_key.txt` of the publisher's archive. Each subject has two texts of records (see
`wisdm.py`), one per sensor, with time stamps of their own. The watch took readings every 50 ms, at times every 40 or
10 ms, and paused for 0.1 to 0.5 s at every change of pace. So the two streams are joined on time: within one activity,
where both run without a pause, linear interpolation turns the readings into values at common instants 50 ms apart.
Nothing is filtered (see `joining.py`): from a stretch at 100 Hz every fifth instant is kept.

Some subjects lack a file, in the public copies or in a user's. They are sources like any other; reading one yields
nothing, and the rejects say which file is missing.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from har_ray.data.cleaning import changes, columns_of, find_files, runs, time_breaks
from har_ray.data.dataset import Archive, Channel, Dataset, Preset, Recording, Rejects
from har_ray.data.datasets.wisdm import read_records
from har_ray.data.joining import Run, Stream, goes_on, joined
from har_ray.errors import DataError

RATE_HZ = 20.0
STEP_NS = 1e9 / RATE_HZ

MAX_STEP_NS = 0.1e9
"""Two nominal steps. In 93 of the files steps are 61 ms at most, pauses 104 ms to a minute, apart from one of 88 ms."""

SUBJECTS = tuple(str(i) for i in range(1600, 1651))

ACTIVITIES = {
    "A": "walking",
    "B": "jogging",
    "C": "stairs",
    "D": "sitting",
    "E": "standing",
    "F": "typing",
    "G": "teeth",
    "H": "soup",
    "I": "chips",
    "J": "pasta",
    "K": "drinking",
    "L": "sandwich",
    "M": "kicking",
    "O": "catch",
    "P": "dribbling",
    "Q": "writing",
    "R": "clapping",
    "S": "folding",
}
"""Code in the files → name, as in `activity_key.txt`; there is no N."""
CODES = tuple(ACTIVITIES)

SENSORS = {"accel": "accelerometer", "gyro": "gyroscope"}
"""Name in file names → name in messages."""
COLUMNS = {
    f"wrist_{quantity}_{axis}": 3 * s + a for s, quantity in enumerate(("acc", "gyr")) for a, axis in enumerate("xyz")
}
"""Channel → column among accelerometer x, y, z, gyroscope x, y, z."""


Activity = tuple[int, int]
"""An activity, and how often the clock had restarted within it: only between restarts does the clock say which readings
of two sensors belong together."""


def file_name(subject: str, sensor: str) -> str:
    return f"data_{subject}_{sensor}_watch.txt"


def locate(folder: Path | None) -> list[str]:
    """A source per subject: the path of its accelerometer file, even where that is missing.

    Raises:
        DataError: there is no file at all, or they lie in more than one data set.
    """
    (home,) = {path.parent.parent for path in files(folder)}
    return [str(home / "accel" / file_name(subject, "accel")) for subject in SUBJECTS]


def files(folder: Path | None) -> list[Path]:
    """The existing texts of both sensors; raises as `locate`."""
    names = [file_name(subject, sensor) for sensor in SENSORS for subject in SUBJECTS]
    found = find_files(folder, names, "wisdm-watch", required=False)
    homes = {path.parent.parent for path in found.values()}
    if not homes:
        raise DataError(
            f"wisdm-watch: no file like accel/{names[0]} anywhere below {folder}; unpack the archive there, "
            "and the wisdm-dataset.zip within it"
        )
    if len(homes) > 1:
        raise DataError(f"wisdm-watch: files in {', '.join(map(str, sorted(homes)))}; expected one folder raw/watch")
    return list(found.values())


def read(source: str, channels: Sequence[str], rejects: Rejects) -> Iterator[Recording]:
    """A recording per activity and stretch of time in which every sensor asked for runs without a pause.

    Raises:
        DataError: the source is not the accelerometer file of a subject, or as `read_records` in `wisdm.py`.
    """
    path = Path(source)
    named = re.fullmatch(r"data_(\d+)_accel_watch\.txt", path.name)
    if named is None or named[1] not in SUBJECTS:
        raise DataError(f"{path}: expected a name like {file_name(SUBJECTS[0], 'accel')}, to {SUBJECTS[-1]}")
    subject, columns = named[1], columns_of(channels, COLUMNS, "wisdm-watch")
    needed = [sensor for s, sensor in enumerate(SENSORS) if any(column // 3 == s for column in columns)]
    texts = {sensor: path.parent.parent / sensor / file_name(subject, sensor) for sensor in needed}
    missing = [sensor for sensor, text in texts.items() if not text.is_file()]
    for sensor in missing:
        rejects.add(f"subject {subject}: no {SENSORS[sensor]} file")
    if missing:
        return
    streams = {sensor: _stream(text, subject, rejects) for sensor, text in texts.items()}
    at = [3 * needed.index(list(SENSORS)[column // 3]) + column % 3 for column in columns]
    alone: dict[str, int] = {}
    for number, stretch in enumerate(joined(streams, STEP_NS, alone)):
        activity, _ = stretch.key
        yield Recording(
            name=f"{subject}-{CODES[activity]}:{number}",
            subject=subject,
            x=stretch.x.take(at, axis=1),
            labels=np.full(len(stretch.x), activity, dtype=np.int16),
            rate_hz=RATE_HZ,
            before_gap=goes_on(stretch, streams),
        )
    for sensor, n in alone.items():
        rejects.add(f"{SENSORS[sensor]} reading without one of the other sensor at its time", n)


def _stream(path: Path, subject: str, rejects: Rejects) -> Stream[Activity]:
    """The runs of one sensor, in file order."""
    records = read_records(path, (subject,), CODES, rejects)
    stream: Stream[Activity] = {}
    restarts = [0] * len(CODES)
    breaks = changes(records.activity) | time_breaks(records.t_ns, MAX_STEP_NS)
    for start, stop in runs(len(records.t_ns), breaks):
        activity, t_ns = int(records.activity[start]), records.t_ns[start:stop]
        earlier = stream.get((activity, restarts[activity]))
        restarts[activity] += bool(earlier and t_ns[0] < earlier[-1].t[-1])
        stream.setdefault((activity, restarts[activity]), []).append(Run(t_ns, records.xyz[start:stop]))
    return stream


WISDM_WATCH = Dataset(
    name="wisdm-watch",
    title="WISDM 2019: eighteen activities, a smart watch's accelerometer and gyroscope",
    homepage="https://archive.ics.uci.edu/dataset/507/wisdm+smartphone+and+smartwatch+activity+and+biometrics+dataset",
    terms="CC BY 4.0 (UCI)",
    citation=(
        "G. M. Weiss, K. Yoneda, T. Hayajneh. Smartphone and smartwatch-based biometrics using activities of daily "
        "living. IEEE Access 7:133190-133202, 2019. https://doi.org/10.1109/ACCESS.2019.2940729"
    ),
    archive=Archive(
        url=(
            "https://archive.ics.uci.edu/static/public/507/"
            "wisdm+smartphone+and+smartwatch+activity+and+biometrics+dataset.zip"
        ),
        filename="wisdm-2019.zip",
    ),
    rate_hz=RATE_HZ,
    channels=tuple(Channel(name, "m/s^2" if "_acc_" in name else "rad/s") for name in COLUMNS),
    classes=tuple(ACTIVITIES.values()),
    null_name=None,
    subjects=SUBJECTS,
    samples=3_304_800,  # 51 subjects × 18 activities × 180 s × 20 Hz
    presets={
        "arena": Preset(tuple(COLUMNS), window_s=3.0, stride_s=1.5, rate_hz=RATE_HZ),
        "wrist": Preset(tuple(COLUMNS), window_s=2.0, stride_s=1.0, rate_hz=RATE_HZ),
    },
    locate=locate,
    read=read,
    files=files,
)
