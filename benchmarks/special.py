"""What is no round of requests."""

from benchmarks.rows import Target

NAMES: dict = {}
TARGETS: dict[str, tuple[Target, ...]] = {}
