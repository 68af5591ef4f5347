"""The report's figures: one file each, a function of the results and a setting that returns None where that setting has
nothing to show. `looks` says how a variant looks in all of them, `parts` has what they share."""
