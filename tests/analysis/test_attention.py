"""Which cells have attention that attends to nothing, and how much of the teacher's maps a student's explain."""

from analysis.attention import constant_attention, explained
from analysis.tables import results_table


def test_cells_whose_attention_is_constant_are_named(grid):
    for seed, fold, channel, spatial in ((0, 0, 0.05, 0.02), (0, 1, 0.0, 0.02), (1, 0, 0.04, 0.03), (1, 1, 9e-4, 0.02)):
        sds = {"attention_sd_channel": channel, "attention_sd_spatial": spatial}
        grid.completed("LM-Att", seed, 0.8, fold=fold, row=sds)
    grid.completed("RB-KD-Att", 3, 0.8, row={"attention_sd_spatial": 0.0})
    grid.completed("LM", 0, 0.8)
    grid.failed("RB-KD-Att", 4, "no")
    results = grid.load()
    (setting,) = results.settings()
    notes = constant_attention(results, setting)
    assert notes == [
        "LM-Att: the channel attention of 2 of 4 cells is constant over windows (seed 0 fold 1, seed 1 fold 1), so it "
        "adds nothing there.",
        "RB-KD-Att: the spatial attention of 1 of 1 cells is constant over windows (seed 3), so it adds nothing there.",
    ]
    assert set(notes) <= set(results_table(results, setting).notes)


def test_how_much_of_the_teachers_maps_is_explained(grid):
    grid.completed("RAB-KD", 0, 0.8, row={"attention_r2_channel": 0.25, "attention_sd_channel": 0.1})
    grid.completed("RAB-KD", 1, 0.8, row={"attention_r2_channel": 0.75, "attention_sd_channel": 0.1})
    grid.completed("RAB-KD", 2, 0.8)  # its teacher's map is constant
    results = grid.load()
    (setting,) = results.settings()
    assert explained(results, setting) == [
        "RAB-KD: its channel attention explains 50 % of the variance of its teacher's on validation windows (R², mean "
        "over 2 cells)."
    ]
    assert constant_attention(results, setting) == []


def test_maps_that_go_their_own_way_explain_nothing(grid):
    grid.completed("RAB-KD", 0, 0.8, row={"attention_r2_spatial": -1.886})
    results = grid.load()
    assert explained(results, results.settings()[0]) == [
        "RAB-KD: its spatial attention varies otherwise than its teacher's on validation windows (R² −1.89, mean over "
        "1 cell); one that is constant has 0."
    ]
