"""The examples of a folder, each in an environment without this project."""

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from har_ray.export.c_array import method
from har_ray.export.folder import export
from har_ray.spec.grid import Export
from har_ray.streaming import Stream, labels

NEEDS = ("numpy", "numpy.libs", "tflite_micro", "flatbuffers", "yaml")
"""What `pip install tflite-micro numpy` installs, as far as it is imported."""
STRIDE, LAST = 12, 3

COMPILERS = [shutil.which(name) or "" for name in ("cc", "c++")]
needs_compilers = pytest.mark.skipif(not all(COMPILERS), reason="no C and C++ compiler on this machine (cc, c++)")

INTERPRETER = """\
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
namespace tflite {
struct Model {};
inline const Model* GetModel(const void* content) {
  static Model model;
  return content ? &model : nullptr;
}
/* Stands for the network: writes down what it is given, and says the classes of ANSWERS one after the other. */
class MicroInterpreter {
 public:
  template <class Resolver>
  MicroInterpreter(const Model*, const Resolver&, uint8_t* arena, size_t size) {
    input_ = arena;
    output_ = arena + size - 64 * sizeof(model_integer);
  }
  TfLiteStatus AllocateTensors() { return kTfLiteOk; }
  template <class T> T* typed_input_tensor(int) { return reinterpret_cast<T*>(input_); }
  template <class T> T* typed_output_tensor(int) { return reinterpret_cast<T*>(output_); }
  TfLiteStatus Invoke() {
    static FILE* given = fopen(getenv("GIVEN"), "wb");
    static const char* answers = getenv("ANSWERS");
    fwrite(input_, sizeof(model_integer), MODEL_WINDOW * MODEL_CHANNELS, given);
    fflush(given);
    for (int k = 0; k < MODEL_CLASSES; ++k) typed_output_tensor<model_integer>(0)[k] = k == *answers - '0' ? 1 : -1;
    ++answers;
    return kTfLiteOk;
  }
  TfLiteStatus Reset() { return kTfLiteOk; }
 private:
  uint8_t *input_, *output_;
};
}  // namespace tflite
"""
METHODS = [
    "AddAbs", "AddAdd", "AddAveragePool2D", "AddConcatenation", "AddConv2D", "AddDepthwiseConv2D", "AddDequantize",
    "AddExpandDims", "AddFullyConnected", "AddGather", "AddLogistic", "AddMaxPool2D", "AddMaximum", "AddMean",
    "AddMinimum", "AddMul", "AddPack", "AddPad", "AddPadV2", "AddQuantize", "AddReduceMax", "AddReduceMin",
    "AddRelu", "AddReshape", "AddRsqrt", "AddSlice", "AddSplit", "AddSplitV", "AddSqrt", "AddSquare",
    "AddSquaredDifference", "AddSqueeze", "AddStridedSlice", "AddSub", "AddSum", "AddTanh", "AddTranspose",
    "AddUnidirectionalSequenceLSTM", "AddUnpack", "AddWhile",
]  # fmt: skip
"""Of https://github.com/tensorflow/tflite-micro/blob/main/tensorflow/lite/micro/micro_mutable_op_resolver.h."""


@pytest.fixture(scope="module")
def folder(exported, tmp_path_factory):
    """A copy, far from everything else."""
    return Path(shutil.copytree(exported[0], tmp_path_factory.mktemp("watch") / "model"))


@pytest.fixture(scope="module")
def windows(folder):
    return np.load(folder / "test_windows.npz")


