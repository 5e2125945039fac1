"""Where and how busy: what a time is worth nothing without."""

import os
import platform
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / name) for name in ("LDCTBoneDensity", "Lab", "Testing/helpers")]


def describe() -> str:
    """Return processor, cores, load and thread setting in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    threads = os.environ.get("OMP_NUM_THREADS", "unset")
    python = platform.python_version()
    return f"{model}, {os.cpu_count()} cores{load}, OMP_NUM_THREADS {threads}, Python {python}, {platform.system()}"


def usual_load() -> str:
    """Return a warning where other work takes the cores, else nothing."""
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5 * (os.cpu_count() or 1):
        return "The machine is busy with other work: look at processor time and ratios, not at wall time."
    return ""
