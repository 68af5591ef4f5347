"""Own recordings written as text a person can check: row i of `ax` holds i, of `ay` 100 + i.

10 Hz and windows of 0.5 s without overlap: five rows make a window.
"""

import textwrap

from har_ray.data.dataset import Rejects
from har_ray.data.own.dataset import load_table

DESCRIPTOR = r"""
    files: raw/*.csv
    rate_hz: 10
    time: {column: t, unit: s}
    subject: {pattern: 'p(\d+)'}
    label: {column: activity, map: {walk: walking, run: running}, no_class: [other, ""]}
    channels:
      wrist_acc_x: {column: ax, unit: m/s^2}
      wrist_acc_y: ay
    presets:
      wrist: {window_s: 0.5, stride_s: 0.5}
    """
CHANNELS = ("wrist_acc_x", "wrist_acc_y")


def rows(*labels, t=0.0, step=0.1):
    """`t,ax,ay,note,activity`: row i has t + i steps, i, 100 + i."""
    return [f"{t + i * step:.3f},{i},{100 + i},x,{label}" for i, label in enumerate(labels)]


def write(folder, descriptor=DESCRIPTOR, header="t,ax,ay,note,activity", **files):
    """The descriptor's path; `files` are rows by name, `p1=[...]` for `raw/p1.csv`."""
    (folder / "raw").mkdir(exist_ok=True)
    for name, lines in files.items():
        (folder / "raw" / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")
    path = folder / "mine.yaml"
    path.write_text(textwrap.dedent(descriptor))
    return path


def read(path, channels=CHANNELS):
    dataset, rejects = load_table("mine", path), Rejects()
    recordings = [r for source in dataset.locate(None) for r in dataset.read(source, channels, rejects)]
    return recordings, dict(rejects.counts)
