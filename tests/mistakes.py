"""Mistakes that would spoil the science and that a test must catch; `tests/planted.py` plants them."""

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent


class Mistake(NamedTuple):
    """A mistake to plant.

    Attributes:
        name: what it would mean for the results.
        file: in which the text `right` stands once, and would be `wrong`.
        tests: pytest's ids of those that must catch it; fast ones.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]

    def fault(self) -> str | None:
        """Why it can't be planted, in one line; None where it can."""
        count = (ROOT / self.file).read_text().count(self.right)
        found = "is gone" if count == 0 else f"stands there {count} times"
        return None if count == 1 else f"{self.name}: {self.file}: the text {self.right!r} {found}, expected once"


def _in(file: str, tests: str, *mistakes: tuple[str, str, str, str]) -> list[Mistake]:
    """Mistakes of one file, each (name, right, wrong, test), that tests of one other file must catch."""
    return [Mistake(name, file, right, wrong, (f"{tests}::{test}",)) for name, right, wrong, test in mistakes]


DATA = [
    *_in(
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
    *_in(
        "har_ray/data/cleaning.py", "tests/data/test_cleaning.py",
        ("a window that crosses a gap in time",
         "(step >= 0) & (step <= max_step)", "step >= 0",
         "test_time_breaks_at_leaps_reversals_and_unknown_times_only"),
        ("missing values are bridged from one recording to the next",
         "for start, stop in runs(len(x), breaks):", "for start, stop in [(0, len(x))]:",
         "test_no_line_is_drawn_across_a_break"),
    ),
    *_in(
        "har_ray/data/own/reader.py", "tests/data/own/test_dataset.py",
        ("a recording of two people",
         "if joined and part.subject != joined[0].subject:", "if joined and part.first < joined[0].first:",
         "test_a_subject_column_cuts_the_file"),
    ),
    *_in(
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
    *_in(
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

NETWORKS_AND_LOSSES = [
    *_in(
        "har_ray/models/architectures/deepconvlstm.py", "tests/models/test_deepconvlstm.py",
        ("no orthogonal initialisation",
         "nn.init.orthogonal_(parameter)", "nn.init.xavier_uniform_(parameter)",
         "test_kernels_start_orthogonal_biases_at_0_and_forget_gates_open"),
        ("no forget bias",
         "nn.init.ones_(", "nn.init.zeros_(",
         "test_kernels_start_orthogonal_biases_at_0_and_forget_gates_open"),
        ("no ReLU after a convolution",
         "torch.relu(convolution(x))", "convolution(x)",
         "test_it_is_the_published_network"),
        ("the LSTM runs along the other axis",
         "        self.filters, self.sequence_axis = filters, sequence_axis\n",
         '        self.filters = filters\n'
         '        self.sequence_axis = sequence_axis = "time" if sequence_axis == "channels" else "channels"\n',
         "test_it_is_the_published_network"),
    ),
    *_in(
        "har_ray/models/architectures/deepconvlstm.py", "tests/models/test_cost.py",
        ("an LSTM with two biases",
         "OneBiasLSTM(steps * filters if by_channels else filters * channels, units, layers)",
         "nn.LSTM(steps * filters if by_channels else filters * channels, units, layers, batch_first=True)",
         "test_published_counts_to_the_unit"),
    ),
    *_in(
        "har_ray/models/attention.py", "tests/models/test_deepconvlstm.py",
        ("no ReLU in the channel attention",
         "nn.ReLU()", "nn.Identity()",
         "test_it_is_the_published_network"),
        ("no max-pool in the channel attention",
         "x.amax(dim=(2, 3))", "x.mean(dim=(2, 3))",
         "test_it_is_the_published_network"),
        ("no max-pool in the spatial attention",
         "x.amax(dim=1)", "x.mean(dim=1)",
         "test_it_is_the_published_network"),
    ),
    *_in(
        "har_ray/models/cost.py", "tests/models/test_cost.py",
        ("the LSTM is missing from the multiply-adds",
         "analysis.set_op_handle(operation, _recurrent_macs)",
         "analysis.set_op_handle(operation, lambda inputs, outputs: 0)",
         "test_published_counts_to_the_unit"),
        ("latency on as many threads as there are",
         "    torch.set_num_threads(1)\n", "",
         "test_latency_is_that_of_one_window_on_one_thread_after_a_warm_up"),
        ("latency without a warm-up",
         "range(warm_up + repeats)][warm_up:]", "range(warm_up + repeats)]",
         "test_latency_is_that_of_one_window_on_one_thread_after_a_warm_up"),
    ),
    *_in(
        "har_ray/losses/distillation.py", "tests/losses/test_losses.py",
        ("the divergence of the teacher from the student",
         "F.kl_div(log_student, log_teacher,", "F.kl_div(log_teacher, log_student,",
         "test_distillation_is_t_squared_kl_of_teacher_to_student"),
        ("no T² before the divergence",
         "self.temperature**2 * ", "",
         "test_distillation_is_t_squared_kl_of_teacher_to_student"),
        ("α and 1-α swapped",
         "weight=1 - alpha)\n        self.temperature, self.label_weight = temperature, alpha",
         "weight=alpha)\n        self.temperature, self.label_weight = temperature, 1 - alpha",
         "test_alpha_weighs_the_cross_entropy"),
    ),
    *_in(
        "har_ray/losses/cross_entropy.py", "tests/losses/test_losses.py",
        ("label smoothing ignored",
         "label_smoothing=self.label_smoothing", "label_smoothing=0.0",
         "test_label_smoothing_shares_a_part_of_the_label_out_among_the_classes"),
        ("frequent classes weigh more",
         '{"sqrt": -0.5, "balanced": -1.0}', '{"sqrt": 0.5, "balanced": 1.0}',
         "test_class_weights_come_from_the_training_windows_and_their_mean_is_1"),
    ),
    *_in(
        "har_ray/losses/decoupled.py", "tests/losses/test_losses.py",
        ("the other classes with the label among them",
         "F.log_softmax(others, dim=1)", "F.log_softmax(logits, dim=1)",
         "test_decoupled_distillation_weighs_what_the_label_and_the_other_classes_say"),
    ),
    *_in(
        "har_ray/losses/relations.py", "tests/losses/test_losses.py",
        ("each worker correlates over its own share of the batch",
         "total=_of_all_ranks", "total=lambda part: part",
         "test_ranks_that_share_a_batch_correlate_over_all_of_it"),
    ),
    *_in(
        "har_ray/models/architectures/ds_cnn.py", "tests/models/test_ds_cnn.py",
        ("the mean over time alone",
         "torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)", "torch.cat([x.mean(dim=2), x.mean(dim=2)], dim=1)",
         "test_it_is_what_it_says"),
    ),
    *_in(
        "har_ray/augmentations/rotation.py", "tests/augmentations/test_augmentations.py",
        ("one rotation for all windows",
         "torch.randn(count, 3, generator=generator)", "torch.randn(1, 3, generator=generator).expand(count, 3)",
         "test_the_sensors_of_a_placement_turn_together_and_every_window_otherwise"),
        ("gyroscope and accelerometer of a watch turn each by itself",
         "            for axes in placement:\n",
         "            for axes in placement:\n                rotations = self._rotations(len(x), generator)\n",
         "test_the_sensors_of_a_placement_turn_together_and_every_window_otherwise"),
    ),
    *_in(
        "har_ray/losses/attention_transfer.py", "tests/losses/test_losses.py",
        ("β ignored",
         "super().__init__(weight=beta or 1.0)", "super().__init__(weight=1.0)",
         "test_beta_weighs_the_attention_transfer_beside_the_others"),
    ),
]  # fmt: skip

TRAINING = [
    *_in(
        "har_ray/training/trainer.py", "tests/training/test_fit.py",
        ("validating on the test set",
         "_to(data.val, self.ranks.device)", "_to(data.test, self.ranks.device)",
         "test_validation_is_on_the_validation_windows"),
        ("a student starts from another seed than its cell's",
         "torch.manual_seed(cell.seed)", "torch.manual_seed(cell.seed + 1)",
         "test_a_network_starts_from_the_seed_of_its_cell"),
        ("the best weights are not a copy",
         "self.best = copy.deepcopy(evaluated.state_dict())",
         "self.best = evaluated.state_dict()",
         "test_the_best_weights_are_a_copy"),
        ("the training loss decides when to stop",
         "[epoch[self.cell.training.monitor] for epoch", '[-epoch.get("train_loss", 0.0) for epoch',
         "test_it_stops_when_patience_is_spent"),
        ("the worst epoch for the best",
         "scores.index(max(scores))", "scores.index(min(scores))",
         "test_it_stops_when_patience_is_spent"),
    ),
    *_in(
        "har_ray/training/at_once.py", "tests/training/test_at_once.py",
        ("a forest that ignores its seed",
         "self.data.train.y, self.cell.seed)", "self.data.train.y, 0)",
         "test_a_forest_depends_on_its_seed_alone"),
    ),
    *_in(
        "har_ray/models/trees.py", "tests/models/test_trees.py",
        ("thresholds of trees rounded up",
         "np.float32(-np.inf)", "np.float32(np.inf)",
         "test_a_threshold_stays_between_the_values_that_it_parts"),
        ("the children of a node exchanged",
         "goes_left, self.left[node], self.right[node]", "goes_left, self.right[node], self.left[node]",
         "test_a_forest_says_what_scikit_learns_says"),
    ),
    *_in(
        "har_ray/training/fit.py", "tests/training/test_fit.py",
        ("the teacher's rows are not those of the batch",
         "_rows(seen.teacher, rows)", "_rows(seen.teacher, torch.arange(len(rows)))",
         "test_a_window_is_compared_with_what_the_teacher_says_of_it"),
        ("the same order of windows in every epoch",
         "seed = self.cell.seed * 1_000_003 + number", "seed = self.cell.seed * 1_000_003",
         "test_every_epoch_takes_every_window_once_in_batches_and_in_an_order_of_its_own"),
        ("batch_size ignored",
         "self.cell.training.batch_size)", "64)",
         "test_every_epoch_takes_every_window_once_in_batches_and_in_an_order_of_its_own"),
        ("patience off by one",
         "self.best_epoch >= self.cell.training.patience", "self.best_epoch > self.cell.training.patience",
         "test_it_stops_when_patience_is_spent"),
        ("trained in evaluation mode",
         "self.student.train()", "self.student.eval()",
         "test_it_trains_in_training_mode_and_judges_in_evaluation_mode"),
        ("judged in training mode",
         "self.student.eval()", "self.student.train()",
         "test_it_trains_in_training_mode_and_judges_in_evaluation_mode"),
        ("the projection of attention maps is not trained",
         "            self.student.parameters(), lr=cell.training.lr, weight",
         "            self.network.parameters(), lr=cell.training.lr, weight",
         "test_distillation_leaves_the_teacher_as_it_was_and_its_projection_out"),
        ("weight decay ignored",
         "weight_decay=cell.training.weight_decay", "weight_decay=0",
         "test_weight_decay_takes_its_share_of_a_weight_beside_the_step"),
        ("the last step's weights instead of their mean",
         "return self.averaged.module if self.averaged is not None else self.network", "return self.network",
         "test_the_mean_of_the_weights_is_validated_and_kept"),
        ("the mean of the weights is not in the checkpoint",
         "            self.averaged.load_state_dict(state[\"averaged\"])", "            pass",
         "test_continuing_from_a_checkpoint_equals_never_stopping"),
        ("dropout goes on otherwise after a checkpoint",
         "        torch.manual_seed(seed)  #", "        #",
         "test_continuing_from_a_checkpoint_equals_never_stopping"),
        ("mixed windows, one label",
         "self._wanted(seen, partners.rows, partners.share)", "self._wanted(seen, rows, partners.share)",
         "test_mixed_windows_are_to_be_both_labels_in_their_shares"),
        ("each worker mixes windows of its own choice",
         "self.ranks.share(batch[torch.from_numpy(chance.permutation(len(batch)))])",
         "self.ranks.share(batch)",
         "test_each_window_of_a_batch_is_mixed_once_into_another_on_whichever_rank"),
        ("every epoch sees the same view",
         "if self.taught else number - 1", "if self.taught else 0",
         "test_every_epoch_of_a_student_without_a_teacher_sees_a_view_of_its_own"),
        ("the teacher speaks of another view",
         "self.taught.views[turn])", "self.taught.views[0])",
         "test_a_teacher_says_what_it_makes_of_the_view_that_the_student_sees"),
        ("clipping ignored",
         "            nn.utils.clip_grad_norm_(self.student.parameters(), self.cell.training.clip)\n", "",
         "test_a_step_is_as_long_as_the_clipped_gradient_and_the_schedule_say"),
        ("gradients are clipped before they are unscaled",
         "            self.scaler.unscale_(self.optimiser)\n", "",
         "test_a_step_is_as_long_as_the_clipped_gradient_and_the_schedule_say"),
        ("the learning rate begins again when a cell is resumed",
         "            self._set_learning_rate(number - 1 + step / len(batches))\n",
         '            self.passes = getattr(self, "passes", -1) + (step == 0)\n'
         "            self._set_learning_rate(self.passes + step / len(batches))\n",
         "test_continuing_from_a_checkpoint_equals_never_stopping"),
        ("the optimiser begins again when a cell is resumed",
         '        self.optimiser.load_state_dict(state["optimiser"])\n', "",
         "test_continuing_from_a_checkpoint_equals_never_stopping"),
    ),
    *_in(
        "har_ray/training/ranks.py", "tests/training/test_fit.py",
        ("a window that stands in where a worker has none counts twice",
         "(batch[:1], torch.zeros(1))", "(batch[:1], torch.ones(1))",
         "test_ranks_share_a_batch_without_losing_or_doubling_a_window"),
    ),
    *_in(
        "har_ray/training/targets.py", "tests/training/test_fit.py",
        ("a teacher in training mode",
         "teacher.to(device).eval()", "teacher.to(device).train()",
         "test_targets_are_made_in_evaluation_mode"),
    ),
    *_in(
        "har_ray/training/batch_norm.py", "tests/training/test_batch_norm.py",
        ("each worker normalises by its own share of the batch",
         "return torch.as_tensor(between_ranks.all_reduce(values))", "return values",
         "test_two_ranks_of_unequal_size_normalise_as_one"),
    ),
    *_in(
        "har_ray/training/views.py", "tests/training/test_fit.py",
        ("augmentation of scaled windows",
         "raw = data.train.x * data.std + data.mean", "raw = data.train.x",
         "test_every_epoch_of_a_student_without_a_teacher_sees_a_view_of_its_own"),
    ),
    *_in(
        "har_ray/training/targets.py", "tests/training/test_run.py",
        ("the first of several teachers alone",
         "for one in several]).mean(dim=0), maps)", "for one in several[:1]]).mean(dim=0), maps)",
         "test_several_teachers_are_averaged"),
        ("the teacher's targets in the order in which they were stored",
         "index = torch.from_numpy(rows)", "index = torch.arange(len(rows))",
         "test_students_learn_from_stored_targets"),
    ),
    *_in(
        "har_ray/training/run.py", "tests/training/test_run.py",
        ("a network sees channels that were not chosen for it",
         ".only(cell.channels)", "",
         "test_a_cell_sees_the_channels_that_were_chosen_for_it"),
        ("the test set is judged with the last weights",
         "    fit.use_best()\n", "",
         "test_the_test_set_is_judged_with_the_weights_of_the_best_epoch"),
        ("test scores of search cells",
         'if job.stage == "confirm":', "if job.stage:",
         "test_a_search_cell_never_sees_the_test_set"),
    ),
]  # fmt: skip

PLAN_AND_SEARCH = [
    *_in(
        "har_ray/plan/plan.py", "tests/plan/test_plan.py",
        ("a teacher of other channels than its student's",
         "student.protocol, student.channels)", "student.protocol)",
         "test_a_teacher_has_the_channels_of_its_student"),
        ("a teacher of another fold",
         "student.windows_id, student.protocol, student.channels)", "student.windows_id, student.channels)",
         "test_a_teacher_is_of_the_students_data_and_fold"),
        ("a teacher of another seed than its student",
         "cell.seed + SEEDS_APART * number", "SEEDS_APART * number",
         "test_each_student_has_the_teacher_of_its_seed_and_attention"),
        ("an ensemble of one teacher, several times",
         "SEEDS_APART * number", "0 * number",
         "test_several_teachers_are_a_cell_each_and_a_name_given_twice_is_two_seeds"),
        ("attention maps of a teacher without attention",
         "(known[name].with_attention() if needs_maps(variant.losses) else known[name], ", "(known[name], ",
         "test_each_student_has_the_teacher_of_its_seed_and_attention"),
        ("other candidates in other folds",
         "for candidate in self.candidates(fold, variant)\n",
         "for candidate in self.candidates(fold, variant)[fold.protocol.fold :]\n",
         "test_folds_multiply_cells"),
    ),
    *_in(
        "har_ray/candidates.py", "tests/plan/test_plan.py",
        ("candidates are drawn with repetition",
         "permutation(len(everything))[:trials]", "integers(len(everything), size=trials)",
         "test_every_variant_gets_the_same_number_of_different_candidates"),
        ("other candidates in every process",
         'int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")', "abs(hash(text))",
         "test_the_draw_is_that_of_the_first_version"),
    ),
    *_in(
        "har_ray/plan/cells.py", "tests/plan/test_plan.py",
        ("a cell's id does not depend on how it is trained",
         'named_elsewhere = {"dataset", "preset", "hyper", "size"}',
         'named_elsewhere = {"dataset", "preset", "hyper", "size", "training"}',
         "test_the_id_depends_on_what_decides_the_result_and_on_nothing_else"),
    ),
    *_in(
        "har_ray/search/halving.py", "tests/search/test_halving.py",
        ("halving keeps the worst",
         "(-race[name].score(rung), order[name])", "(race[name].score(rung), order[name])",
         "test_it_keeps_what_plain_successive_halving_keeps"),
        ("a candidate is promoted before that is certain",
         "known[: max(0, keep - unknown)]", "known[:keep]",
         "test_a_candidate_goes_on_or_is_cut_as_soon_as_that_is_certain"),
        ("a candidate is cut before that is certain",
         "dict.fromkeys(known[keep:], Fate(rung, rung))",
         "dict.fromkeys(known[max(0, keep - unknown) :], Fate(rung, rung))",
         "test_a_candidate_goes_on_or_is_cut_as_soon_as_that_is_certain"),
        ("the audit takes the best of those that were cut",
         "(fates[name].goal, name)", "(fates[name].goal, -race[name].score())",
         "test_the_audit_takes_those_cut_whose_hashes_come_first_once_it_is_certain_which_they_are"),
        ("a candidate that failed is ranked by its score",
         "        if self.failed:\n            return -math.inf\n", "",
         "test_failed_and_early_ended_candidates_do_not_block"),
    ),
    *_in(
        "har_ray/search/halving.py", "tests/search/test_agenda.py",
        ("the luckiest search seed decides",
         "return sum(max(cell.curve[:epochs], default=-math.inf) for cell in self.cells) / len(self.cells)",
         "return max(max(cell.curve[:epochs], default=-math.inf) for cell in self.cells)",
         "test_the_winner_is_best_over_the_search_seeds"),
    ),
    *_in(
        "har_ray/search/choice.py", "tests/search/test_agenda.py",
        ("the score at the rung outranks the last one",
         "key=lambda name: race[name].score())", "key=lambda name: race[name].score(halving.goals[0]))",
         "test_what_was_known_to_be_better_at_last_wins_and_what_the_rung_was_worth_is_recorded"),
    ),
]  # fmt: skip

STORE_AND_ANALYSIS = [
    *_in(
        "har_ray/store/results.py", "tests/store/test_results.py",
        ("the checksum of a cell's file is not looked at",
         'if row["files"].get(name) != list(Digest.of(content)):', 'if name not in row["files"]:',
         "test_a_damaged_file_is_not_read_and_its_cell_is_done_again"),
    ),
    *_in(
        "har_ray/store/storage.py", "tests/store/test_storage.py",
        ("the checksum of a row is not looked at",
         "if checksum != _checksum(value):", "if value is None:",
         "test_a_json_file_that_is_not_as_it_was_written_is_never_read"),
    ),
    *_in(
        "har_ray/metrics/accuracy.py", "tests/metrics/test_metrics.py",
        ("the mean of the classes' recall as accuracy",
         "np.diag(confusion_of(labels, logits)).sum() / len(labels)",
         "(np.diag(m := confusion_of(labels, logits)) / m.sum(axis=1).clip(1)).mean()",
         "test_scores_equal_scikit_learns_over_the_classes_that_occur"),
    ),
    *_in(
        "har_ray/metrics/f1_macro.py", "tests/metrics/test_metrics.py",
        ("accuracy as macro F1",
         "f1_mean(confusion_of(labels, logits))", "float((logits.argmax(axis=1) == labels).mean())",
         "test_scores_equal_scikit_learns_over_the_classes_that_occur"),
    ),
    *_in(
        "analysis/seeds.py", "tests/analysis/test_tables.py",
        ("the folds' F1 is averaged",
         "score.metric(pooled.labels, pooled.logits)", 'np.mean([row[f"test_{score.name}"] for row in rows])',
         "test_folds_are_pooled_and_not_averaged"),
    ),
    *_in(
        "analysis/load.py", "tests/analysis/test_tables.py",
        ("a seed counts without all its folds",
         "whole = len(complete) == len(cells)", "whole = len(complete) > 0",
         "test_a_seed_without_all_its_folds_does_not_count"),
    ),
    *_in(
        "analysis/statistics.py", "tests/analysis/test_statistics.py",
        ("a seed is compared with another seed",
         "for x, y in zip(left, right, strict=True)]", "for x, y in zip(left, right[::-1], strict=True)]",
         "test_a_seed_is_compared_with_the_same_seed"),
    ),
    *_in(
        "analysis/scores.py", "tests/analysis/test_takeaways.py",
        ("the student is chosen by its test score",
         "cell.row.get(self.monitor)", 'cell.row.get(self.monitor.replace("val_", "test_"))',
         "test_the_student_is_chosen_on_validation_data"),
    ),
    *_in(
        "analysis/search.py", "tests/analysis/test_search.py",
        ("the audit counts survivors as cut",
         'for one in winner["finished"] if one["audited"]]', 'for one in winner["finished"]]',
         "test_the_audit_says_what_cutting_cost"),
    ),
]  # fmt: skip

MISTAKES = [*DATA, *NETWORKS_AND_LOSSES, *TRAINING, *PLAN_AND_SEARCH, *STORE_AND_ANALYSIS]
