"""The base classes of views and APIs. They replace the parts of Flask-AppBuilder that are unsafe or unbounded."""

from app.crud.api import ModelRestApi
from app.crud.api_errors import JsonErrorResponses
from app.crud.cascades import AJAXSelectField
from app.crud.chart_views import ChartView, DirectByChartView, DirectChartView, GroupByChartView, TimeChartView
from app.crud.composite_views import CompactCRUDMixin, MasterDetailView, MultipleView
from app.crud.datamodel import SQLAInterface
from app.crud.form_views import IndexView, PublicFormView, SimpleFormView
from app.crud.views import BaseView, ModelView

__all__ = [
    "AJAXSelectField",
    "BaseView",
    "ChartView",
    "CompactCRUDMixin",
    "DirectByChartView",
    "DirectChartView",
    "GroupByChartView",
    "IndexView",
    "JsonErrorResponses",
    "MasterDetailView",
    "ModelRestApi",
    "ModelView",
    "MultipleView",
    "PublicFormView",
    "SQLAInterface",
    "SimpleFormView",
    "TimeChartView",
]
