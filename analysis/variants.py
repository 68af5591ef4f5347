"""The variants' names, their order in every table, and what they have in common."""

from collections.abc import Iterable

ORDER = ("OM", "MM", "LM", "OM-Att", "MM-Att", "LM-Att", "RB-KD", "RB-KD-Att", "RAB-KD")
"""The order of rows in tables and of panels in figures."""

BASELINE = "LM"
"""What every variant is compared with."""

DISTILLED = ("RB-KD", "RB-KD-Att", "RAB-KD")
"""The students that learn from a teacher."""

BOOSTED = ("LM-Att", *DISTILLED)
"""The lightweight models with something added: attention, a teacher, or both."""

STUDENTS = ("LM", *BOOSTED)
"""All models of LM's size."""

FAMILIES = {
    "from scratch": ("OM", "MM", "LM"),
    "with attention": ("OM-Att", "MM-Att", "LM-Att"),
    "response distillation": ("RB-KD", "RB-KD-Att"),
    "response and attention distillation": ("RAB-KD",),
}
"""What is told apart by colour."""


def in_order(names: Iterable[str]) -> list[str]:
    """The distinct names in the canonical order; names it does not know come last, sorted."""
    return sorted(set(names), key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def family(variant: str) -> str:
    """The family of a variant, `other` for a name this version does not know."""
    return next((name for name, members in FAMILIES.items() if variant in members), "other")
