"""People whose accelerometer points another way than everybody else's: axes swapped, or a device worn upside down.

In a class in which people keep about one posture, the mean acceleration points along the vertical as the device sees
it. Where the others agree on that direction and one person is far from it, in most classes, the device was worn or its
axes were written another way; or one file is, of a person who has several. A turn about the vertical itself does not
show.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, permutations, product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.data.sensors import feels_gravity
from har_ray.data.soundness.evidence import Evidence, Stream
from har_ray.data.soundness.finding import Finding

KIND = "direction"

FAR = 45.0
"""Degrees from the usual direction, in the median of classes. Swapped or negated axes turn gravity that lies along an
axis by 90 at least: this is half of that. Of all people and placements of Sensors one is beyond (participant 8's belt,
165), the next has 39 (9's left pocket); of SPAR none is (16). Of the 46 people of WISDM 2019's watch seven are, the
next has 37; five of them agree with everybody to 20 degrees once x, or x and y, are negated, as on the other arm."""
FAR_ALONE, CLASSES = 75.0, 3
"""Degrees in a file of fewer classes of somebody who is not far altogether, and only where this person's other files of
the same class are near: who sits with crossed arms is 90 degrees off as well. Of the single classes of everybody else
on WISDM 2019's watch one in fifty is beyond (of 556), of Sensors none (of 343; the farthest has 66)."""
AGREED, SHARE = 25.0, 0.5
"""A class counts in which at least this share of people lie within so many degrees of one of them."""
STEADY = 0.5
"""A mean acceleration of at least half the mean norm has a direction that means posture, not swing."""
MOST = 0.5
OTHERS = 2
"""How many others must agree in a class; who has several files in it, with as large a part of them."""
ROUNDING = 1e-9

Vector = npt.NDArray[np.float64]


class _Pair(NamedTuple):
    """Directions in a class, unit vectors: that of a person in a file, and the usual one."""

    one: Vector
    others: Vector


def findings(evidence: Evidence) -> Iterator[Finding]:
    """A finding for each person and accelerometer whose axes the windows have, with the files that are far; one for all
    where most people have such files beside others: a device on either arm.
    """
    for sensor in filter(feels_gravity, evidence.sensors):
        three = {evidence.gathered.channels[axis] for axis in evidence.sensors[sensor]}
        if evidence.aligned or not three & set(evidence.trained_on):
            continue
        known = _pairs(_directions(evidence, sensor))
        far = {subject: found for subject, pairs in known.items() if (found := _far(pairs))}
        partly = [subject for subject, found in far.items() if len(found) < len(known[subject])]
        if len(partly) > MOST * len(known):
            yield _of_most(evidence, sensor, dict(chain.from_iterable(far.pop(subject).items() for subject in partly)))
        for subject, found in far.items():
            yield _finding(evidence, sensor, subject, found, everywhere=len(found) == len(known[subject]))


def _directions(evidence: Evidence, sensor: str) -> dict[int, dict[Stream, Vector]]:
    """By class, source and subject: the direction of the mean acceleration, where it means posture."""
    number, three = list(evidence.sensors).index(sensor), evidence.sensors[sensor]
    found: dict[int, dict[Stream, Vector]] = {}
    for stream, parts in evidence.streams.items():
        for label, part in parts.items():
            mean, length = part.mean[three], float(np.linalg.norm(part.mean[three]))
            if length >= STEADY * part.norm[number] > 0:
                found.setdefault(label, {})[stream] = mean / length
    return found


def _usual(directions: Mapping[Stream, Vector]) -> tuple[Vector, dict[str, float]]:
    """The direction that most people are near to, the first of equals; and with which part of their files each is."""
    files = Counter(subject for _, subject in directions)
    weights = np.array([1 / files[subject] for _, subject in directions])
    each = np.array(list(directions.values()))
    near = each @ each.T >= np.cos(np.radians(AGREED))
    most = near[np.argmax(near @ weights)]
    mean = weights[most] @ each[most]
    agree = dict.fromkeys(files, 0.0)
    for (_, subject), weight, agrees in zip(directions, weights, most, strict=True):
        agree[subject] += weight * agrees
    return mean / np.linalg.norm(mean), agree


def _pairs(directions: Mapping[int, Mapping[Stream, Vector]]) -> dict[str, dict[Stream, dict[int, _Pair]]]:
    """By subject and file: the classes in which the direction can be compared with what others agree on."""
    found: dict[str, dict[Stream, dict[int, _Pair]]] = {}
    for label, of_class in directions.items():
        usual, agree = _usual(of_class)
        everybody = sum(agree.values()) + ROUNDING
        for stream, one in of_class.items():
            subject = stream[1]
            if everybody - agree[subject] >= OTHERS and everybody >= SHARE * len(agree):
                found.setdefault(subject, {}).setdefault(stream, {})[label] = _Pair(one, usual)
    return found


def _far(pairs: Mapping[Stream, Mapping[int, _Pair]]) -> dict[Stream, Mapping[int, _Pair]]:
    """Of a person's files those that point another way."""
    every = [(label, pair) for of_file in pairs.values() for label, pair in of_file.items()]
    person_is = _angle([pair for _, pair in every]) > FAR
    near = {label for label, pair in every if _angle([pair]) <= FAR}

    def is_far(of_file: Mapping[int, _Pair]) -> bool:
        if person_is or len(of_file) >= CLASSES:
            return _angle([*of_file.values()]) > FAR
        beside = [pair for label, pair in of_file.items() if label in near]
        return bool(beside) and _angle(beside) > FAR_ALONE

    return {stream: of_file for stream, of_file in pairs.items() if is_far(of_file)}


def _angle(pairs: Sequence[_Pair], turn: Vector | None = None) -> float:
    """Degrees between the directions, in the median of classes, once the person's are turned."""
    turn = np.eye(3) if turn is None else turn
    return float(np.median([np.degrees(np.arccos(np.clip(turn @ one @ others, -1, 1))) for one, others in pairs]))


def _finding(
    evidence: Evidence, sensor: str, subject: str, far: Mapping[Stream, Mapping[int, _Pair]], everywhere: bool
) -> Finding:
    angle, off = _off(far)
    mend = f"mend the axes (units: a scale of -1 in_file, or other columns), or {evidence.leave_out([subject])}"
    return Finding(
        KIND,
        evidence.of_subjects([subject]) if everywhere else evidence.where(far),
        round(angle, 1),
        f"{sensor} points another way than the others': {off}: worn upside down or turned, or its axes are swapped",
        f"say align: gravity, {mend if evidence.own else 'or ' + evidence.leave_out([subject])}",
    )


def _of_most(evidence: Evidence, sensor: str, far: Mapping[Stream, Mapping[int, _Pair]]) -> Finding:
    angle, off = _off(far)
    mend = ", or give these files a scale of -1 in_file (units:)" if evidence.own else ""
    return Finding(
        KIND,
        evidence.where(far),
        round(angle, 1),
        f"{sensor} points another way in some files of most people than in others: {off}, as of two devices or arms",
        f"say align: gravity{mend}",
    )


def _off(far: Mapping[Stream, Mapping[int, _Pair]]) -> tuple[float, str]:
    """How far they are off in degrees, in the median; and that in words, with what explains it."""
    pairs = [pair for of_file in far.values() for pair in of_file.values()]
    angle, (turn, left) = _angle(pairs), _explained(pairs)
    count = len({label for of_file in far.values() for label in of_file})
    classes = f"{count} classes" if count > 1 else "1 class"
    meant = f" ({left:.0f} with {turn})" if left < FAR / 2 else ""
    return angle, f"gravity is {angle:.0f} degrees off in the median of {classes}{meant}"


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
