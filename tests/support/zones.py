"""Time zone rules of two ages, as files that a test writes: what a machine has before and after an upgrade."""

import contextlib
import os
import struct
from collections.abc import Iterator, Mapping
from multiprocessing.synchronize import Barrier
from pathlib import Path

from app import zone_rules
from tests.support.processes import CONTEXT, start_process

OLD, NEW = "2025b", "2026f"
# Rules as POSIX writes them: what held for these zones in 2025b, and what holds since 2026.
RULES = {
    OLD: {
        "America/Vancouver": "PST8PDT,M3.2.0,M11.1.0",
        "America/Havana": "CST5CDT,M3.2.0/0,M11.1.0/1",
        "Africa/Casablanca": "<+01>-1",
        "Europe/Chisinau": "EET-2EEST,M3.5.0,M10.5.0/3",
        "Europe/Dublin": "IST-1GMT0,M10.5.0,M3.5.0/1",
    },
    NEW: {
        "America/Vancouver": "<-07>7",
        "America/Havana": "<-04>4",
        "Africa/Casablanca": "<+00>0",
        "Europe/Chisinau": "EET-2EEST,M3.5.0/3,M10.5.0/4",
        "Europe/Dublin": "IST-1GMT0,M10.5.0,M3.5.0/1",
    },
}


def write(folder: Path, version: str, rules: Mapping[str, str]) -> Path:
    """Write zones into `folder`, as an operating system has them; return the folder."""
    for name, rule in rules.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_tzif(rule))
    if version:
        (folder / "tzdata.zi").write_text(f"# version {version}\n", encoding="ascii")
    return folder


@contextlib.contextmanager
def in_use(folder: Path, version: str) -> Iterator[None]:
    """Use the rules of `version` inside the block, in this process."""
    zone_rules.use_newest([write(folder / version, version, RULES[version])])
    try:
        yield
    finally:
        zone_rules.use_newest()


def derive_at_once(database_url: str, folder: Path) -> set[int | None]:
    """Derive the coming parties anew on two machines with rules of both ages, at the same time; return their exit codes."""
    barrier = CONTEXT.Barrier(len(RULES))
    settings = {"DATABASE_URL": database_url, "INSTANCE_PATH": str(folder)}
    machines = [
        CONTEXT.Process(target=_be_machine, args=(settings, write(folder / version, version, rules), barrier))
        for version, rules in RULES.items()
    ]
    for machine in machines:
        start_process(machine)
    for machine in machines:
        machine.join()
    return {machine.exitcode for machine in machines}


def _be_machine(settings: dict[str, str], folder: Path, barrier: Barrier) -> None:
    # Imported in the process, which has loaded the application already.
    from app import create_app
    from app.parties.hosting import clock_changes

    os.environ.update(settings)
    zone_rules.use_newest([folder])
    with create_app().app_context():
        barrier.wait()
        for _round in range(3):
            clock_changes.derive_anew()


def _tzif(rule: str) -> bytes:
    """Return a file of a zone that has always followed `rule` (RFC 9636): one type of local time, and the rule as footer."""
    header = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    block = struct.pack(">lbB", 0, 0, 0) + b"LMT\0"
    return header + block + header + block + b"\n" + rule.encode() + b"\n"
