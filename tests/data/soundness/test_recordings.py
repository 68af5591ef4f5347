"""Each fault once in hand-made recordings, and the same recordings without it: nothing is said of those."""

import re
from dataclasses import replace

import numpy as np
import pytest

from har_ray.data.soundness import direction, gravity, rate, scale
from har_ray.data.soundness.checks import OF_RECORDINGS
from tests.data.soundness.people import CHANNELS, UNITS, evidence, people, recording, times


def findings(recordings, **how):
    known = evidence(recordings, **how)
    return [finding for check in OF_RECORDINGS for finding in check(known)]


def means_of(x):
    """The mean accelerations in both classes, [2, 3]."""
    return x[:, :3].reshape(2, 500, 3).mean(axis=1)


@pytest.mark.parametrize("own", [True, False])
def test_sound_recordings_are_passed_in_silence(own):
    assert findings(people(4), own=own) == []
    assert findings(people(1), own=own) == []


def test_a_file_in_g_among_others_in_m_s2():
    (found,) = findings(people(4, p2=times([1 / 9.80665] * 3 + [1] * 3)))
    assert (found.kind, found.where, found.fatal) == (scale.KIND, "subject 2 (p2.csv)", False)
    assert found.number == pytest.approx(1 / 9.80665, rel=0.02)
    assert found.text == (
        "acc is not in the unit of the others: its mean norm is 1/9.68 of 9.81 m/s^2, as if it were in g"
    )
    assert found.remedy == ("if so, say units: [{files: 'p2.csv', channels: 'acc_*', in_file: g}] in the descriptor")


def test_half_of_the_people_in_another_unit_and_everybody_in_it():
    in_g = times([1 / 9.80665] * 3 + [1] * 3)
    (found,) = findings(people(4, p2=in_g, p4=in_g))
    assert found.where == "subjects 2 and 4 (p2.csv and p4.csv)"
    (found,) = findings(people(2, p1=in_g, p2=in_g))
    assert found.where == "everybody"
    assert found.remedy == "if so, say in_file: g beside the unit of acc's channels"


def test_a_unit_that_says_nothing_is_known_by_most_people():
    counts = UNITS | dict.fromkeys(CHANNELS[:3], "counts")
    (found,) = findings(people(3, p3=times([1000.0] * 3 + [1] * 3)), units=counts)
    assert (found.where, found.number) == ("subject 3 (p3.csv)", pytest.approx(1000, rel=0.02))
    assert findings(people(3, **{f"p{i}": times([64.0] * 3 + [1] * 3) for i in (1, 2, 3)}), units=counts) == []


@pytest.mark.parametrize(("factor", "unit"), [(57.29578, "deg/s"), (1000, "mrad/s")])
def test_a_gyroscope_in_another_unit_is_known_by_its_spread(factor, unit):
    (found,) = findings(people(3, p1=times([1] * 3 + [factor] * 3)))
    assert (found.kind, found.where) == (scale.KIND, "subject 1 (p1.csv)")
    assert found.number == pytest.approx(factor, rel=0.1)
    assert f"as if it were in {unit};" in str(found)


def test_people_who_only_move_more_have_the_same_unit():
    def livelier(x):
        return np.hstack([2 * x[:, :3] - np.repeat(means_of(x), 500, axis=0), 4 * x[:, 3:]])

    assert findings(people(4, p2=livelier)) == []


def test_gravity_that_somebody_took_out():
    def out(x):
        return np.hstack([x[:, :3] - np.repeat(means_of(x), 500, axis=0), x[:, 3:]])

    (found,) = findings(people(4, p3=out))
    assert (found.kind, found.where) == (gravity.KIND, "subject 3 (p3.csv)")
    assert found.text.startswith("acc does not show gravity: its mean is 0.00 of")
    (found,) = findings(people(3, p1=out, p2=out, p3=out))
    assert (found.kind, found.where) == (gravity.KIND, "everybody")
    assert "call it linear acceleration (lin_acc_x)" in found.remedy


@pytest.mark.parametrize(
    ("change", "degrees", "explained"),
    [
        (times([-1, -1, 1, 1, 1, 1]), 135, "(-x, -y, z)"),  # 180 where gravity is along x, 90 between y and z
        (lambda x: x[:, [2, 1, 0, 3, 4, 5]], 75, "(z, y, x)"),  # 90 and 60
    ],
)
def test_an_axis_that_points_another_way(change, degrees, explained):
    (found,) = findings(people(4, p2=change))
    assert (found.kind, found.where) == (direction.KIND, "subject 2 (p2.csv)")
    assert found.number == pytest.approx(degrees, abs=2)
    assert f"with {explained} in place of (x, y, z)" in found.text
    assert "align: gravity" in found.remedy


def test_of_two_ways_the_first_is_the_usual_one():
    turned = times([-1, -1, 1, 1, 1, 1])
    assert [one.where for one in findings(people(4, p2=turned, p4=turned))] == [
        "subject 2 (p2.csv)",
        "subject 4 (p4.csv)",
    ]


