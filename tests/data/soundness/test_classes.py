"""Who does what, counted by hand."""

from har_ray.data.protocol import Protocol
from har_ray.data.soundness import classes

CLASSES = ("walk", "run", "stairs")
EVERYTHING = {"walk": 10, "run": 10, "stairs": 10}


def found(counts, protocol=None, folds=1, names=CLASSES):
    protocols = [Protocol(name=protocol, folds=folds, fold=fold) for fold in range(folds)] if protocol else []
    return list(classes.findings(counts, list(counts), names, protocols, own=True))


def test_where_everybody_does_everything_nothing_is_said():
    counts = {str(p): EVERYTHING for p in range(1, 5)}
    assert found(counts) == found(counts, "loso", 4) == found(counts, "random") == []


def test_a_class_of_one_person_cannot_be_learned_where_that_person_is_not_in_training():
    counts = {"1": {"walk": 9, "run": 9}, "2": EVERYTHING, "3": {"walk": 9, "run": 9}, "4": {"walk": 9, "run": 9}}
    (error,) = found(counts, "loso", 4)
    assert error.fatal
    # Of four folds, subject 2 tests in one and validates in one.
    assert str(error) == (
        "class 'stairs': only subject 2 has it, which leaves nobody to learn it from in 2 folds of loso; name it in "
        "label.no_class ([stairs]), map it to another class, or record it with others"
    )
    for one in (found(counts), found(counts, "random")):
        (warning,) = one
        assert (warning.kind, warning.fatal) == (classes.ALONE, False)
        assert "only subject 2 has it" in warning.text
        assert "label.no_class" in warning.remedy


def test_people_who_lack_a_class_are_listed_shortly():
    counts = {str(p): EVERYTHING for p in range(1, 5)} | {str(p): {"walk": 10, "run": 10} for p in range(5, 12)}
    (warning,) = found(counts, "loso", 11)
    assert (warning.kind, warning.number) == (classes.LACKING, 7)
    assert "(5: stairs; 6: stairs; 7: stairs; 8: stairs; 9: stairs; and 2 more)" in warning.text


def test_a_label_that_says_who_it_is():
    counts = {"1": {"walk": 50}, "2": {"run": 50}, "3": {"stairs": 49, "walk": 1}}
    (warning,) = [one for one in found(counts) if one.kind == classes.TELLING]
    # Blind, 50 of 150 are right; by the label 50 + 50 + 49: 99 of the 100 others.
    assert warning.number == 0.99


def test_two_people():
    assert [one.kind for one in found({"1": EVERYTHING, "2": EVERYTHING})] == [classes.FEW]


def test_a_class_that_nobody_has():
    counts = {str(p): {"walk": 10, "run": 10} for p in range(1, 5)}
    (error,), (warning,) = found(counts, "loso", 4), found(counts)
    assert (error.fatal, warning.fatal) == (True, False)
    assert error.where == "class 'stairs'"
    assert error.text == "nobody has it"
