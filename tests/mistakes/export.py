"""Mistakes in what is exported of a network."""

from tests.mistakes.mistake import in_file

EXPORT = [
    *in_file(
        "har_ray/export/int8/lowering/product.py", "tests/export/int8/test_operators.py",
        ("TensorFlow Lite's SAME taken for PyTorch's padding with a stride",
         "same_padding(n, k, s, d)[0] == p and -(-n // s) == out", "-(-n // s) == out",
         "test_a_layer_gives_what_pytorch_gives"),
        ("a batch normalisation folded without its offset",
         "maker.scale_outputs(as_array(factor), as_array(offset))",
         "maker.scale_outputs(as_array(factor), 0 * as_array(offset))",
         "test_batch_normalisation_is_folded_into_the_product_before_it"),
    ),
    *in_file(
        "har_ray/export/int8/lowering/walk.py", "tests/export/int8/test_operators.py",
        ("a ReLU fused though somebody else reads what is before it",
         " and len(of.users) == 1 else None", " else None",
         "test_relu_is_fused_only_where_nobody_else_reads_what_is_before_it"),
    ),
    *in_file(
        "har_ray/export/int8/operators/lstm.py", "tests/export/int8/test_operators.py",
        ("a cell whose scale leaves no room for it",
         "math.log2(HEADROOM * largest / 2**15)", "math.log2(HEADROOM * largest / 2**18)",
         "test_a_recurrent_layer_over_a_hundred_steps"),
    ),
    *in_file(
        "har_ray/export/int8/operators/gru.py", "tests/export/int8/test_operators.py",
        ("a backward GRU that begins at the first step",
         "steps - 1 if self.backwards else 0", "0",
         "test_a_recurrent_layer_over_a_hundred_steps"),
    ),
    *in_file(
        "har_ray/export/int8/operators/pooling.py", "tests/export/int8/test_operators.py",
        ("a least of int16 that is the largest",
         'if self.code == "REDUCE_MAX":', "if self.code:", "test_values_in_int16_are_ten_times_nearer"),
    ),
    *in_file(
        "har_ray/export/int8/runtime.py", "tests/export/int8/test_operators.py",
        ("a window that begins in the state that the one before has left",
         "        interpreter.reset()\n", "",
         "test_a_window_does_not_remember_the_one_before"),
    ),
]  # fmt: skip
