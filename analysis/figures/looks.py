"""How a variant looks and is named in every figure of a grid: one colour, one mark, and what is wrong with it.

Colours repeat after seven variants, marks after 20, so that a figure printed in grey can be read too; the two together
are those of one variant.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from analysis.load import Results
from analysis.scores import UNCONVERGED, VariantResult, chosen_by_validation, variant_results
from analysis.student import CHOSEN
from har_ray.figures import PALETTE
from har_ray.groups import Setting
from har_ray.variants import in_order

HOURGLASS = Path([(-0.5, 0.5), (0.5, 0.5), (-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5)])
BOW_TIE = HOURGLASS.transformed(Affine2D().rotate_deg(90))
BEAM = Path([(-0.6, 0.2), (0.6, 0.2), (0.6, -0.2), (-0.6, -0.2), (-0.6, 0.2)])
PILLAR = BEAM.transformed(Affine2D().rotate_deg(90))

Mark = str | tuple[int, Literal[1], int] | Path
"""Of matplotlib: a letter, (points, 1, degrees) for a star, or an outline. All have their centre where they stand."""
MARKS: tuple[Mark, ...] = (
    "o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "d", (4, 1, 0), HOURGLASS, BEAM, (3, 1, 0), "p", BOW_TIE, PILLAR,
    (3, 1, 180), "h",
)  # fmt: skip
"""20, which has no divisor in common with the number of colours."""


class Look(NamedTuple):
    """How a variant is drawn."""

    colour: str
    mark: Mark

    @property
    def outline(self) -> str:
        """The mark as an SVG path within -1 and 1 in both directions, for charts that a browser draws."""
        style = MarkerStyle(self.mark)
        polygons = [np.asarray(one) for one in style.get_path().transformed(style.get_transform()).to_polygons()]
        reach = max(np.abs(polygon).max() for polygon in polygons)
        lines = ["L".join(f"{x / reach:.2f},{-y / reach:.2f}" for x, y in polygon) for polygon in polygons]
        return "".join(f"M{line}Z" for line in lines)


@lru_cache(maxsize=8)
def looks(results: Results) -> Mapping[str, Look]:
    """Of each variant of a grid, the same in all its settings."""
    names = in_order([*(cell.key.variant for cell in results.cells), *(row["variant"] for row in results.searched)])
    return {name: Look(PALETTE[i % len(PALETTE)], MARKS[i % len(MARKS)]) for i, name in enumerate(names)}


@lru_cache(maxsize=64)
def names(results: Results, setting: Setting) -> Mapping[str, str]:
    """What a figure calls each variant: `DS-CNN†` the chosen student, `RAB-KD‡` unconverged, `MM (2/3)` incomplete."""
    variants = variant_results(results, setting)
    chosen = chosen_by_validation(result for result in variants.values() if not result.traits.large)
    return {name: name + _signs(result, result is chosen) for name, result in variants.items()}


def _signs(result: VariantResult, is_chosen: bool) -> str:
    signs = CHOSEN * is_chosen + result.doubt
    return signs if is_whole(result) else f"{signs} ({len(result.seeds)}/{result.expected_seeds})"


def is_whole(result: VariantResult) -> bool:
    """Whether every expected seed is complete."""
    return len(result.seeds) == result.expected_seeds


def signs_explained(results: Results, setting: Setting, shown: Iterable[str]) -> str:
    """What the signs after the names of the variants that a figure shows mean; empty where there are none."""
    called = names(results, setting)
    variants = variant_results(results, setting)
    kept = {name: called[name].removeprefix(name) for name in shown}
    meanings = {
        f"{CHOSEN} the small model with the best validation score": any(CHOSEN in signs for signs in kept.values()),
        f"{UNCONVERGED} some cells were still improving when their epochs ran out":
            any(UNCONVERGED in signs for signs in kept.values()),
        "(complete seeds/expected seeds)": not all(is_whole(variants[name]) for name in kept),
    }  # fmt: skip
    found = "; ".join(meaning for meaning, is_there in meanings.items() if is_there)
    return f"{found}." if found else ""
