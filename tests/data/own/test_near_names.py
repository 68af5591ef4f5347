"""Names that are one and look like two are said, with their places and the remedy; those that are two are not."""

import pytest

from har_ray.data.own.dataset import load_table
from har_ray.data.own.near_names import alike
from har_ray.errors import DataError
from tests.data.own.tables import DESCRIPTOR, rows, write

HEADER = "t,ax,ay,note,activity"
FREE = DESCRIPTOR.replace(', map: {walk: walking, run: running}, no_class: [other, ""]', "")


@pytest.fixture
def warnings(tmp_path):
    def of(descriptor=FREE, header=HEADER, **files):
        findings = load_table("mine", write(tmp_path, descriptor, header, **files)).findings
        return [str(one).replace(f"{tmp_path}/", "") for one in findings]

    return of


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("003", "3"), ("Walk", "walk"), ("walk up", "Walk  Up"), ("P01", "p1"), ("7", "07.00"), ("0", "00")],
)
def test_written_in_two_ways(one, other):
    assert alike(one) == alike(other)


@pytest.mark.parametrize(
    ("one", "other"), [("1", "10"), ("1.05", "1.5"), ("a0", "a"), ("1", "1.01"), ("walk", "walks"), ("10", "1.0")]
)
def test_two_names(one, other):
    assert alike(one) != alike(other)


def test_labels_that_differ_by_case_are_named_with_places_and_rows(warnings):
    found = warnings(p1=rows("walk", "walk", "run"), p2=rows("run", "Walk", "Walk"), p3=rows("walk"))
    assert found == [
        "labels 'walk' and 'Walk': differ only by case, blanks or zeros ('walk' in 3 rows, first "
        "raw/p1.csv: line 2 and 'Walk' in 2 rows, first raw/p2.csv: line 3); if they are one, label: {map: {'walk': "
        "'walk', 'Walk': 'walk', ...}} of all labels"
    ]


def test_where_it_is_strict_they_are_an_error(tmp_path):
    path = write(tmp_path, FREE + "strict: true\n", HEADER, p1=rows(*["walk"] * 5, *["Walk"] * 5))
    with pytest.raises(DataError, match="labels 'walk' and 'Walk': differ only"):
        load_table("mine", path)


def test_labels_of_which_the_descriptor_says_what_they_are_are_none_of_it(warnings):
    files = {"p1": rows("walk", "run"), "p2": rows("Walk", "run")}
    mapped = "map: {walk: walking, Walk: walking, run: running}"
    apart = "map: {walk: slow, Walk: fast, run: running}"
    for label in (mapped, apart, "classes: [walk, Walk, run]"):
        assert warnings(FREE.replace("{column: activity}", f"{{column: activity, {label}}}"), **files) == []


def test_a_label_almost_that_of_no_class_is_named(warnings):
    descriptor = FREE.replace("{column: activity}", "{column: activity, no_class: [other]}")
    (found,) = warnings(descriptor, p1=rows("walk", "other", "other", "Other"), p2=rows("walk"))
    assert "labels 'other' and 'Other'" in found


def test_subjects_in_paths_and_in_columns(warnings):
    (found,) = warnings(p3=rows("walk"), p03=rows("walk"), p30=rows("run"))
    assert found.startswith("subjects ")
    assert "'3' in 1 row, first raw/p3.csv" in found
    assert found.endswith("if they are one person, let the pattern leave out what differs, as 'p0*(\\d+)' does")


def test_subjects_in_a_column(warnings):
    column = FREE.replace(r"{pattern: 'p(\d+)'}", "{column: who}")
    lines = [f"{i / 10},{i},{i},{who},walk" for i, who in enumerate(["1"] * 12 + ["1.0"] * 11 + ["2"] * 11)]
    (found,) = warnings(column, "t,ax,ay,who,activity", all=lines)
    assert "subjects '1' and '1.0'" in found
    assert "'1' in 12 rows, first raw/all.csv: line 2 and '1.0' in 11 rows, first raw/all.csv: line 14" in found
    assert found.endswith("if they are one person, write them alike")
