"""What this machine is."""

import platform
from functools import cache
from pathlib import Path


@cache
def processor() -> str:
    """The processor's name, e.g. `AMD EPYC 7763`."""
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
