"""The formats of images, by their content, and what cameras write into them about place and owner, removed.

No image is decoded: the parts of the file that are no picture are left out.
"""

import struct
import zlib
from collections.abc import Callable, Iterator

ENDINGS = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
}
TYPES = tuple(dict.fromkeys(ENDINGS.values()))
PNG = b"\x89PNG\r\n\x1a\n"
# The chunks that make the picture, its colours and its animation.
PNG_CHUNKS = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB"),
    *(b"cICP", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT"),
}
WEBP_CHUNKS = {b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"ICCP"}
# In the flags of VP8X: there are EXIF and XMP.
WEBP_METADATA = 0b0000_1100
JPEG_START, JPEG_SCAN = 0xD8, 0xDA
# Of the application segments, JFIF, the colour profile and Adobe's colour transform.
JPEG_SEGMENTS = {0xE0, 0xE2, 0xEE}
JPEG_COMMENT, JPEG_EXIF = 0xFE, 0xE1
ORIENTATION = 0x0112


def type_of(content: bytes) -> str | None:
    """Return the media type of an image, or None."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(PNG):
        return "image/png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def without_metadata(content: bytes) -> bytes | None:
    """Return an image without what is no picture, or None for what is no image."""
    clean = CLEANERS.get(type_of(content) or "")
    try:
        return clean(content) if clean else None
    except (struct.error, IndexError, ValueError):
        return None


def _png(content: bytes) -> bytes:
    parts, place = [PNG], len(PNG)
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind, end = content[place + 4 : place + 8], place + 12 + length
        chunk = content[place:end]
        if len(chunk) != 12 + length or zlib.crc32(chunk[4:-4]) != struct.unpack(">I", chunk[-4:])[0]:
            raise ValueError(kind)
        if kind in PNG_CHUNKS:
            parts.append(chunk)
        # What follows the end is no picture.
        if kind == b"IEND":
            return b"".join(parts)
        place = end
    raise ValueError("the end is missing")


def _jpeg(content: bytes) -> bytes:
    parts, turned = [content[:2]], b""
    for marker, segment in _jpeg_segments(content):
        if marker == JPEG_EXIF:
            turned = turned or _orientation(segment)
        elif marker in JPEG_SEGMENTS or not (0xE0 <= marker <= 0xEF or marker == JPEG_COMMENT):
            parts.append(segment)
    return b"".join([parts[0], turned, *parts[1:]])


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the segments of a JPEG; the last one is the picture."""
    place = 2
    while True:
        if content[place] != 0xFF:
            raise ValueError("no marker")
        marker = content[place + 1]
        (length,) = struct.unpack_from(">H", content, place + 2)
        if marker == JPEG_SCAN:
            yield marker, content[place : content.rindex(b"\xff\xd9") + 2]
            return
        yield marker, content[place : place + 2 + length]
        place += 2 + length


def _orientation(segment: bytes) -> bytes:
    """Return a segment of EXIF with only the orientation of `segment`: without it, the picture may lie on its side."""
    if segment[4:10] != b"Exif\0\0":
        return b""
    data = segment[10:]
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return b""
    (place,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, place)
    for number in range(count):
        tag, _kind, _count, value = struct.unpack_from(f"{order}HHIH", data, place + 2 + 12 * number)
        if tag == ORIENTATION and 1 < value <= 8:
            kept = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, ORIENTATION, 3, 1, value, 0, 0)
            return b"\xff\xe1" + struct.pack(">H", len(kept) + 8) + b"Exif\0\0" + kept
    return b""


def _webp(content: bytes) -> bytes:
    parts, place = [], 12
    (size,) = struct.unpack_from("<I", content, 4)
    end = min(size + 8, len(content))
    while place + 8 <= end:
        kind, (length,) = content[place : place + 4], struct.unpack_from("<I", content, place + 4)
        chunk = content[place : place + 8 + length + length % 2]
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~WEBP_METADATA]) + chunk[9:]
        if kind in WEBP_CHUNKS:
            parts.append(chunk)
        place += len(chunk)
    if not parts:
        raise ValueError("no picture")
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


CLEANERS: dict[str, Callable[[bytes], bytes]] = {
    "image/gif": bytes,
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
}
