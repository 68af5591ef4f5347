"""Mistakes in how recordings are read, cut, split and scaled."""

from tests.mistakes.mistake import in_file

DATA = [
    *in_file(
        "har_ray/data/windows.py", "tests/data/test_windows.py",
        ("a window that crosses a change of label",
         'np.flatnonzero(np.diff(labels)) + 1 if rule == "pure"', 'np.flatnonzero(np.diff(labels)) if rule == "pure"',
         "test_pure_windows_never_hold_two_labels"),
        ("the label rule `last` takes the label in the middle",
         "labels[starts + length - 1]", "labels[starts + length // 2]",
         "test_label_rules_of_windows_that_cross"),
        ("the label rule `majority` takes the rarest",
         "np.argmax(before[starts + length]", "np.argmin(before[starts + length]",
         "test_label_rules_of_windows_that_cross"),
    ),
    *in_file(
        "har_ray/data/cleaning.py", "tests/data/test_cleaning.py",
        ("a window that crosses a gap in time",
         "(step >= 0) & (step <= max_step)", "step >= 0",
         "test_time_breaks_at_leaps_reversals_and_unknown_times_only"),
        ("missing values are bridged from one recording to the next",
         "for start, stop in runs(len(x), breaks):", "for start, stop in [(0, len(x))]:",
         "test_no_line_is_drawn_across_a_break"),
    ),
    *in_file(
        "har_ray/data/own/reader.py", "tests/data/own/test_dataset.py",
        ("a recording of two people",
         "if joined and part.subject != joined[0].subject:", "if joined and part.first < joined[0].first:",
         "test_a_subject_column_cuts_the_file"),
    ),
    *in_file(
        "har_ray/data/soundness/direction.py", "tests/data/soundness/test_recordings.py",
        ("one other person is enough to say who is turned",
         "agree.sum() - agrees >= OTHERS", "agree.sum() - agrees >= 0",
         "test_no_direction_is_right_where_people_do_not_agree"),
    ),
    *in_file(
        "har_ray/data/soundness/statistics.py", "tests/data/soundness/test_statistics.py",
        ("extremes of one part are counted in the other too",
         "np.where(one.highest == highest, one.at_highest, 0)", "one.at_highest",
         "test_statistics_do_not_depend_on_how_recordings_are_cut_or_joined"),
    ),
    *in_file(
        "har_ray/data/soundness/classes.py", "tests/data/soundness/test_classes.py",
        ("who tests or validates is taken for a teacher of the class",
         "not train & set(ones)", "not set(ones)",
         "test_a_class_of_one_person_cannot_be_learned_where_that_person_is_not_in_training"),
    ),
    *in_file(
        "har_ray/data/splits.py", "tests/data/test_splits.py",
        ("a subject in two parts",
         "if s not in {*val, *test})", "if s not in {*test})",
         "test_over_all_folds_every_subject_is_tested_once_and_validates_once"),
        ("folds that leave a subject untested",
         "subjects[protocol.fold :: folds]", "subjects[protocol.fold : protocol.fold + 1]",
         "test_over_all_folds_every_subject_is_tested_once_and_validates_once"),
        ("a random split that is not stratified",
         ", stratify=y)", ")",
         "test_random_is_stratified_published_and_always_the_same"),
    ),
    *in_file(
        "har_ray/data/tensors.py", "tests/data/test_tensors.py",
        ("the scaler is fitted on all windows",
         "fit_scaler(windows.x[rows.train])", "fit_scaler(windows.x)",
         "test_every_part_is_scaled_by_the_training_windows"),
        ("validation and test are scaled by their own statistics",
         "(_part(windows, part, mean, std) for part in rows)",
         "(_part(windows, part, *fit_scaler(windows.x[part])) for part in rows)",
         "test_every_part_is_scaled_by_the_training_windows"),
    ),
]  # fmt: skip
