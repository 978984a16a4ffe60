"""Modules that run when something of them is used first, because most processes never use them.

`import yaml` and `from app.calendar import ics` bind such a module without running it; `from yaml import safe_load` runs
it at once. Modules that declare tables, connect signals or register anything when they are imported cannot be late.
Python's own LazyLoader is not safe with threads before 3.12.3.
"""

import gc
import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

NAMES = frozenset(
    {
        "app.accounts.passkeys.service",
        "app.i18n.files",
        "app.parties.calendar.ics",
        "app.parties.rsvps.calendar_replies",
        "app.setup",
        "email_validator",
        "jsonschema",
        "pyotp",
        "segno",
        # Imported by Flask-AppBuilder, and by what it imports.
        "PIL.Image",
        "PIL.ImageOps",
        "dateutil.parser",
        "limits.aio",
        "pdb",
        "yaml",
    }
)
# What the import system looks at. It asks a package for __path__ to import what is in it, which runs the package.
METADATA = frozenset({"__class__", "__file__", "__loader__", "__name__", "__package__", "__spec__"})


class LateModule(ModuleType):
    """A module that has not run yet."""

    def __getattribute__(self, name: str) -> object:
        if name not in METADATA:
            self.__spec__.loader.run(self)  # type: ignore[union-attr]
        # Not super(): the class may have changed.
        return ModuleType.__getattribute__(self, name)


class LateLoader(Loader):
    """Runs a module once, for the first thread that uses it; others wait."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._lock = threading.RLock()
        self._is_begun = False

    def __getattr__(self, name: str) -> object:
        """Return what only the loader of the file has, such as `get_resource_reader`."""
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        """Do not run `module` yet."""
        module.__class__ = LateModule

    def run(self, module: ModuleType) -> None:
        """Run `module`, unless this thread is doing so. What fails is tried again at the next use."""
        with self._lock:
            if self._is_begun:
                return
            self._is_begun = True
            try:
                self._loader.exec_module(module)
            except BaseException:
                self._is_begun = False
                raise
            module.__class__ = ModuleType


class LateFinder(MetaPathFinder):
    """Finds the modules of NAMES."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what Python itself finds, to be loaded late."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname in NAMES else None
        if spec is not None and spec.loader is not None:
            spec.loader = LateLoader(spec.loader)
        return spec


def has_run(name: str) -> bool:
    """Whether a module has run, late or not."""
    return name in sys.modules and type(sys.modules[name]) is not LateModule


class UUIDTypeByName:
    """Equals UUIDType of sqlalchemy_utils, with which Flask-AppBuilder compares the classes of columns."""

    MODULE = "sqlalchemy_utils.types.uuid"

    def __eq__(self, other: object) -> bool:
        return (getattr(other, "__module__", ""), getattr(other, "__name__", "")) == (self.MODULE, "UUIDType")

    __hash__ = object.__hash__


def _import_flask_appbuilder() -> None:
    """Import Flask-AppBuilder without sqlalchemy_utils, 75 modules of which it needs that name only."""
    if UUIDTypeByName.MODULE not in sys.modules:
        stand_in = ModuleType(UUIDTypeByName.MODULE)
        stand_in.__dict__["UUIDType"] = UUIDTypeByName()
        sys.modules[UUIDTypeByName.MODULE] = stand_in
        try:
            import flask_appbuilder  # noqa: F401
        finally:
            del sys.modules[UUIDTypeByName.MODULE]


# What a start makes stays: the collector would look for garbage 700 times and find none. Neither does a page make much.
gc.set_threshold(20_000)
sys.meta_path.insert(0, LateFinder())
_import_flask_appbuilder()
