#!/usr/bin/env bash
# Flask-AppBuilder 5.3.0 and Jinja 3.1.6: whether an item is visible is decided once, for all readers.
#
# Flask-AppBuilder's filter is_item_visible asks what the reader may see. Where its arguments are literals, as in
# "can_list"|is_item_visible("DinnerView"), Jinja calls it as it compiles the template and keeps the answer for as long as
# the process lives: the filter does not say that it depends on the context. With a variable it is asked each time. Here a
# guest is the first to read the page; then the administrator does not see the item either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq \
    flask-appbuilder==5.3.0 flask==3.1.3 jinja2==3.1.6 flask-sqlalchemy==3.1.1 "marshmallow==3.26.2"
cd "$folder"
cat >site.py <<'PYTHON'
import logging

from flask import Flask, render_template
from flask_appbuilder import AppBuilder, BaseView, expose, has_access
from flask_login import login_user
from flask_sqlalchemy import SQLAlchemy
from jinja2 import DictLoader

logging.disable(logging.CRITICAL)
LITERALS = '{% if "can_list"|is_item_visible("DinnerView") %}visible{% else %}hidden{% endif %}'
VARIABLE = '{% set view = "DinnerView" %}{% if "can_list"|is_item_visible(view) %}visible{% else %}hidden{% endif %}'


class DinnerView(BaseView):
    default_view = "list"

    @expose("/list/")
    @has_access
    def list(self):
        return "dinners"


def seen_by(source):
    """Return what a guest sees of a template, and then what an administrator sees of it."""
    app = Flask("site")
    app.config.update(SECRET_KEY="x" * 40, SQLALCHEMY_DATABASE_URI="sqlite://")
    app.jinja_loader = DictLoader({"page.html": source})
    db = SQLAlchemy(app)
    with app.app_context():
        appbuilder = AppBuilder(app, db.session)
        appbuilder.add_view(DinnerView, "Dinners")
        sm = appbuilder.sm
        sm.add_user("boss", "Boss", "Doe", "boss@example.com", sm.find_role("Admin"), "dinner at eight")
        for reader in (None, sm.find_user("boss")):
            with app.test_request_context("/"):
                if reader:
                    login_user(reader)
                app.preprocess_request()
                yield render_template("page.html")


if __name__ == "__main__":
    print("with literals:", *seen_by(LITERALS))
    print("with a variable:", *seen_by(VARIABLE))
PYTHON
output=$("$folder/venv/bin/python" -W ignore site.py)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
with literals: hidden hidden
with a variable: hidden visible
EXPECTED
echo "as written here"
