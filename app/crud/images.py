"""Pictures that people send: decoded within bounds, scaled, and written anew, so that nothing but the picture is left.

Of an animation the first frame is kept: movement that cannot be stopped keeps people from reading.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.errors import DomainError

if TYPE_CHECKING:
    # Imported where it is used: most requests need no picture decoded.
    from PIL.Image import Image

TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
ENDINGS = {"jpg": TYPES[0], "jpeg": TYPES[0], "png": TYPES[1], "gif": TYPES[2], "webp": TYPES[3]}
PNG = b"\x89PNG\r\n\x1a\n"
# As many bytes of a file as `type_of` reads.
START = 12
# Measured: Pillow takes up to 250 MB for a moment for so many pixels. Of a JPEG, it decodes only as many as are needed.
MEGAPIXEL = 1_000_000
MAX_MEGAPIXELS, MAX_JPEG_MEGAPIXELS = 16, 50
JPEG_QUALITY = 85
# Pillow's names. Phones write MPO, a JPEG with another one behind it.
JPEGS = {"JPEG", "MPO"}
# Others that people send: where their signature stands, and what it is. Measured in 2026: a reader of HEIC, pi-heif, takes
# 4 MB and 85 ms to import, but is released half a year behind libheif, and would decode what strangers send.
OTHERS = {
    "HEIC": (
        slice(4, 12),
        {b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1")},
    ),
    "AVIF": (slice(4, 12), {b"ftypavif", b"ftypavis"}),
    "TIFF": (slice(4), {b"II*\0", b"MM\0*"}),
}
NOT_AN_IMAGE = lazy_gettext("This is not an image. Choose a file in the format JPEG, PNG, GIF or WebP.")
TOO_MANY_PIXELS = lazy_gettext("This image has too many pixels. Make it smaller, or choose another one.")

# As Flask-AppBuilder's: a width, a height, and whether the picture is cut to exactly these.
Size = tuple[int, int, bool]


@dataclass(frozen=True)
class Picture:
    """A picture as it is stored. `ending` is that of its format."""

    content: bytes
    thumbnail: bytes | None
    ending: str


def type_of(content: bytes) -> str | None:
    """Return the media type of an image by its beginning, or None."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(PNG):
        return "image/png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if content[:4] == b"RIFF" and content[8:START] == b"WEBP" else None


def convert(content: bytes, size: Size | None = None, thumbnail_size: Size | None = None) -> Picture:
    """Return the image in `content` as a picture of at most `size`. Raises DomainError for anything else."""
    if type_of(content) is None:
        raise DomainError(_other_format(content) or NOT_AN_IMAGE)
    image, is_png = _decode(content, max((0, *(size or ())[:2], *(thumbnail_size or ())[:2])))
    ending = "png" if is_png or image.mode == "RGBA" else "jpg"
    thumbnail = _encode(_scale(image, thumbnail_size)) if thumbnail_size else None
    return Picture(_encode(_scale(image, size), ending), thumbnail, ending)


def _other_format(content: bytes) -> str | None:
    """Return what to do with a picture in a format that is not read, or None for what is no picture."""
    for name, (place, signatures) in OTHERS.items():
        if content[place] in signatures:
            return _(
                "Pictures in the format %(format)s cannot be read here. Save or export the picture as JPEG, then choose that"
                " file.",
                format=name,
            )
    return None


def _decode(content: bytes, longest: int) -> tuple["Image", bool]:
    """Return the upright picture as RGB or RGBA without anything else, and whether it was a PNG.

    It is no larger than needed for a side of `longest`, if that is not 0.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(BytesIO(content), formats=("JPEG", "PNG", "GIF", "WEBP")) as opened:
            _refuse_many_pixels(opened, is_reduced=bool(longest) and opened.format in JPEGS)
            is_png, profile = opened.format == "PNG", opened.info.get("icc_profile")
            if longest:
                opened.draft(None, (longest, longest))
            ImageOps.exif_transpose(opened, in_place=True)
            image = _in_screen_colours(_reduce(opened, longest), profile)
    except DomainError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DomainError(TOO_MANY_PIXELS) from error
    # Pillow's decoders raise whatever a broken file makes them stumble over.
    except Exception as error:
        raise DomainError(NOT_AN_IMAGE) from error
    # Some of it would be written into the new file: comments, profiles.
    image.info.clear()
    return image, is_png


def _refuse_many_pixels(image: "Image", *, is_reduced: bool) -> None:
    most = MAX_JPEG_MEGAPIXELS if is_reduced else MAX_MEGAPIXELS
    if image.width * image.height > most * MEGAPIXEL:
        raise DomainError(TOO_MANY_PIXELS)


def _reduce(image: "Image", longest: int) -> "Image":
    """Return the picture quickly reduced by a whole number, to no less than `longest`, so that copies are small."""
    if longest and not image.mode.startswith(("P", "1", "I")):
        factor = min(image.width, image.height) // longest
        if factor > 1:
            return image.reduce(factor)
    image.load()
    return image


def _in_screen_colours(image: "Image", profile: bytes | None) -> "Image":
    """Return a picture as RGB, or RGBA if it is transparent somewhere. The colours of `profile` become those of sRGB."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode.startswith("I"):
        # 16 bits of grey; converting them to 8 would cut off all but the darkest.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if profile and image.mode in {"RGB", "RGBA", "CMYK"}:
        image = _from_profile(image, profile)
    return image if image.mode == mode else image.convert(mode)


def _from_profile(image: "Image", profile: bytes) -> "Image":
    """Return the picture in sRGB: without its profile, which names the camera, the colours of many would be dull."""
    from PIL import ImageCms

    try:
        transformed: Any = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGBA" if image.mode == "RGBA" else "RGB",
        )
    except (ImageCms.PyCMSError, OSError):
        return image
    return transformed if transformed is not None else image


def _scale(image: "Image", size: Size | None) -> "Image":
    """Return the picture in a size, or as it is if it is smaller. As in Flask-AppBuilder, `size` may ask to cut it."""
    from PIL import Image, ImageOps

    if size is None or (image.width <= size[0] and image.height <= size[1]):
        return image
    width, height, cuts = size
    if cuts:
        return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    scaled = image.copy()
    scaled.thumbnail((width, height), Image.Resampling.LANCZOS)
    return scaled


def _encode(image: "Image", ending: str | None = None) -> bytes:
    """Return the picture as a file: a JPEG, unless it is transparent or another format is asked for."""
    buffer = BytesIO()
    if ending == "png" or image.mode == "RGBA":
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "JPEG", quality=JPEG_QUALITY, progressive=True)
    return buffer.getvalue()
