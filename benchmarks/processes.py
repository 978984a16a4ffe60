"""What processes take: processor time to the nanosecond, and memory. Linux only."""

import contextlib
import re
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

PROC = Path("/proc")


def cpu_seconds(process: int) -> float:
    """Return the processor time of all threads of a process so far; 0 if it has ended."""
    # The clock of another process, as clock_getcpuclockid(3) makes it: /proc counts hundredths only.
    with contextlib.suppress(OSError):
        return time.clock_gettime((~process << 3) | 2)
    return 0.0


def tree(process: int) -> list[int]:
    """Return a process and those that it has started, and so on."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process)
        return [process, *(child.pid for child in parent.children(recursive=True))]
    return []


def database_seconds(postmaster: int) -> float:
    """Return the processor time of all processes of a database server, also of those that have ended."""
    children = (PROC / str(postmaster) / "task" / str(postmaster) / "children").read_text().split()
    ended = psutil.Process(postmaster).cpu_times()
    return sum(map(cpu_seconds, map(int, children))) + ended.children_user + ended.children_system


def proportional_mb(processes: Iterable[int]) -> float:
    """Return the memory of processes (PSS): what several share is divided among them."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+)", (PROC / str(process) / "smaps_rollup").read_text(), re.MULTILINE)
            total += int(found[1]) if found else 0
    return total / 1024
