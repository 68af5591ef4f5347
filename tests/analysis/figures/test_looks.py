"""One colour and one mark a variant, the same everywhere; what is wrong with a variant stands after its name."""

from analysis.figures.looks import MARKS, Look, looks, names, signs_explained
from tests.analysis.figures.conftest import TWENTY


def test_twenty_variants_differ_in_their_marks_alone_so_that_grey_is_enough(twenty):
    marks = [looks(twenty.load())[name].mark for name in TWENTY]
    assert len({id(mark) if not isinstance(mark, str | tuple) else mark for mark in marks}) == 20


def test_colour_and_mark_together_are_of_one_variant_where_marks_repeat(grid):
    for number in range(40):
        grid.expect(f"Net-{number}", 0)
    found = [(look.colour, MARKS.index(look.mark)) for look in looks(grid.load()).values()]
    assert len(set(found)) == 40


def test_a_variant_looks_the_same_in_every_setting_of_a_grid(grid):
    """The second setting lacks OM, which comes first in the first one."""
    for name in ("OM", "LM"):
        grid.completed(name, 0, 0.6)
    grid.completed("LM", 0, 0.6, protocol="loso")
    results = grid.load()
    assert list(looks(results)) == ["OM", "LM"]
    assert looks(results)["LM"] is looks(results)["LM"]
    assert looks(results)["LM"] != looks(results)["OM"]


def test_names_carry_what_was_chosen_what_did_not_converge_and_what_is_incomplete(grid):
    grid.completed("OM", 0, 0.9, row={"converged": True})
    grid.completed("LM", 0, 0.6, row={"converged": False})
    grid.completed("RB-KD", 0, 0.5)
    grid.failed("RB-KD", 1, "out of memory")
    results = grid.load()
    setting = results.settings()[0]
    assert names(results, setting) == {"OM": "OM", "LM": "LM†‡", "RB-KD": "RB-KD (1/2)"}
    assert signs_explained(results, setting, ["OM"]) == ""
    assert signs_explained(results, setting, ["OM", "LM", "RB-KD"]) == (
        "† the small model with the best validation score; ‡ some cells were still improving when their epochs ran "
        "out; (complete seeds/expected seeds)."
    )


def test_marks_as_outlines_for_a_browser():
    assert Look("red", "s").outline == "M-1.00,1.00L1.00,1.00L1.00,-1.00L-1.00,-1.00L-1.00,1.00Z"
    assert Look("red", "^").outline == "M0.00,-1.00L-1.00,1.00L1.00,1.00L0.00,-1.00Z"  # its tip is up, where y is less
