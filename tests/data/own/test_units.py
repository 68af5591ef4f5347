"""Values in whatever unit a file has become those of the channel's unit."""

import math

import pytest

from har_ray.data.own.dataset import load_table
from har_ray.data.own.units import Scaled, factor
from har_ray.data.units import QUANTITIES, SPELLINGS
from har_ray.errors import DataError, GridError
from tests.data.own.tables import CHANNELS, DESCRIPTOR, read, rows, write


@pytest.mark.parametrize(
    ("scale", "found", "wanted", "times"),
    [
        (1, "g", "m/s^2", 9.80665),
        (1, "m/s²", "g", 1 / 9.80665),
        (1, "mg", "g", 0.001),
        (0.015625, "g", "g", 1 / 64),
        (1 / 2048, "g", "m/s^2", 9.80665 / 2048),
        (1, "deg/s", "rad/s", math.pi / 180),
        (1, "dps", "deg/s", 1),
        (1, "mdps", "rad/s", math.pi / 180_000),
        (1, "G", "uT", 100),
        (1, "mG", "µT", 0.1),
        (1, "mT", "T", 0.001),
        (1, "hPa", "Pa", 100),
        (0.5, "counts", "counts", 0.5),
    ],
)
def test_factors(scale, found, wanted, times):
    assert factor(Scaled(scale=scale, unit=found), wanted) == pytest.approx(times, rel=1e-15)


def test_every_spelling_is_of_a_known_unit_and_no_unit_is_of_two_quantities():
    known = [unit for units in QUANTITIES.values() for unit in units]
    assert len(set(known)) == len(known)
    assert set(SPELLINGS.values()) <= set(known)
    assert not set(SPELLINGS) & set(known)


UNITS = "units: [{files: 'p[13].csv', channels: 'wrist_acc_x', in_file: g}]"


def test_some_people_record_in_another_unit(tmp_path):
    """Case 04: two of four record in g."""
    path = write(tmp_path, f"{DESCRIPTOR}\n    {UNITS}", **{f"p{i}": rows("walk", "walk") for i in (1, 2, 3)})
    found, _ = read(path)
    assert [one.x[1].tolist() for one in found] == [
        pytest.approx([9.80665, 101]),
        [1, 101],
        pytest.approx([9.80665, 101]),
    ]
    same = DESCRIPTOR.replace("{column: ax, unit: m/s^2}", "{column: ax, unit: m/s^2, in_file: mg}")
    found, _ = read(write(tmp_path, f"{same}\n    {UNITS}"))
    assert [one.x[1, 0] for one in found] == pytest.approx([9.80665, 0.00980665, 9.80665]), "the rule goes first"


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        ("in_file: gs", "channels.wrist_acc_x: unit 'gs' is unknown; did you mean 'g'? (m/s^2, g, mg, cm/s^2, mm/s^2)"),
        ("in_file: rad/s", "unit 'rad/s' is one of angular rate, 'm/s^2' one of acceleration (m/s^2, g, mg"),
        ("in_file: G", "unit 'G' is one of magnetic field, 'm/s^2' one of acceleration; did you mean 'g'?"),
        ("in_file: {scale: 0, unit: g}", "a scale is a number other than 0, found 0"),
    ],
)
def test_units_that_do_not_go_together(tmp_path, channel, message):
    descriptor = DESCRIPTOR.replace("unit: m/s^2}", f"unit: m/s^2, {channel}}}")
    with pytest.raises(GridError) as error:
        load_table("mine", write(tmp_path, descriptor, p1=rows("walk")))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{channels: 'acc_*', in_file: g}", "units[0].channels: channel 'acc_*' is unknown"),
        ("{channels: '*x', in_file: deg/s}", "units[0]: wrist_acc_x: unit 'deg/s' is one of angular rate"),
        ("{channels: '*y', in_file: g}", "units[0]: wrist_acc_y: say also unit, which the windows are to have"),
        (
            "{files: q1.csv, channels: '*x', in_file: g}",
            "units[0].files: file 'q1.csv' is unknown; did you mean 'raw/p1",
        ),
    ],
)
def test_rules_that_no_file_or_channel_comes_under(tmp_path, rule, message):
    with pytest.raises((GridError, DataError)) as error:
        load_table("mine", write(tmp_path, f"{DESCRIPTOR}\n    units: [{rule}]", p1=rows("walk")))
    assert message in str(error.value)
    assert CHANNELS[0] == "wrist_acc_x"
