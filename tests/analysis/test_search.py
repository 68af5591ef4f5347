"""What is shown of the search: choices, how many there were, what cutting cost."""

from analysis.search import winners_table
from tests.analysis.test_tables import texts

SETTING = {"dataset": "sensors", "preset": "wrist", "protocol": "random", "fold": 0}
ATTENTION = {"attention_kind": "cbam", "attention_ratio": 4, "attention_kernel": 3, "attention_position": 2}


def winner(variant, hyper, candidates=8, monitor="val_f1_macro"):
    ends = {"val_score": 0.712, "candidates": candidates, "epochs": 40 * candidates, "stopped": 5, "failed": 1}
    return {**SETTING, "variant": variant, "hyper": hyper, "monitor": monitor, **ends}


def test_winners_show_what_was_chosen_from_how_many(grid):
    grid.winners = [
        winner("RAB-KD", {"temperature": 4.0, "alpha": 0.3, "beta": 1.0, **ATTENTION}),
        winner("RB-KD", {"temperature": 2.0, "alpha": 0.5}, candidates=4),
    ]
    table = winners_table(grid.load())
    assert table.columns[3:8] == ["T", "α", "β", "attention", "val. F1 macro (%)"]
    assert texts(table, 0) == [
        "sensors, wrist, random split (LEAKS: same recordings in train and test)", "0", "RAB-KD", "4", "0.3", "1",
        "cbam, ratio 4, kernel 3, after conv 2", "71.2", "8", "320", "5", "1",
    ]  # fmt: skip
    assert texts(table, 1)[3:7] == ["2", "0.5", "–", "–"]
    title = "sensors, wrist, random split (LEAKS: same recordings in train and test)"
    assert [note.removeprefix(title) for note in table.notes] == [
        f": the searches differ by more than a fifth in {what} per fold (RAB-KD {first}, RB-KD {second}); a variant "
        "with more had more chances to be lucky."
        for what, first, second in (("candidates", 8, 4), ("epochs", 320, 160))
    ]


def test_a_hyper_parameter_of_a_grids_own_is_a_column(grid):
    grid.winners = [
        winner("KD-margin", {"temperature": 4.0, "Margin.weight": 0.1}),
        winner("GRU", {"options.units": 8}),
    ]
    table = winners_table(grid.load())
    assert table.columns[3:6] == ["T", "Margin.weight", "options.units"]
    assert [texts(table, row)[3:6] for row in (0, 1)] == [["4", "0.1", "–"], ["–", "–", "8"]]


def test_the_attention_loss_is_a_column_beside_the_attention(grid):
    grid.winners = [winner("RAB-KD", {"beta": 1.0, "attention_loss": "published", **ATTENTION})]
    table = winners_table(grid.load())
    assert table.columns[3:6] == ["β", "attention loss", "attention"]
    assert texts(table, 0)[3:6] == ["1", "published", "cbam, ratio 4, kernel 3, after conv 2"]


def test_the_score_that_chose_is_named_by_its_own_name(grid):
    """Also where the grid has since been started with another one."""
    grid.info["grid"] |= {"train": {"monitor": "val_f1_weighted"}}
    grid.winners = [winner("RB-KD", {"temperature": 4.0}, monitor="val_accuracy")]
    assert winners_table(grid.load()).columns[5] == "val. accuracy (%)"
    grid.winners = []
    assert winners_table(grid.load()).columns[4] == "val. F1 weighted (%)"


def finished(*scores):
    """Candidates trained to their end, from their scores at the first rung and at last, and whether they were cut."""
    return {"finished": [{"at_rung": rung, "at_last": last, "audited": cut} for rung, last, cut in scores]}


def test_the_audit_says_what_cutting_cost(grid):
    races = [
        finished((0.7, 0.765, False), (0.6, 0.6, False), (0.3, 0.871, True)),  # ranks 3 2 1 and 2 1 3: −0.5
        finished((0.7, 0.8, False), (0.6, 0.7, False), (0.3, 0.5, True)),  # the same ranks: 1
        finished((0.7, 0.8, False), (0.3, 0.9, True)),  # too few to rank
    ]
    grid.winners = [winner("RB-KD", {"temperature": 4.0}) | {"rungs": [14], "fold": i} | r for i, r in enumerate(races)]
    audited, ranks = winners_table(grid.load()).notes
    assert "3 candidates cut at epoch 14 were trained to their end all the same; 2 ended above every" in audited
    assert "by epoch 14 with the last one" in ranks
    assert "0.25 in the mean of 2 searches" in ranks


def test_nothing_is_said_of_an_audit_where_nothing_is_cut(grid):
    grid.winners = [winner("RB-KD", {"temperature": 4.0}) | {"rungs": []} | finished((0.7, 0.8, False))]
    assert winners_table(grid.load()).notes == []
