"""The base classes of views and APIs. They replace the parts of Flask-AppBuilder that are unsafe or unbounded."""

from app.crud.api import JsonErrorResponses, ModelRestApi
from app.crud.datamodel import SQLAInterface
from app.crud.views import BaseView, ModelView

__all__ = ["BaseView", "JsonErrorResponses", "ModelRestApi", "ModelView", "SQLAInterface"]