def test_of_a_person_with_several_files_the_one_that_is_turned_is_named():
    turned = times([-1, -1, 1, 1, 1, 1])
    whole = people(4)
    for day, change in enumerate((times([1] * 6), turned, times([1] * 6))):
        one = recording("2", 20 + day)
        one.x[:] = change(one.x)
        whole[f"p2-{day}.csv"] = [one]
    (found,) = findings(whole)
    assert (found.kind, found.where) == (direction.KIND, "subject 2 (p2-1.csv)")
    assert found.number == pytest.approx(135, abs=2)
    whole["p2.csv"][0].x[:] = turned(whole["p2.csv"][0].x)
    (found,) = findings(whole)
    assert found.where == "subject 2 (p2-1.csv and p2.csv)"


def test_a_file_by_itself_may_be_of_another_posture():
    """Nobody knows whether who lies on the other side in the one file of a class has turned the device."""
    whole = {f"p{subject}.csv": [recording(str(subject), subject, classes=(0,))] for subject in range(1, 5)}
    whole |= {f"p{subject}-lie.csv": [recording(str(subject), 9 + subject, classes=(1,))] for subject in range(1, 5)}
    whole["p2-more.csv"] = [recording("2", 20, classes=(0,))]
    lies = whole["p2-lie.csv"][0]
    lies.x[:] = times([1, -1, -1, 1, 1, 1])(lies.x)
    assert findings(whole) == []
    (found,) = findings(whole | {"p2-again.csv": [recording("2", 30, classes=(1,))]})
    assert found.where == "subject 2 (p2-lie.csv)"


def test_a_device_on_either_arm_is_said_once():
    """Each of six people has a file of each arm; x is mirrored in that of the left one."""
    mirrored = times([-1, 1, 1, 1, 1, 1])
    arms = {f"p{one}-right.csv": [recording(str(one), one)] for one in range(1, 7)}
    arms |= {f"p{one}-left.csv": [recording(str(one), 9 + one)] for one in range(1, 7)}
    for one in range(1, 7):
        left = arms[f"p{one}-left.csv"][0]
        left.x[:] = mirrored(left.x)
    (found,) = findings(arms)
    assert found.where.startswith("subjects 1, 2, 3, 4, 5 and 1 more (p1-")
    assert len(set(re.findall("left|right", found.where))) == 1
    assert "in some files of most people than in others: gravity is" in found.text
    assert "with (-x, y, z) in place of (x, y, z)), as of two devices or arms" in found.text


def test_directions_do_not_matter_to_windows_that_have_none():
    turned = people(4, p2=times([-1, -1, 1, 1, 1, 1]))
    assert findings(turned, aligned=True) == []
    assert findings(turned, trained_on=("acc_norm", "gyr_x")) == []


def test_no_direction_is_right_where_people_do_not_agree():
    turned = times([-1, -1, 1, 1, 1, 1])
    assert findings(people(2, p2=turned)) == []
    assert findings(people(3, p1=turned, p2=lambda x: x[:, [1, 2, 0, 3, 4, 5]])) == []


def test_a_slight_tilt_is_how_people_wear_things():
    tilt = np.eye(6, dtype=np.float32)
    tilt[:2, :2] = [[np.cos(0.6), -np.sin(0.6)], [np.sin(0.6), np.cos(0.6)]]  # 34 degrees
    assert findings(people(4, p2=lambda x: x @ tilt)) == []


def test_files_are_named_below_the_folder_that_they_share():
    known = evidence({f"/data/raw/{p}/acc.csv": [recording(p, 1)] for p in ("ana", "bo")})
    assert known.of_subjects(["bo"]) == "subject bo (bo/acc.csv)"


@pytest.mark.parametrize(("rate_hz", "times_more", "fatal"), [(100, None, None), (110, 2.2, False), (550, 11, True)])
def test_windows_of_a_higher_rate_than_the_readings(rate_hz, times_more, fatal):
    """Readings at 50 Hz: those of twice the rate are passed in silence."""
    recordings = people(2)
    recordings["p2.csv"] = [replace(one, rate_hz=5000.0) for one in recordings["p2.csv"]]
    found = findings(recordings, rate_hz=rate_hz)
    if times_more is None:
        assert found == []
        return
    (one,) = found
    assert (one.kind, one.where, one.number, one.fatal) == (rate.SPARSE, "subject 1 (p1.csv)", times_more, fatal)
    assert one.text == (
        f"readings come at 50 Hz, and windows have {rate_hz}: "
        f"of {times_more:g} samples one was measured, and the others lie between"
    )
    assert ("is its time in another unit?" in one.remedy) == fatal


def test_readings_that_are_seconds_apart():
    """Stamps in ms that were said to be in s: a second of them, in which blocks are looked for, has no row."""
    (found,) = findings({"p1.csv": [replace(recording("1", 1), rate_hz=0.025)]})
    assert (found.kind, found.number, found.fatal) == (rate.SPARSE, 2000, True)
