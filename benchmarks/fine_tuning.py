"""What fine-tuning of int8 files (or int16, for values) gains by what it lessens, on validation windows.

    python -m benchmarks.fine_tuning RESULTS --variants LM-Att,RAB-KD --epochs 8

Lost: points of macro F1, float minus file. The file is run by TensorFlow Lite Micro's interpreter.
"""

import argparse
from typing import get_args

import numpy as np
import torch

from analysis.load import load_results
from har_ray.export.floats import run_float
from har_ray.export.int8 import run
from har_ray.export.int8.model import OWN, Calibrated
from har_ray.export.trained import load_trained
from har_ray.export.training_loss import training_loss
from har_ray.metrics.f1_macro import MacroF1
from har_ray.store.exports import Activations
from har_ray.store.results import ResultStore

WAYS = {"rounded alone": None, "own logits": (False, 1.0), "training losses": (True, 0.0), "both": (True, 1.0),
        f"both, own logits times {OWN:g}": (True, OWN)}  # fmt: skip
"""Each with whether it lessens the losses that the cell was trained by, and how much its own logits count."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("results", metavar="RESULTS")
    parser.add_argument("--variants", metavar="V,…", required=True)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--activations", choices=get_args(Activations), default="int8")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results, store, score = load_results(options.results), ResultStore(options.results), MacroF1()
    print("| variant | fold | lessened | lost | as the float network |\n| --- | --- | --- | --- | --- |")
    for cell in results.cells:
        if cell.state != "completed" or cell.key.variant not in options.variants.split(","):
            continue
        trained = load_trained(store, cell.row, results.info)
        windows, labels = trained.val.x, trained.val.y
        reference, trained_by = run_float(trained, windows), training_loss(store, results.info, trained)
        for way, how in WAYS.items():
            scaler = (trained.mean, trained.std)
            about = trained.network, trained.shape, scaler, trained.train.x, options.activations, trained.model
            ready = Calibrated(*about)
            share = ready.share(windows, reference)
            if how is None:
                ready.round(share)
            else:
                ready.tune(share, options.epochs, trained_by if how[0] else None, how[1])
            model = ready.file(share)
            logits = run(model.content, model.integers(windows))
            lost = 100 * (score(labels, reference) - score(labels, logits))
            agreement = 100 * np.mean(logits.argmax(1) == reference.argmax(1))
            print(f"| {cell.key.variant} | {cell.key.fold} | {way} | {lost:.2f} | {agreement:.2f} % |", flush=True)


if __name__ == "__main__":
    main()
