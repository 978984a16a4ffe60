"""Pictures that people send: nothing but the picture is kept, in the size that the column asks for."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageCms

from app.crud import images
from app.errors import DomainError

GPS, DESCRIPTION, ORIENTATION = 0x8825, 0x010E, 0x0112
SECRET = b"Taken by Ada"


def encoded(image, kind, **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def plain(size=(40, 20), mode="RGB", colour="red"):
    return Image.new(mode, size, colour)


def decoded(content):
    return Image.open(BytesIO(content))


def exif(orientation=1):
    data = Image.Exif()
    data[DESCRIPTION], data[ORIENTATION] = SECRET.decode(), orientation
    data.get_ifd(GPS)[1] = "N"
    return data


def profile():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"exif": exif(), "comment": SECRET, "icc_profile": profile()}),
        ("PNG", {"exif": exif(), "icc_profile": profile()}),
        ("WEBP", {"exif": exif(), "xmp": SECRET, "icc_profile": profile()}),
        ("GIF", {"comment": SECRET}),
        ("MPO", {"exif": exif(), "save_all": True, "append_images": [plain(colour="blue")]}),
    ],
)
def test_nothing_but_the_picture_is_kept(kind, options):
    sent = encoded(plain(), kind, **options) + SECRET
    assert SECRET in sent
    kept = images.convert(sent, (30, 30, False), (10, 10, True))
    for content in (kept.content, kept.thumbnail):
        assert SECRET not in content
        assert not {"exif", "comment", "xmp", "icc_profile"} & decoded(content).info.keys()
        assert decoded(content).getpixel((5, 5))[0] > 200


def test_a_picture_that_the_camera_held_sideways_is_upright():
    image = plain((40, 20))
    image.paste("blue", (0, 0, 20, 20))
    upright = decoded(images.convert(encoded(image, "JPEG", exif=exif(6), quality=95)).content)
    assert upright.size == (20, 40)
    assert upright.getpixel((10, 5))[2] > 200
    assert upright.getpixel((10, 35))[0] > 200


@pytest.mark.parametrize(
    ("sent", "size", "kept"),
    [
        ((300, 200), (100, 100, True), (100, 100)),
        ((300, 200), (100, 100, False), (100, 67)),
        ((300, 2), (100, 100, False), (100, 1)),
        ((90, 60), (100, 100, True), (90, 60)),
        ((300, 200), None, (300, 200)),
    ],
)
def test_the_size_is_that_of_flask_appbuilders_columns(sent, size, kept):
    picture = images.convert(encoded(plain(sent), "JPEG"), size, size)
    assert decoded(picture.content).size == kept
    assert decoded(picture.thumbnail).size == kept if size else picture.thumbnail is None


@pytest.mark.parametrize(
    ("image", "kind", "ending"),
    [
        (plain(), "JPEG", "jpg"),
        (plain(mode="L", colour=9), "JPEG", "jpg"),
        (plain(mode="CMYK"), "JPEG", "jpg"),
        (plain(), "PNG", "png"),
        (plain(), "GIF", "jpg"),
        (plain(mode="RGBA", colour=(255, 0, 0, 0)), "WEBP", "png"),
        (plain(), "WEBP", "jpg"),
    ],
)
def test_pictures_become_jpegs_unless_they_are_png_or_transparent(image, kind, ending):
    kept = images.convert(encoded(image, kind))
    assert kept.ending == ending
    assert images.ENDINGS[ending] == images.type_of(kept.content)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_kept(kind):
    moving = encoded(plain(), kind, save_all=True, append_images=[plain(colour="blue")], duration=100)
    kept = decoded(images.convert(moving).content)
    assert getattr(kept, "n_frames", 1) == 1
    assert kept.convert("RGB").getpixel((5, 5))[0] > 200


def test_grey_of_16_bits_keeps_its_shades():
    kept = decoded(images.convert(encoded(Image.new("I;16", (4, 4), 0x4000), "PNG")).content)
    assert kept.convert("L").getpixel((0, 0)) == 0x40


def png_that_claims(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return images.PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("content", [png_that_claims(4001, 4000), png_that_claims(60_000, 60_000)])
def test_a_picture_that_would_fill_the_memory_is_not_decoded(content):
    with pytest.raises(DomainError) as refused:
        images.convert(content, (100, 100, True))
    assert refused.value.message == images.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg onload=alert(1)>",
        b"<html>",
        b"\xff\xd8\xff\xe0",
        b"RIFF\0\0\0\0WEBP",
        images.PNG + b"broken",
        png_that_claims(4, 4),
        encoded(plain(), "JPEG")[:-200],
        # A format that Pillow would read, but browsers would not show.
        encoded(plain(), "PPM"),
    ],
)
def test_what_is_no_image_is_refused(content):
    with pytest.raises(DomainError) as refused:
        images.convert(content)
    assert refused.value.message == images.NOT_AN_IMAGE


# As iPhones and Samsung's phones begin their files.
HEIC = b"\0\0\0\x24ftypheic\0\0\0\0mif1heic"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (HEIC, "HEIC"),
        (HEIC.replace(b"ftypheic", b"ftypmif1"), "HEIC"),
        (encoded(plain(), "AVIF"), "AVIF"),
        (encoded(plain(), "TIFF"), "TIFF"),
    ],
)
def test_a_picture_in_a_format_that_is_not_read_is_refused_with_what_to_do(app, content, named):
    with app.test_request_context(headers={"Accept-Language": "en"}), pytest.raises(DomainError) as refused:
        images.convert(content)
    assert str(refused.value) == (
        f"Pictures in the format {named} cannot be read here. Save or export the picture as JPEG, then choose that file."
    )
