"""Units of measurement and how large one is.

Factors are those of the units' definitions: standard gravity (3rd CGPM, 1901) and those of the SI brochure, 9th edition
(https://doi.org/10.59161/AUEZ1291); a gauss is 1e-4 tesla (NIST SP 811, appendix B.8).
"""

import math
from collections.abc import Mapping

STANDARD_GRAVITY = 9.80665
DEGREE = math.pi / 180

QUANTITIES: Mapping[str, Mapping[str, float]] = {
    "acceleration": {"m/s^2": 1, "g": STANDARD_GRAVITY, "mg": STANDARD_GRAVITY / 1000, "cm/s^2": 0.01, "mm/s^2": 0.001},
    "angular rate": {"rad/s": 1, "mrad/s": 0.001, "deg/s": DEGREE, "mdeg/s": DEGREE / 1000, "rpm": math.pi / 30},
    "magnetic field": {"T": 1, "mT": 1e-3, "uT": 1e-6, "nT": 1e-9, "G": 1e-4, "mG": 1e-7},
    "angle": {"rad": 1, "deg": DEGREE},
    "pressure": {"Pa": 1, "hPa": 100, "kPa": 1000, "mbar": 100, "bar": 1e5},
    "voltage": {"V": 1, "mV": 1e-3, "uV": 1e-6},
}
"""Quantity → unit → what one of it is in the first."""
SPELLINGS = {
    **dict.fromkeys(("m/s2", "m/s²", "m/(s^2)", "m/s/s", "m/s**2", "ms^-2", "m s^-2"), "m/s^2"),
    **dict.fromkeys(("dps", "°/s", "degrees/s", "deg/sec", "deg/(s)"), "deg/s"),
    **dict.fromkeys(("milli-g", "millig"), "mg"),
    **dict.fromkeys(("mdps",), "mdeg/s"),
    **dict.fromkeys(("µT", "μT", "microtesla"), "uT"),
    **dict.fromkeys(("Gs", "gauss", "Gauss"), "G"),
    **dict.fromkeys(("°", "degrees"), "deg"),
    **dict.fromkeys(("µV", "μV"), "uV"),
}
"""Other ways to write a unit."""


def spelt(unit: str) -> str:
    """A unit as the tables have it."""
    return SPELLINGS.get(unit.strip(), unit.strip())
