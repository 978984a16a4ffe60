"""The shared bases of the generated UI: what Flask-AppBuilder does unsafely is mended here, once for all views."""

from app.crud.api import JsonErrorResponses, ModelRestApi
from app.crud.datamodel import SQLAInterface
from app.crud.views import BaseView, ModelView

__all__ = ["BaseView", "JsonErrorResponses", "ModelRestApi", "ModelView", "SQLAInterface"]
