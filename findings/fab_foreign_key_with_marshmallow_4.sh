#!/usr/bin/env bash
# Flask-AppBuilder 5.3.0 allows marshmallow 4, but cannot register an API that has a foreign-key column with it.
#
# pip takes marshmallow 4.4.0 and marshmallow-sqlalchemy 1.6.0 for Flask-AppBuilder 5.3.0 without a complaint. A
# ModelRestApi whose columns have a foreign key then fails as it is added, with KeyError and the column's name. With
# marshmallow 3.26.2 and marshmallow-sqlalchemy 1.5.0 the same API is added.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat >"$folder/site.py" <<'PYTHON'
import importlib.metadata
import logging

from flask import Flask
from flask_appbuilder import AppBuilder, Model, ModelRestApi
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, ForeignKey, Integer, String

logging.disable(logging.CRITICAL)


class House(Model):
    __tablename__ = "house"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))


class Dinner(Model):
    __tablename__ = "dinner"
    id = Column(Integer, primary_key=True)
    house_id = Column(Integer, ForeignKey("house.id"))


class DinnerApi(ModelRestApi):
    datamodel = SQLAInterface(Dinner)
    list_columns = show_columns = add_columns = edit_columns = ["house_id"]


app = Flask("site")
app.config.update(SECRET_KEY="x" * 40, JWT_SECRET_KEY="x" * 40, SQLALCHEMY_DATABASE_URI="sqlite://")
db = SQLAlchemy(app)
with app.app_context():
    appbuilder = AppBuilder(app, db.session)
    try:
        appbuilder.add_api(DinnerApi)
        seen = "added"
    except Exception as error:
        seen = repr(error)
print(f"marshmallow {importlib.metadata.version('marshmallow')}: {seen}")
PYTHON

seen() {
    "$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq \
        flask-appbuilder==5.3.0 flask==3.1.3 flask-sqlalchemy==3.1.1 "marshmallow==$1" "marshmallow-sqlalchemy==$2"
    "$folder/venv/bin/python" -m pip --disable-pip-version-check check
    "$folder/venv/bin/python" -W ignore "$folder/site.py"
}

output=$(seen 3.26.2 1.5.0; seen 4.4.0 1.6.0)
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
No broken requirements found.
marshmallow 3.26.2: added
No broken requirements found.
marshmallow 4.4.0: KeyError('house_id')
EXPECTED
echo "as written here"
