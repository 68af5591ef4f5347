"""How windows were split, in plain words: who trains, who validates, who tests, and what leaks.

How each protocol splits is in `har_ray/data/splits.py`, the shares that are named here too.
"""

from analysis.load import Results
from har_ray.data.protocol import Protocol, ProtocolName
from har_ray.data.splits import RANDOM_SHARE, TEST_SHARE, VAL_SHARE, VAL_WINDOWS_SHARE

NOBODY = "Nobody who tests a model has trained it, so the scores speak about new people"

EXPLAINED: dict[ProtocolName, str] = {
    "subject-holdout": (
        "A few people are set aside to test, a few others to validate (those that the grid names, or the last "
        f"{100 * TEST_SHARE:.0f} % and {100 * VAL_SHARE:.0f} % before them), and all others train. {NOBODY}; who was "
        "set aside is one choice, and another may give something else."
    ),
    "subject-kfold": (
        "People are dealt into groups. For each fold one group tests, the next validates, and all others train a model "
        f"from scratch, so that everybody tests once. {NOBODY}."
    ),
    "loso": (
        "Leave one subject out: as many folds as people. In each, one person tests, another validates, and all others "
        f"train a model from scratch. {NOBODY}."
    ),
    "official": (
        "The split of those who published the recordings: whole recordings train, validate and test, and the people of "
        "the test part have trained too, in other sessions. Nothing here speaks about new people."
    ),
    "random": (
        f"Windows are drawn, not people: {100 * RANDOM_SHARE:.0f} % test, and as many of the rest validate. This "
        "leaks: neighbouring windows of one recording, which may share samples, lie on both sides, so that a model is "
        "tested on what it has all but seen. The scores are too good; they are there to set beside published ones."
    ),
}
"""By protocol."""

RANDOM_VALIDATION = (
    f" Here {100 * VAL_WINDOWS_SHARE:.0f} % of the training people's windows, drawn at random, validate instead of "
    "whole people: the validation score is too good, and what it chooses suits the people who trained."
)


def protocols(results: Results) -> dict[str, str]:
    """The protocols of the grid's settings by their label, each in plain words."""
    labels = dict.fromkeys(setting.protocol for setting in results.settings())
    return {label: explained(Protocol.of_label(label)) for label in labels}


def explained(protocol: Protocol) -> str:
    """One protocol in plain words."""
    return EXPLAINED[protocol.name] + (RANDOM_VALIDATION if protocol.val == "windows" else "")
