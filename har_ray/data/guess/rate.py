"""At which rate rows come, as the reader finds it, and how windows are cut at it."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median

from pydantic import ValidationError

from har_ray.data.faults import by_cause
from har_ray.data.guess.answers import Answer, Guess
from har_ray.data.guess.time import Stamps, said_rate
from har_ray.data.own.look import look
from har_ray.data.own.steps import RATE_TOLERANCE, rounded
from har_ray.data.own.table import Table, TableFile
from har_ray.data.windows import samples
from har_ray.errors import DataError

WINDOW_S, STRIDE_S = 2, 1
PRESET = "all"
USUAL_HZ = (10, 12.5, 16, 20, 25, 30, 32, 40, 50, 60, 64, 100, 128, 200)
NEARLY = 0.01
"""A rate so near to a whole number is meant to be that."""
UNTOLD_HZ = 50
"""Where nothing tells the rate."""


def put_rate(found: Guess, stamps: Mapping[str, Stamps], root: Path) -> None:
    """Adds the rate and a preset.

    Args:
        stamps: source → the time in its files.
    """
    first = next(iter(found.parts.sources.values()))
    first_stamps = next(iter(stamps.values()))
    told = [one.time for one in stamps.values() if "column" in one.time]
    preset: dict[str, object] = {"window_s": WINDOW_S, "stride_s": STRIDE_S}
    found.content["presets"] = {PRESET: preset}
    if len(told) == len(stamps):
        found.content["rate_hz"], preset["rate_hz"] = "auto", UNTOLD_HZ
    elif "start" in first_stamps.time:
        found.content["rate_hz"], preset["rate_hz"] = {"line": 2, "column": 1}, UNTOLD_HZ
    else:
        said = said_rate(first[0])
        question = "" if said else f"{first_stamps.question}: how many rows per second?"
        rate_hz = said[0] if said else UNTOLD_HZ
        found.put(("rate_hz",), Answer(rate_hz, question, f"as {said[1]!r} says" if said else ""))
    rates, faults = _rates(found, root)
    found.faults += [fault for fault in faults if fault not in found.faults]
    rates = rates or [rounded(rate_hz) for rate_hz in first_stamps.rates_hz]
    if not rates:
        return
    slowest = min(rates)
    if found.content["rate_hz"] == "auto" and max(rates) <= (1 + RATE_TOLERANCE) * slowest:
        found.content["rate_hz"] = _whole(median(rates))
        del preset["rate_hz"]
    rate_hz = found.content["rate_hz"]
    if not isinstance(rate_hz, float | int):
        same = max(rates) == slowest and _cuts(slowest)
        preset["rate_hz"] = _plain(slowest) if same else _slower(slowest)
        if rate_hz == "auto":
            found.notes["rate_hz",] = f"files come at {slowest:g} to {max(rates):g} Hz; windows are resampled"
    elif not _cuts(rate_hz):
        preset["rate_hz"] = _slower(rate_hz)


def _rates(found: Guess, root: Path) -> tuple[list[float], list[str]]:
    """The rates at which the first rows of all files come, of joined ones of the fastest source; and what is wrong."""
    try:
        spec = found.readable
    except ValidationError as error:
        return [], [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    table = Table(PRESET, root, spec, {}, {})
    rates: dict[str, list[float]] = {}
    faults: list[tuple[object, str]] = []
    for name, heads in found.parts.sources.items():
        for head in heads:
            try:
                rate_hz = look(TableFile(table, name, head.path), even=spec.sources is None)
            except DataError as error:
                faults.append((head.path, str(error)))
                continue
            if rate_hz:
                rates.setdefault(name, []).append(rate_hz)
    return max(rates.values(), key=median, default=[]), by_cause(faults)


def _whole(rate_hz: float) -> float | int:
    whole = round(rate_hz)
    return whole if whole and abs(rate_hz / whole - 1) <= NEARLY else _plain(rounded(rate_hz))


def _plain(rate_hz: float) -> float | int:
    return int(rate_hz) if float(rate_hz).is_integer() else rate_hz


def _cuts(rate_hz: float) -> bool:
    try:
        return bool(samples(WINDOW_S, rate_hz) and samples(STRIDE_S, rate_hz))
    except ValueError:
        return False


def _slower(rate_hz: float) -> float:
    """The usual rate that files of this one can be resampled to, whose windows are whole."""
    return next((one for one in reversed(USUAL_HZ) if one <= rate_hz * (1 + NEARLY) and _cuts(one)), USUAL_HZ[0])