def run_example(folder, tmp_path, *arguments):
    """`example.py` with nothing but the two packages that it names; its error, or what it prints and says beside."""
    packages = tmp_path / "packages"
    packages.mkdir(exist_ok=True)
    for name in NEEDS:
        there, link = Path(sysconfig.get_path("purelib"), name), packages / name
        if there.exists() and not link.exists():
            link.symlink_to(there)
    code = (
        f"import sys, runpy; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [{str(packages)!r}]\n"
        "try:\n import har_ray\nexcept ModuleNotFoundError: pass\nelse: sys.exit('the project is there')\n"
        f"sys.argv = ['example.py', *{[str(one) for one in arguments]!r}]\n"
        f"runpy.run_path({str(folder / 'example.py')!r}, run_name='__main__')"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stderr if ran.returncode else ran.stdout + ran.stderr


def test_the_scores_of_the_card_come_out_to_the_last_digit(exported, folder, tmp_path):
    said = json.loads(run_example(folder, tmp_path, folder / "test_windows.npz"))
    measured = exported[1]
    assert said == {"windows": 1485, "f1_macro": measured["int8_f1_macro"], "accuracy": measured["int8_accuracy"]}
    assert f"macro F1 {said['f1_macro']} and accuracy {said['accuracy']}." in (folder / "MODEL_CARD.md").read_text()


def write_recording(path, samples):
    """As CSV, its columns in another order than the network's, with one more."""
    names = [f"wrist_{sensor}_{axis}" for sensor in ("acc", "gyr") for axis in "xyz"]
    order = [4, 1, 0, 5, 3, 2]
    lines = [",".join(["time", *(names[i] for i in order)])]
    lines += [",".join(["0", *(repr(float(sample[i])) for i in order)]) for sample in samples]
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(("options", "stride", "last"), [(["--last", "3"], STRIDE, 3), (["--stride", "7"], 7, 1)])
def test_a_recording_gives_a_label_at_every_stride_as_the_library_does(
    folder, windows, options, stride, last, tmp_path
):
    from har_ray.export import int8

    about = json.loads((folder / "model.json").read_text())
    recording = windows["x"][::2][:10].reshape(-1, 6)
    write_recording(tmp_path / "recording.csv", recording)
    *said, length = run_example(folder, tmp_path, tmp_path / "recording.csv", *options).splitlines()
    content = (folder / "model.tflite").read_bytes()
    given = [np.array(about["input"][name], np.float32) for name in ("factor", "offset")]

    def classify(window):
        integers = np.clip(np.rint(window * given[0] + given[1]), -128, 127).astype(np.int8)
        return int(int8.run(content, integers[None]).argmax())

    expected = labels(recording, Stream(classify, window=24, stride=stride, last=last))
    assert said == [f"{samples / 12:.2f} s  {about['classes'][label]}" for samples, label in expected]
    assert len(said) == 1 + (len(recording) - 24) // stride
    assert length == f"{tmp_path / 'recording.csv'}: 240 samples, taken for 20 s at 12 Hz"


def test_what_it_can_not_read_it_says_in_a_line(folder, tmp_path):
    names = [f"wrist_{sensor}_{axis}" for sensor in ("acc", "gyr") for axis in "xyz"]
    texts = {"lacks": ",".join(names[:5]), "empty": f"{','.join(names)}\n1,2,3,4,5,\n", "nan": f"{','.join(names)}\n"
             "1,2,3,4,5,6\n1,2,3,4,5,nan\n"}  # fmt: skip
    said = {}
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
        said[name] = run_example(folder, tmp_path, tmp_path / f"{name}.csv").strip()
    number = f"expected a number in each of {', '.join(names)}"
    assert said == {
        "lacks": f"{tmp_path}/lacks.csv: no column wrist_gyr_z; expected {', '.join(names)}",
        "empty": f"{tmp_path}/empty.csv, line 2: {number}", "nan": f"{tmp_path}/nan.csv, line 3: {number}",
    }  # fmt: skip
    assert run_example(folder, tmp_path, tmp_path / "gone.csv").endswith("gone.csv: no such file\n")
    np.savez(tmp_path / "other.npz", x=np.zeros((2, 20, 6)), y=[0, 1])
    assert "windows of (20, 6); expected (24, 6)" in run_example(folder, tmp_path, tmp_path / "other.npz")
    assert run_example(folder, tmp_path, tmp_path / "nan.csv", "--last", "0").endswith("must be at least 1\n")


def built(folder, build, example="example.c"):
    """The C example, built with a stub of TensorFlow Lite Micro's headers, whose sources are not on PyPI."""
    headers = build / "tensorflow" / "lite"
    (headers / "micro").mkdir(parents=True)
    (headers / "schema").mkdir()
    (headers / "micro" / "micro_interpreter.h").write_text(INTERPRETER)
    (headers / "schema" / "schema_generated.h").write_text("#pragma once\n")
    methods = "\n".join(f"  TfLiteStatus {name}() {{ return kTfLiteOk; }}" for name in METHODS)
    resolver = f"template <unsigned> class MicroMutableOpResolver {{ public:\n{methods}\n}};"
    (headers / "micro" / "micro_mutable_op_resolver.h").write_text(f"#pragma once\nnamespace tflite {{ {resolver} }}\n")
    cc, cxx = COMPILERS
    strict = ["-Wall", "-Wextra", "-Werror", "-O2", "-I", str(build), "-c"]
    for command in (
        [cc, "-std=c99", "-pedantic", *strict, str(folder / example), "-o", "example.o"],
        [cxx, "-std=c++17", *strict, str(folder / "classifier.cc"), "-o", "classifier.o"],
        [cxx, "example.o", "classifier.o", "-lm", "-o", "example"],
    ):
        built = subprocess.run(command, cwd=build, capture_output=True, text=True)
        assert built.returncode == 0, built.stderr
    return build / "example"


@pytest.fixture(scope="module")
def int16_folder(grid, cell_of, tmp_path_factory):
    """LM with values in int16."""
    folder = tmp_path_factory.mktemp("int16")
    row, info = grid.results.row(cell_of("LM")), grid.results.run_info()
    export(grid.results, row, info, Export(activations="int16"), folder, with_windows=True)
    return folder


def test_values_in_int16_score_what_the_card_says(int16_folder, tmp_path):
    said = json.loads(run_example(int16_folder, tmp_path, int16_folder / "test_windows.npz"))
    about, text = (json.loads((int16_folder / "model.json").read_text()), (int16_folder / "MODEL_CARD.md").read_text())
    assert f"macro F1 {said['f1_macro']} and accuracy {said['accuracy']}." in text
    assert "| | float32 | int8 with int16 values: `model.tflite` |" in text
    assert f"--cell {about['cell_id']} --activations int16 --with-test-windows\n" in text
    assert (about["input"]["dtype"], about["measured"]["activations"]) == ("int16", "int16")
    assert about["measured"]["int8_agreement"] >= 0.99


@needs_compilers
@pytest.mark.parametrize("activations", ["int8", "int16"])
def test_the_c_example_gives_the_network_the_same_integers(activations, request, windows, tmp_path):
    """Ring buffer, scaling and rounding, against NumPy; and the majority of the last three labels."""
    folder = request.getfixturevalue("folder" if activations == "int8" else "int16_folder")
    program, limits = built(folder, tmp_path), np.iinfo(activations)
    about = json.loads((folder / "model.json").read_text())
    recording = windows["x"][::2][:10].reshape(-1, 6)
    count = 1 + (len(recording) - 24) // STRIDE
    answers = [(7 * i + i // 3) % 7 for i in range(count)]
    ran = subprocess.run(
        [program], input="\n".join(" ".join(f"{value:.9g}" for value in sample) for sample in recording),
        capture_output=True, text=True, check=True,
        env={"GIVEN": str(tmp_path / "given"), "ANSWERS": "".join(map(str, answers))},
    )  # fmt: skip
    factor, offset = (np.array(about["input"][name], np.float32) for name in ("factor", "offset"))
    integers = np.clip(np.rint(recording * factor + offset), limits.min, limits.max).astype(activations)
    expected = np.stack([integers[STRIDE * i : STRIDE * i + 24] for i in range(count)])
    given = np.fromfile(tmp_path / "given", activations).reshape(-1, 24, 6)
    assert np.array_equal(given, expected)
    stream = Stream(lambda window: answers[stream_calls.pop(0)], window=24, stride=STRIDE, last=LAST)
    stream_calls = list(range(count))
    said = [f"{samples / 12:.2f} s  {about['classes'][label]}" for samples, label in labels(recording, stream)]
    assert ran.stdout.splitlines() == said


AFTER_A_GAP = """
#define main example_main
#include "example.c"
#undef main
int main(void) {
  const float sample[MODEL_CHANNELS] = {0};
  if (classifier_begin() < 0) return 1;
  for (int number = 1; number <= 2 * MODEL_WINDOW + 1; ++number) {
    if (number == MODEL_WINDOW + 2) stream_restart();
    if (stream_push(sample) >= 0) printf("%d\\n", number);
  }
  return 0;
}
"""


@needs_compilers
def test_after_a_gap_no_window_spans_it(folder, tmp_path):
    """A label with sample 24; a sample later a gap, and again a whole window."""
    (folder / "gap.c").write_text(AFTER_A_GAP)
    program = built(folder, tmp_path, "gap.c")
    ran = subprocess.run([program], capture_output=True, text=True, check=True,
                         env={"GIVEN": str(tmp_path / "given"), "ANSWERS": "11"})  # fmt: skip
    assert ran.stdout.split() == ["24", "49"]


def test_the_c_array_is_the_file(folder):
    header = (folder / "model_data.h").read_text()
    values = header.partition("model_data[] = {")[2].partition("}")[0]
    assert (
        bytes(int(value, 16) for value in values.split(",") if value.strip()) == (folder / "model.tflite").read_bytes()
    )


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("CONV_2D", "AddConv2D"), ("UNIDIRECTIONAL_SEQUENCE_LSTM", "AddUnidirectionalSequenceLSTM"),
     ("PADV2", "AddPadV2"), ("REDUCE_MAX", "AddReduceMax"), ("SPLIT_V", "AddSplitV"), ("RSQRT", "AddRsqrt")],
)  # fmt: skip
def test_operators_are_added_by_the_methods_of_the_resolver(operator, expected):
    assert method(operator) == expected
    assert expected in METHODS
