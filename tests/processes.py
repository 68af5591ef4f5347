"""Processes of a Ray that a test has started, among those of all others on this machine."""

import psutil


def ray_processes(driver: int, *names: str) -> list[psutil.Process]:
    """Those that Ray has started for a driver and calls `ray::NAME…`."""
    of_driver = {process.pid for process in psutil.Process(driver).children(recursive=True)}
    titles = tuple(f"ray::{name}" for name in names)
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.pid in of_driver and (process.info["cmdline"] or [""])[0].startswith(titles)
    ]
