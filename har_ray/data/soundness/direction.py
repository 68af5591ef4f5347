"""People whose accelerometer points another way than everybody else's: axes swapped, or a device worn upside down.

In a class in which people keep about one posture, the mean acceleration points along the vertical as the device sees
it. Where the others agree on that direction and one person is far from it, in most classes, the device was worn or its
axes were written another way. A turn about the vertical itself does not show.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.data.sensors import feels_gravity
from har_ray.data.soundness.evidence import Evidence
from har_ray.data.soundness.finding import Finding

KIND = "direction"

FAR = 45.0
"""Degrees from the usual direction, in the median of classes. Swapped or negated axes turn gravity that lies along an
axis by 90 at least: this is half of that. Of all people and placements of Sensors one is beyond (participant 8's belt,
165), the next has 39 (9's left pocket); of SPAR none is (16). Of the 46 people of WISDM 2019's watch seven are, the
next has 37; five of them agree with everybody to 20 degrees once x, or x and y, are negated, as on the other arm."""
AGREED, SHARE = 25.0, 0.5
"""A class counts in which at least this share of people lie within so many degrees of one of them."""
STEADY = 0.5
"""A mean acceleration of at least half the mean norm has a direction that means posture, not swing."""
OTHERS = 2
"""How many others must agree in a class."""

Vector = npt.NDArray[np.float64]


class _Pair(NamedTuple):
    """Directions in a class, unit vectors: one person's, and the usual one."""

    one: Vector
    others: Vector


def findings(evidence: Evidence) -> Iterator[Finding]:
    """A finding for each person and accelerometer whose axes the windows have."""
    for sensor in filter(feels_gravity, evidence.sensors):
        three = {evidence.gathered.channels[axis] for axis in evidence.sensors[sensor]}
        if evidence.aligned or not three & set(evidence.trained_on):
            continue
        for subject, pairs in _pairs(_directions(evidence, sensor)).items():
            if (angle := _angle(pairs)) > FAR:
                yield _finding(evidence, sensor, subject, pairs, angle)


def _directions(evidence: Evidence, sensor: str) -> dict[int, dict[str, Vector]]:
    """By class and subject: the direction of the mean acceleration, where it means posture."""
    number, three = list(evidence.sensors).index(sensor), evidence.sensors[sensor]
    found: dict[int, dict[str, Vector]] = {}
    for subject, parts in evidence.people.items():
        for label, part in parts.items():
            mean, length = part.mean[three], float(np.linalg.norm(part.mean[three]))
            if length >= STEADY * part.norm[number] > 0:
                found.setdefault(label, {})[subject] = mean / length
    return found


def _usual(directions: Sequence[Vector]) -> tuple[Vector, npt.NDArray[np.bool_]]:
    """The direction that most are near to, the first of equals; and who is, `[P]`."""
    each = np.array(directions)
    near = each @ each.T >= np.cos(np.radians(AGREED))
    most = near[np.argmax(near.sum(axis=1))]
    mean = each[most].mean(axis=0)
    return mean / np.linalg.norm(mean), most


def _pairs(directions: dict[int, dict[str, Vector]]) -> dict[str, list[_Pair]]:
    """By subject: the classes in which the direction can be compared with what others agree on."""
    found: dict[str, list[_Pair]] = {}
    for of_class in directions.values():
        usual, agree = _usual(list(of_class.values()))
        for (subject, one), agrees in zip(of_class.items(), agree, strict=True):
            if agree.sum() - agrees >= OTHERS and agree.mean() >= SHARE:
                found.setdefault(subject, []).append(_Pair(one, usual))
    return found


def _angle(pairs: Sequence[_Pair], turn: Vector | None = None) -> float:
    """Degrees between the directions, in the median of classes, once the person's are turned."""
    turn = np.eye(3) if turn is None else turn
    return float(np.median([np.degrees(np.arccos(np.clip(turn @ one @ others, -1, 1))) for one, others in pairs]))


def _finding(evidence: Evidence, sensor: str, subject: str, pairs: Sequence[_Pair], angle: float) -> Finding:
    turn, left = _explained(pairs)
    meant = f" ({left:.0f} with {turn})" if left < FAR / 2 else ""
    classes = f"{len(pairs)} classes" if len(pairs) > 1 else "1 class"
    mend = f"mend the axes (units: a scale of -1 in_file, or other columns), or {evidence.leave_out([subject])}"
    return Finding(
        KIND,
        evidence.of_subjects([subject]),
        round(angle, 1),
        f"{sensor} points another way than the others': gravity is {angle:.0f} degrees off in the median of {classes}"
        f"{meant}: worn upside down or turned, or its axes are swapped",
        f"say align: gravity, {mend if evidence.own else 'or ' + evidence.leave_out([subject])}",
    )


def _explained(pairs: Sequence[_Pair]) -> tuple[str, float]:
    """The change of axes, with the fewest swapped and negated, that brings the directions nearest, and how near."""
    changes = []
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            turn = np.diag(signs) @ np.eye(3)[list(order)]
            cost = sum(order[i] != i for i in range(3)) + sum(sign < 0 for sign in signs)
            name = ", ".join(f"{'-' * (sign < 0)}{'xyz'[axis]}" for axis, sign in zip(order, signs, strict=True))
            changes.append((round(_angle(pairs, turn) / 5), cost, name, _angle(pairs, turn)))
    _, _, name, left = min(changes)
    return f"({name}) in place of (x, y, z)", left
