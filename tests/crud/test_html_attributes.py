import pytest
from markupsafe import Markup
from wtforms.widgets import html_params as wtforms_html_params

from app.crud.html_attributes import html_params


@pytest.mark.parametrize(
    "attributes",
    [
        {"class_": "wide", "data_label": "a", "aria_label": "b", "for_": "c"},
        {"value": "<b>\"&'", "placeholder": Markup('<i a="1">')},
        {"checked": True, "required": False, "maxlength": 5, "title": None, "x": ""},
        {'a"b': 'c"', "<": True},
    ],
)
def test_attributes_of_fields_are_those_of_wtforms(attributes):
    assert html_params is not wtforms_html_params
    assert html_params(**attributes) == wtforms_html_params(**attributes)
