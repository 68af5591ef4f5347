"""Mistakes in what is stored and what is reported of it."""

from tests.mistakes.mistake import in_file

STORE_AND_ANALYSIS = [
    *in_file(
        "har_ray/events.py", "tests/test_events.py",
        ("a late end is taken for a late start",
         "wrong = 1 + 4 * is_there + before + 2 * after", "wrong = 1 + 4 * is_there + 2 * before + after",
         "test_a_wrong_segment_is_what_its_neighbours_make_it"),
        ("a recording's first segment has the last of the recording before as its neighbour",
         "recognised[:-2] & ~is_first", "recognised[:-2]",
         "test_the_view_of_recordings_is_that_of_each_class_in_each"),
    ),
    *in_file(
        "analysis/events.py", "tests/analysis/test_events.py",
        ("a vote counts labels of the recording before",
         "np.where((place >= 2) & (first == second)", "np.where((first == second)",
         "test_a_vote_is_that_of_a_stream"),
        ("two events are one where windows were left out between them",
         "~goes_on | (alike & (steps > 1.5 * stride))", "~goes_on",
         "test_where_windows_were_left_out_another_event_begins"),
    ),
    *in_file(
        "analysis/on_the_watch.py", "tests/analysis/test_on_the_watch.py",
        ("the float score of all seeds stands beside the int8 score of some",
         "scores[F1.name] for seed in by_seed]", "scores[F1.name] for seed in result.seeds]",
         "test_float_and_int8_stand_side_by_side"),
    ),
    *in_file(
        "analysis/relative.py", "tests/analysis/test_relative.py",
        ("a change is taken against another seed of the baseline",
         "baseline.complete[seed].scores.get(score)", "baseline.complete[min(baseline.complete)].scores.get(score)",
         "test_only_seeds_that_both_completed_are_compared"),
    ),
    *in_file(
        "analysis/pareto.py", "tests/analysis/test_pareto.py",
        ("what is dearer and no better is on the front",
         "scores[index] > scores[found[-1]]", "scores[index] >= scores[found[-1]]",
         "test_of_equals_the_first_is_taken"),
    ),
    *in_file(
        "analysis/changes.py", "tests/analysis/test_changes.py",
        ("a grid is compared the wrong way round",
         "compared = compare(new, old, here, there)", "compared = compare(old, new, here, there)",
         "test_a_difference_is_that_of_each_test_subject_seed_by_seed_with_interval_and_test"),
    ),
    *in_file(
        "har_ray/store/storage.py", "tests/store/test_results.py",
        ("the checksum of a cell's file is not looked at",
         "if digest is None or tuple(digest) != Digest.of(content):", "if digest is None:",
         "test_a_damaged_file_is_not_read_and_its_cell_is_done_again"),
    ),
    *in_file(
        "har_ray/store/storage.py", "tests/store/test_storage.py",
        ("the checksum of a row is not looked at",
         "if checksum != _checksum(value):", "if value is None:",
         "test_a_json_file_that_is_not_as_it_was_written_is_never_read"),
    ),
    *in_file(
        "har_ray/metrics/accuracy.py", "tests/metrics/test_metrics.py",
        ("the mean of the classes' recall as accuracy",
         "np.diag(confusion_of(labels, logits)).sum() / len(labels)",
         "(np.diag(m := confusion_of(labels, logits)) / m.sum(axis=1).clip(1)).mean()",
         "test_scores_equal_scikit_learns_over_the_classes_that_occur"),
    ),
    *in_file(
        "har_ray/metrics/f1_macro.py", "tests/metrics/test_metrics.py",
        ("accuracy as macro F1",
         "f1_mean(confusion_of(labels, logits))", "float((logits.argmax(axis=1) == labels).mean())",
         "test_scores_equal_scikit_learns_over_the_classes_that_occur"),
    ),
    *in_file(
        "analysis/seeds.py", "tests/analysis/test_tables.py",
        ("the folds' F1 is averaged",
         "score.metric(pooled.labels, pooled.logits)", 'np.mean([row[f"test_{score.name}"] for row in rows])',
         "test_folds_are_pooled_and_not_averaged"),
    ),
    *in_file(
        "analysis/load.py", "tests/analysis/test_tables.py",
        ("a seed counts without all its folds",
         "if len(complete) == len(keys):", "if complete:",
         "test_a_seed_without_all_its_folds_does_not_count"),
    ),
    *in_file(
        "analysis/statistics.py", "tests/analysis/test_statistics.py",
        ("a seed is compared with another seed",
         "for x, y in zip(left, right, strict=True)]", "for x, y in zip(left, right[::-1], strict=True)]",
         "test_a_seed_is_compared_with_the_same_seed"),
    ),
    *in_file(
        "analysis/scores.py", "tests/analysis/test_takeaways.py",
        ("the student is chosen by its test score",
         "cell.row.get(self.monitor)", 'cell.row.get(self.monitor.replace("val_", "test_"))',
         "test_the_student_is_chosen_on_validation_data"),
    ),
    *in_file(
        "analysis/search.py", "tests/analysis/test_search.py",
        ("the audit counts survivors as cut",
         'for one in winner["finished"] if one["audited"]]', 'for one in winner["finished"]]',
         "test_the_audit_says_what_cutting_cost"),
    ),
]  # fmt: skip
