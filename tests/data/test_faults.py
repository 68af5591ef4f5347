"""One line for each cause, however many files share it."""

from har_ray.data.faults import by_cause


def test_faults_that_differ_in_file_and_numbers_alone_are_one():
    faults = [
        ("ann.csv", "ann.csv: line 2: 3 fields, expected 5"),
        ("bob.csv", "bob.csv: line 90: 4 fields, expected 5"),
        ("bob.csv", "bob.csv: line 91: 4 fields, expected 5"),
        ("eve.csv", "eve.csv: cannot be read: permission denied"),
        ("p1.csv", "p1.csv: line 7: 6 fields, expected 5"),
    ]
    assert by_cause(faults) == [
        "ann.csv: line 2: 3 fields, expected 5 (and 2 more files with this fault)",
        "eve.csv: cannot be read: permission denied",
    ]
    assert by_cause([]) == []
    other = [(f"raw/{name}.csv", f"raw/{name}.csv: no labels/{name}.txt") for name in ("ann", "bob")]
    assert by_cause(other) == ["raw/ann.csv: no labels/ann.txt (and 1 more file with this fault)"]
    columns = [("raw/ann.csv", "column 'ax' is unknown"), ("raw/bob.csv", "column 'ay' is unknown")]
    assert len(by_cause(columns)) == 2
