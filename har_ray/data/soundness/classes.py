"""Who does what: classes of one person, people who lack classes, labels that tell the person, folds that fail."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from har_ray.data.protocol import Protocol
from har_ray.data.soundness.finding import SHOWN, Finding, listed
from har_ray.data.splits import subject_parts
from har_ray.text import counted

LACKING, ALONE, UNTAUGHT, TELLING, FEW = "missing classes", "class of one person", "untaught class", "label", "people"

TELLS = 0.5
"""Of the guesses of who it is that would be wrong, the part that is right once the label is known: lambda of Goodman
and Kruskal (1954, https://doi.org/10.1080/01621459.1954.10501231). Where everybody does everything it is about 0."""

Counts = Mapping[str, Mapping[str, int]]
"""Windows, or samples, by subject and class."""


def findings(
    counts: Counts, subjects: Sequence[str], classes: Sequence[str], protocols: Iterable[Protocol], own: bool
) -> Iterator[Finding]:
    """What follows from who does what.

    Args:
        counts: of what there is; who or what is not in it has nothing.
        subjects: those that the split is over.
        classes: those that are to be learned.
        protocols: all folds of the splits; none where only the recordings are looked at.
        own: whether a descriptor can be changed.
    """
    who = {name: [s for s in subjects if counts.get(s, {}).get(name)] for name in classes}
    folds = list(protocols)
    untaught = list(_untaught(who, subjects, folds, own))
    yield from untaught
    named = {one.where for one in untaught}
    yield from (one for one in _alone(who, subjects, own) if one.where not in named)
    if len(subjects) == 2:
        yield Finding(
            FEW, f"subjects {listed(subjects)}", 2, "there are two people only: a score on one says little of others",
            "record more, at least three, better ten",
        )  # fmt: skip
    yield from _lacking(who, subjects)
    yield from _telling(counts, subjects)


def _remedy(name: str, own: bool) -> str:
    mend = f"name it in label.no_class ([{name}]), map it to another class," if own else "take other subjects"
    return f"{mend} or record it with others"


def _untaught(
    who: Mapping[str, Sequence[str]], subjects: Sequence[str], protocols: Iterable[Protocol], own: bool
) -> Iterator[Finding]:
    """Classes without anybody to learn them from, in some fold."""
    folds: dict[str, list[Protocol]] = {name: [] for name, ones in who.items() if not ones}
    for protocol in protocols:
        if protocol.by_subject:
            train = set(subject_parts(protocol, subjects).train)
            for name in (name for name, ones in who.items() if not train & set(ones)):
                folds.setdefault(name, []).append(protocol)
    for name, found in folds.items():
        if not who[name]:
            yield Finding(UNTAUGHT, f"class {name!r}", 0, "nobody has it", _remedy(name, own), fatal=bool(found))
            continue
        only = f"only subject{'s' * (len(who[name]) > 1)} {listed(who[name])} {'have' if len(who[name]) > 1 else 'has'}"
        yield Finding(
            UNTAUGHT,
            f"class {name!r}",
            len(found),
            f"{only} it, which leaves nobody to learn it from in {counted(len(found), 'fold')} of {found[0].label}",
            _remedy(name, own),
            fatal=True,
        )


def _alone(who: Mapping[str, Sequence[str]], subjects: Sequence[str], own: bool) -> Iterator[Finding]:
    for name, ones in who.items():
        if len(ones) == 1 and len(subjects) > 1:
            text = f"only subject {ones[0]} has it: nobody can be tested on it by models that learned it from others"
            yield Finding(ALONE, f"class {name!r}", 1, text, _remedy(name, own))


def _lacking(who: Mapping[str, Sequence[str]], subjects: Sequence[str]) -> Iterator[Finding]:
    """People who lack a class that somebody else has too."""
    shared = {name: ones for name, ones in who.items() if len(ones) > 1}
    lacks = {s: [name for name, ones in shared.items() if s not in ones] for s in subjects}
    lacks = {s: names for s, names in lacks.items() if names}
    if lacks:
        each = "; ".join(f"{s}: {listed(names)}" for s, names in list(lacks.items())[:SHOWN])
        more = f"; and {len(lacks) - SHOWN} more" if len(lacks) > SHOWN else ""
        yield Finding(
            LACKING,
            f"{counted(len(lacks), 'subject').replace('1 subject', f'subject {next(iter(lacks))}')}",
            len(lacks),
            f"not everybody has every class ({each}{more}): scores of people are over different classes",
            "compare people with care, or record what is missing",
        )


def _telling(counts: Counts, subjects: Sequence[str]) -> Iterator[Finding]:
    names = sorted({name for s in subjects for name in counts.get(s, {})})
    table = np.array([[counts.get(s, {}).get(name, 0) for name in names] for s in subjects])
    if len(subjects) < 2 or not table.any():
        return
    blind, told = table.sum(axis=1).max(), table.max(axis=0).sum()
    tells = (told - blind) / (table.sum() - blind) if table.sum() > blind else 0.0
    if tells > TELLS:
        yield Finding(
            TELLING,
            "label",
            round(float(tells), 3),
            f"the label says who it is: of the windows that a guess of the person would get wrong, {100 * tells:.0f} % "
            "are right by the label alone; a model that knows people apart seems to know classes",
            "record the classes with the same people",
        )
