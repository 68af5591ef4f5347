"""What rounding to int8 costs by how ranges are chosen and weights are rounded, on validation windows.

    python -m benchmarks.int8 RESULTS                        # every confirm cell of a finished grid
    python -m benchmarks.int8 RESULTS --variants DS-CNN,LM --cells 5

Off by: the root mean square of the differences of probabilities between the file, in TensorFlow Lite Micro's
interpreter, and the float network. Share: of the training windows that a range holds; `chosen` is what an export does,
which chooses the share on these very windows, so its figure is a little too good.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import torch

from analysis.load import load_results
from har_ray.export.floats import run_float
from har_ray.export.int8 import run
from har_ray.export.int8.calibration import SHARES
from har_ray.export.int8.graph import Array
from har_ray.export.int8.model import Calibrated
from har_ray.export.trained import Trained, load_trained
from har_ray.store.results import ResultStore


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("results", metavar="RESULTS")
    parser.add_argument("--variants", metavar="V,…", help="these alone")
    parser.add_argument("--cells", type=int, metavar="N", help="of each variant so many at most")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results, store = load_results(options.results), ResultStore(options.results)
    wanted = options.variants.split(",") if options.variants else None
    cells = defaultdict(list)
    for cell in results.cells:
        if cell.state == "completed" and (wanted is None or cell.key.variant in wanted):
            cells[cell.key.variant].append(cell.row)
    print("| variant | cells | weights | share | off by | as the float network |")
    print("| --- | --- | --- | --- | --- | --- |")
    for variant, rows in cells.items():
        found = defaultdict(list)
        for row in rows[: options.cells]:
            for way, logits, reference in ways(load_trained(store, row, results.info)):
                found[way].append((off_by(logits, reference), (logits.argmax(1) == reference.argmax(1)).mean()))
        for (weights, share), measured in sorted(found.items()):
            off, agreement = np.mean(measured, axis=0)
            print(f"| {variant} | {len(measured)} | {weights} | {share} | {off:.4f} | {100 * agreement:.2f} % |")


def ways(trained: Trained) -> Iterator[tuple[tuple[str, str], Array, Array]]:
    """Each way with its logits and the float network's, (N, K), of the validation windows."""
    windows = trained.val.x
    reference = run_float(trained, windows)

    def calibrated() -> Calibrated:
        return Calibrated(
            trained.network, trained.shape, (trained.mean, trained.std), trained.train.x, kind=trained.model
        )

    def logits(ready: Calibrated, share: float) -> Array:
        model = ready.file(share)
        return run(model.content, model.integers(windows))

    plain = calibrated()
    chosen = plain.share(windows, reference)
    for share in SHARES:
        yield ("nearest step", f"{share:g}"), logits(plain, share), reference
    for share in SHARES:
        ready = calibrated()
        ready.round(share)
        found = logits(ready, share)
        yield ("rounded together", f"{share:g}"), found, reference
        if share == chosen:
            yield ("rounded together", "chosen"), found, reference


def off_by(logits: Array, reference: Array) -> float:
    """Root mean square over windows and classes."""
    odds = [torch.softmax(torch.from_numpy(one), dim=1).numpy() for one in (logits, reference)]
    return float(np.sqrt(np.square(odds[0] - odds[1]).mean()))


if __name__ == "__main__":
    main()
