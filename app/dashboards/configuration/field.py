"""The form field of a configuration as JSON text."""

from typing import Any

from flask_babel import gettext as _

from app.crud.fields import JsonField
from app.dashboards.configuration import checking as configurations
from app.dashboards.configuration.checking import ConfigurationProblemsError
from app.dashboards.configuration.json_text import Problem


class ConfigurationField(JsonField):
    """A configuration; `data` has its defaults. Each of its `problems` is an error with line and path.

    What stands beside a configuration in a file may be there, too: `beside` has it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.problems: list[Problem] = []
        self.beside: dict[str, Any] = {}

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data, self.problems, self.beside = None, [], {}
        if not valuelist:
            return
        try:
            self.beside, self.data = configurations.split(configurations.parse(valuelist[0]))
        except ConfigurationProblemsError as error:
            self.problems = error.problems
            *others, last = map(described, error.problems)
            self.process_errors.extend(others)
            raise ValueError(last) from error


def described(problem: Problem) -> str:
    """Return a problem with its place, in one sentence."""
    if problem.line and problem.path:
        place = {"line": problem.line, "column": problem.column, "path": problem.path}
        return _("Line %(line)d, column %(column)d, %(path)s: %(problem)s", problem=problem.message, **place)
    if problem.line:
        place = {"line": problem.line, "column": problem.column}
        return _("Line %(line)d, column %(column)d: %(problem)s", problem=problem.message, **place)
    return f"{problem.path}: {problem.message}" if problem.path else problem.message
