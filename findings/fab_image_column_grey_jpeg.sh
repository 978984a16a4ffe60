#!/usr/bin/env bash
# An ImageColumn of Flask-AppBuilder 5.3.0 cannot store a photograph in grey, and stores one that was taken upright on its side.
#
# Its ImageManager scales a picture to the `size` of the column. It converts every picture that is not RGB to RGBA, and
# writes everything but PNG as JPEG, which has no RGBA: Pillow 13.0.0 raises OSError. The orientation that a camera notes
# in EXIF is neither applied nor kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check install -qq \
    flask-appbuilder==5.3.0 flask==3.1.3 flask-sqlalchemy==3.1.1 pillow==13.0.0 \
    marshmallow==3.26.2 marshmallow-sqlalchemy==1.5.0
cat >"$folder/site.py" <<'PYTHON'
import sys
from io import BytesIO
from pathlib import Path

from flask import Flask
from flask_appbuilder.filemanager import ImageManager
from PIL import Image
from werkzeug.datastructures import FileStorage

ORIENTATION, TURNED = 0x0112, 6
uploads = Path(sys.argv[1])
app = Flask("site")
app.config.update(IMG_UPLOAD_FOLDER=f"{uploads}/", IMG_UPLOAD_URL="/img/", UPLOAD_FOLDER=f"{uploads}/")


def stored(image, **options):
    sent = BytesIO()
    image.save(sent, "JPEG", **options)
    sent.seek(0)
    manager = ImageManager()
    # As the field of an ImageColumn(size=(100, 100, False)) calls it.
    name = manager.save_file(FileStorage(sent, "photo.jpg"), "photo.jpg", (100, 100, False), (20, 20, True))
    with Image.open(uploads / name) as kept:
        return f"{kept.width} x {kept.height}, orientation {kept.getexif().get(ORIENTATION)}"


with app.app_context():
    try:
        print("grey:", stored(Image.new("L", (400, 200))))
    except OSError as error:
        print("grey:", error)
    exif = Image.Exif()
    exif[ORIENTATION] = TURNED
    print("upright, 200 x 400 as a person sees it:", stored(Image.new("RGB", (400, 200)), exif=exif))
PYTHON
output=$("$folder/venv/bin/python" -W ignore "$folder/site.py" "$folder")
echo "$output"
diff <(echo "$output") - <<'EXPECTED'
grey: cannot write mode RGBA as JPEG
upright, 200 x 400 as a person sees it: 100 x 50, orientation None
EXPECTED
echo "as written here"
