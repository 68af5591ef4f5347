"""How large the same motion reads in each unit.

Standard gravity is that of the 3rd CGPM (1901).
"""

import math
from collections.abc import Mapping

STANDARD_GRAVITY = 9.80665

ONE_G: Mapping[str, float] = {
    "g": 1,
    "m/s^2": STANDARD_GRAVITY,
    "mg": 1000,
    "cm/s^2": 100 * STANDARD_GRAVITY,
    "mm/s^2": 1000 * STANDARD_GRAVITY,
}
"""Unit → what an accelerometer that lies still reads."""
ONE_RAD_S: Mapping[str, float] = {"rad/s": 1, "deg/s": 180 / math.pi, "mrad/s": 1000, "mdeg/s": 180_000 / math.pi}
"""Unit → what a gyroscope reads that turns by a radian a second."""
SPELLINGS = {
    **dict.fromkeys(("m/s2", "m/s²", "m/s/s", "m/s**2", "ms^-2"), "m/s^2"),
    **dict.fromkeys(("dps", "°/s", "degrees/s"), "deg/s"),
    "milli-g": "mg",
}


def spelt(unit: str) -> str:
    """A unit as the tables have it."""
    return SPELLINGS.get(unit.strip(), unit.strip())
