"""Statistics of recordings made by hand: 50 Hz, an accelerometer in m/s² that lies still but for noise."""

import numpy as np

from har_ray.data.dataset import Recording
from har_ray.data.soundness.evidence import Evidence
from har_ray.data.soundness.statistics import Gathered

CHANNELS = ("acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")
UNITS = dict(zip(CHANNELS, ["m/s^2"] * 3 + ["rad/s"] * 3, strict=True))
POSTURES = ((9.81, 0, 0), (0, 6.94, 6.94))
"""Mean acceleration in class 0 and in class 1."""
SAMPLES = 500


def recording(subject, seed, name="a:0", classes=(0, 1)):
    """500 samples of each class: gravity as the posture has it, all six channels with noise of standard deviation 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (SAMPLES * len(classes), 6))
    labels = np.repeat(np.array(classes, dtype=np.int16), SAMPLES)
    x[:, :3] += np.array(POSTURES)[labels]
    return Recording(name, subject, x.astype(np.float32), labels, 50.0)


def people(count, change=None, **changed):
    """Recordings by file: `p1.csv` of subject 1 and so on; `changed` maps a subject, `p2`, to what is done to its x."""
    found = {}
    for subject in range(1, count + 1):
        one = recording(str(subject), subject)
        if change := changed.get(f"p{subject}"):
            one.x[:] = change(one.x)
        found[f"p{subject}.csv"] = [one]
    return found


def evidence(recordings, trained_on=CHANNELS, aligned=False, own=True, units=UNITS, rate_hz=50):
    gathered = Gathered(CHANNELS)
    for source, ones in recordings.items():
        assert len(list(gathered.watched(source, ones))) == len(ones)
    return Evidence(gathered, units, trained_on, aligned, own, rate_hz)


def times(factors):
    """What multiplies the six channels."""
    return lambda x: x * np.array(factors, dtype=np.float32)
