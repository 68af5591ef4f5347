"""The descriptor on each page of docs/recordings, as it stands there, on files of that source's shape.

Two people walk and run for 20 s each: 19 windows of 2 s, one each second, of each person and activity; gravity is
along z.
"""

import re
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import har_ray

PAGES = Path(__file__).parent.parent.parent.parent / "docs" / "recordings"
PEOPLE, ACTIVITIES = ("p1", "p2"), ("walk", "run")
SECONDS, G = 20, 9.80665
RNG = np.random.default_rng(0)
STARTED = datetime(2023, 10, 20, 14, 50, 24, tzinfo=UTC)
START_NS = 1_697_813_424_000_000_000
"""The same."""


def motion(activity, rate_hz):
    """Acceleration in m/s², [n, 3]."""
    t = np.arange(round(SECONDS * rate_hz)) / rate_hz
    hz, size = {"walk": (1.8, 2.0), "run": (2.7, 4.0)}[activity]
    x = size * np.sin(2 * np.pi * hz * t)[:, None] * [1, 0.5, 0.25]
    return x + [0, 0, G] + RNG.normal(0, 0.02, x.shape)  # nobody moves as somebody else, which would be refused


def put(path, lines, newline="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((newline.join(lines) + newline).encode())


def fields(separator, *parts):
    return separator.join(f"{part:.6f}" if isinstance(part, float) else str(part) for part in parts)


def sensor_logger(folder):
    for person in PEOPLE:
        for activity in ACTIVITIES:
            for name, rate_hz, late_ns in (("TotalAcceleration", 100.4, 0), ("Gyroscope", 99.8, 3_700_000)):
                rows = ["time,seconds_elapsed,z,y,x"]
                for i, (x, y, z) in enumerate(motion(activity, rate_hz)):
                    at = START_NS + late_ns + round(i * 1e9 / rate_hz)
                    rows.append(fields(",", at, i / rate_hz, z, y, x))
                put(folder / person / f"{activity}-2023-10-20_14-50-24" / f"{name}.csv", rows)


def phyphox(folder):
    decimal_comma = {"p1": False, "p2": True}
    for person in PEOPLE:
        for activity in ACTIVITIES:
            rows = [["Time (s)", *(f"Acceleration {axis} (m/s^2)" for axis in "xyz"), "Absolute acceleration (m/s^2)"]]
            for i, (x, y, z) in enumerate(motion(activity, 104.0)):
                rows.append([f"{value:.5E}" for value in (i / 104, x, y, z, np.hypot(np.hypot(x, y), z))])
            text = "\n".join(("," if not decimal_comma[person] else ";").join(f'"{v}"' if n == 0 else v for v in row)
                             for n, row in enumerate(rows))  # fmt: skip
            (folder / activity).mkdir(exist_ok=True)
            with zipfile.ZipFile(folder / activity / f"{person}.zip", "w") as archive:
                archive.writestr(
                    "Raw Data.csv", text if not decimal_comma[person] else re.sub(r"(\d)\.(\d)", r"\1,\2", text)
                )
                archive.writestr("meta/device.csv", '"property","value"\n"deviceModel","phone"\n')


def labelled(folder, stamp):
    """One file of intervals for each person, whose walk comes before the run."""
    for person in PEOPLE:
        middle, end = (stamp(STARTED + timedelta(seconds=seconds)) for seconds in (SECONDS, 2 * SECONDS))
        rows = ["start,end,label", f"{stamp(STARTED)},{middle},walk", f"{middle},{end},run"]
        put(folder / "labels" / f"{person}.csv", rows)


def both(rate_hz):
    return np.concatenate([motion(activity, rate_hz) for activity in ACTIVITIES])


def stamps(rate_hz):
    return [STARTED + timedelta(seconds=i / rate_hz) for i in range(round(2 * SECONDS * rate_hz))]


def actigraph(folder):
    local = timedelta(hours=2)  # Oslo in October
    head = [
        "---- Data File Created By ActiGraph GT3X+ ActiLife v6.13.4 Firmware v1.9.2 date format d/MM/yyyy at 30 Hz ----"
    ]
    head += ["Serial Number: XXX", "Start Time 16:50:24", "Start Date 20/10/2023", "Epoch Period (hh:mm:ss) 00:00:00"]
    head += ["Download Time 14:00:01", "Download Date 21/10/2023", "Current Memory Address: 0"]
    head += ["Current Battery Voltage: 4.07     Mode = 12", "-" * 50]
    head += ["Timestamp,Accelerometer X,Accelerometer Y,Accelerometer Z"]
    for person in PEOPLE:
        rows = []
        for at, values in zip(stamps(30), both(30) / G, strict=True):
            shown = at + local
            day = f"{shown.day}/{shown.month:02d}/{shown.year} {shown:%H:%M:%S}.{shown.microsecond // 1000:03d}"
            rows.append(fields(",", day, *values.tolist()))
        put(folder / "raw" / f"{person}.csv", head + rows, "\r\n")
    labelled(folder, lambda at: f"{at + local:%d/%m/%Y %H:%M:%S.%f}")


def axivity(folder):
    for person in PEOPLE:
        rows = [
            fields(",", f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}", *values.tolist())
            for at, values in zip(stamps(100), both(100) / G, strict=True)
        ]
        put(folder / "raw" / f"{person}.csv", rows)
    labelled(folder, lambda at: f"{at:%Y-%m-%d %H:%M:%S}")


def empatica(folder):
    for person in PEOPLE:
        for activity in ACTIVITIES:
            rows = [", ".join([f"{STARTED.timestamp():.6f}"] * 3), ", ".join(["32.000000"] * 3)]
            rows += [fields(",", *values) for values in np.rint(motion(activity, 32) / G * 64).astype(int).tolist()]
            put(folder / activity / person / "ACC.csv", rows)
            put(folder / activity / person / "tags.csv", [f"{STARTED.timestamp():.2f}"])


def movella_dot(folder):
    head = ["sep=,", "DeviceTag:,d4ca6e000001", "FirmwareVersion:,2.0.0", "OutputRate:,60 Hz", ""]
    names = "PacketCounter,SampleTimeFine,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z"
    for person in PEOPLE:
        for activity in ACTIVITIES:
            rows = []
            for i, values in enumerate(motion(activity, 60).tolist()):
                counted = (2**32 - 5_000_000 + round(i * 1e6 / 60)) % 2**32  # begins again after 5 s
                rows.append(fields(",", i + 1, counted, *values, 90.0, 0.0, 0.0))
            put(folder / activity / f"{person}_left.csv", [*head, names, *rows])


def shimmer(folder):
    for number, person in enumerate(PEOPLE, start=1):
        for activity in ACTIVITIES:
            names = [f"Shimmer_0{number}_{what}_CAL" for what in
                     ("Timestamp_Unix", "Accel_LN_X", "Accel_LN_Y", "Accel_LN_Z")]  # fmt: skip
            rows = ['"sep=\t"', "\t".join(names), "\t".join(["ms", *["m/(s^2)"] * 3])]
            for i, values in enumerate(motion(activity, 51.2).tolist()):
                rows.append(fields("\t", STARTED.timestamp() * 1000 + i * 1000 / 51.2, *values) + "\t")
            put(folder / activity / f"{person}.csv", rows)


def sensorlog(folder):
    axes = [f"accelerometerAcceleration{axis}(G)" for axis in "XYZ"]
    turns = [f"motionRotationRate{axis}(rad/s)" for axis in "XYZ"]
    names = ["loggingTime(txt)", "loggingSample(N)", "locationCourse(°)", *axes, *turns]
    for person in PEOPLE:
        for activity in ACTIVITIES:
            rows = [",".join(names)]
            for i, values in enumerate((motion(activity, 50) / G).tolist()):
                at = STARTED + timedelta(milliseconds=20 * i)
                shown = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+00:00"
                rows.append(fields(",", shown, i, -1.0, *values, 0.1, 0.2, 0.3))
            put(folder / activity / f"{person}.csv", rows)


WRITERS = {
    "sensor-logger": sensor_logger, "phyphox": phyphox, "actigraph": actigraph, "axivity": axivity,
    "empatica": empatica, "movella-dot": movella_dot, "shimmer": shimmer, "sensorlog": sensorlog,
}  # fmt: skip


WINDOWS = dict.fromkeys(WRITERS, 19) | {}
"""Of each person and activity."""


def test_every_page_has_files_here():
    assert {page.stem for page in PAGES.glob("*.md")} == set(WRITERS)


@pytest.mark.parametrize("source", WRITERS)
def test_the_descriptor_of_a_page_reads_what_the_source_writes(source, tmp_path):
    WRITERS[source](tmp_path)
    (text,) = re.findall(r"```yaml\n(.*?)```", (PAGES / f"{source}.md").read_text(), re.DOTALL)
    (tmp_path / "mine.yaml").write_text(text)
    windows = har_ray.windows(str(tmp_path / "mine.yaml"))
    assert (windows.subjects, set(windows.classes)) == (PEOPLE, set(ACTIVITIES))
    counted = Counter(zip(windows.subject, (windows.classes[y] for y in windows.y), strict=True))
    assert counted == {(person, activity): WINDOWS[source] for person in PEOPLE for activity in ACTIVITIES}
    assert windows.x[:, :, :3].mean(axis=(0, 1)) == pytest.approx([0, 0, G], abs=0.2)


def test_key_presses_of_sensor_logger_are_labels(tmp_path):
    """One session of each person; p2 presses first after 5 s, before which no window is."""
    for person, pressed_s in (("p1", 0), ("p2", 5)):
        session = tmp_path / person / "session-2023-10-20_14-50-24"
        for name, rate_hz in (("TotalAcceleration", 100.4), ("Gyroscope", 99.8)):
            rows = ["time,seconds_elapsed,z,y,x"]
            for i, (x, y, z) in enumerate(both(rate_hz)):
                rows.append(fields(",", START_NS + round(i * 1e9 / rate_hz), i / rate_hz, z, y, x))
            put(session / f"{name}.csv", rows)
        rows = [f"{START_NS + s * 10**9},{s},{text},0" for s, text in ((pressed_s, "walk"), (SECONDS, "run"))]
        put(session / "Annotation.csv", ["time,seconds_elapsed,text,millisecond_press_duration", *rows])
    page = (PAGES / "sensor-logger.md").read_text()
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (presses,) = re.findall(r"`(label: \{intervals:[^`]*)`", page)
    text = re.sub(r"(?m)^label: .*$", lambda _: " ".join(presses.split()), text)
    (tmp_path / "mine.yaml").write_text(text)
    windows = har_ray.windows(str(tmp_path / "mine.yaml"))
    counted = Counter(zip(windows.subject, (windows.classes[y] for y in windows.y), strict=True))
    assert counted == {("p1", "walk"): 19, ("p1", "run"): 19, ("p2", "walk"): 14, ("p2", "run"): 19}
