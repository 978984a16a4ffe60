"""Read and check the configuration of a dashboard. It knows no database and no request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import DomainError


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where: `path` is as in "modules[0].width"; `line` and `column` count from 1, 0 if unknown."""

    message: str
    path: str = ""
    line: int = 0
    column: int = 0


class ConfigurationProblemsError(DomainError):
    """A configuration has problems. `problems` are in the order of the text."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems[0].message, field="configuration")
        self.problems = problems


def parse(text: bytes | str) -> dict[str, Any]:
    """Return the configuration in a JSON text. Raises ConfigurationProblemsError with what is wrong and where."""


def check(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with all defaults. Raises ConfigurationProblemsError."""


def dump(configuration: Mapping[str, Any]) -> str:
    """Return a configuration as people edit it."""


def empty(layout: str = "grid") -> dict[str, Any]:
    """Return a configuration without modules."""
    return {"version": 1, "layout": layout, "modules": []}
