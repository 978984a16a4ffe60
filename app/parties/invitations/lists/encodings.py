"""The encoding of text that does not say it.

Statistics of letters need more text than a list of guests has. So each encoding is tried that people's programs write,
and scored: known column titles are the best evidence, then words whose letters belong to one language; signs and
capitals in the middle of words speak against it.
"""

import codecs
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache

from .columns import roles_of

# Bytes that are tried in each encoding, and lines in which titles may stand.
SAMPLE, HEAD = 16_000, 4
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The letters beyond ASCII of each language: frequent ones, then others.
LETTERS = {
    "es": ("áéíóúñ", "üç"),
    "fr": ("éèçêëï", "àâîôûùœæÿü"),
    "de": ("äöüß", "é"),
    "it": ("àèéìòù", "îó"),
    "pt": ("ãáçéíó", "âàêôõúü"),
    "nl": ("ëé", "ïöüèá"),
    "sv": ("åäö", "éü"),
    "da": ("æøå", "éö"),
    "fi": ("äö", "åšž"),
    "is": ("áéíóúýðþæö", ""),
    "pl": ("ąćęłńóśźż", ""),
    "cs": ("áčéěíňřšůýž", "ďóťú"),
    "sk": ("áčéíľňšúýž", "äďĺóôŕť"),
    "hu": ("áéíóöőúüű", ""),
    "ro": ("ăâîșțşţ", ""),
    "hr": ("čćđšž", ""),
    "lv": ("āčēģīķļņšūž", ""),
    "lt": ("ąčęėįšųūž", ""),
    "et": ("äõöü", "šž"),
    "tr": ("çğıöşü", "âîû"),
    "vi": ("ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ", ""),
}
WEST = ("es", "fr", "de", "it", "pt", "nl", "sv", "da", "fi", "is")
# What speaks for each encoding before anything is read: how many programs still write it.
ENCODINGS: dict[str, tuple[float, tuple[str, ...] | str]] = {
    "cp1252": (0.3, WEST),
    "cp1250": (0.2, ("pl", "cs", "sk", "hu", "ro", "hr", "de")),
    "cp1251": (0.2, "cyrillic"),
    "cp1253": (0.2, "greek"),
    "cp1254": (0.15, ("tr", "de", "fr")),
    "cp1255": (0.2, "hebrew"),
    "cp1256": (0.2, "arabic"),
    "cp1257": (0.1, ("lv", "lt", "et")),
    "cp932": (0.2, "japanese"),
    "gb18030": (0.2, "simplified"),
    "big5hkscs": (0.15, "traditional"),
    "cp949": (0.2, "korean"),
    "euc_jp": (0.05, "japanese"),
    "mac_roman": (0.05, WEST),
    "mac_latin2": (-0.1, ("pl", "cs", "sk", "hu")),
    "mac_cyrillic": (-0.1, "cyrillic"),
    "iso8859_2": (0.0, ("pl", "cs", "sk", "hu", "hr")),
    "iso8859_9": (-0.05, ("tr",)),
    "iso8859_15": (0.0, WEST),
    "koi8_r": (0.0, "cyrillic"),
    "koi8_u": (-0.05, "cyrillic"),
    "cp866": (-0.05, "cyrillic"),
    "cp850": (0.0, WEST),
    "cp852": (-0.05, ("pl", "cs", "sk", "hu")),
    "cp857": (-0.1, ("tr",)),
    "cp1258": (-0.1, ("vi",)),
    "cp874": (0.1, "thai"),
}
# The first letters of frequent family names.
FAMILY_NAMES = {
    "japanese": "佐鈴高田伊渡中小山加吉松井木林斎清阿森池橋石後近藤岡長村上青坂福西",
    "simplified": "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许",
    "traditional": "王李張劉陳楊趙黃周吳徐孫胡朱高林何郭馬羅梁宋鄭謝韓唐馮蔡許鄧曾",
    "korean": "김이박최정강조윤장임한오서신권황안송류홍전유고문양손배백허남심노하",
}
SCRIPTS = {"cyrillic": "CYRILLIC", "greek": "GREEK", "hebrew": "HEBREW", "arabic": "ARABIC", "thai": "THAI"}
# Letters of these languages stand in one range; the rest of the script is rare.
RANGES = {"cyrillic": "а-яёіїєґА-ЯЁІЇЄҐўЎ", "greek": "ά-ώΆ-ΏΑ-Ωΐΰ", "hebrew": "א-ת", "arabic": "ء-ي", "thai": "ก-๛"}
# The letters of most words; the frequent ones of another language look rare under the wrong encoding.
FREQUENT = {
    "cyrillic": "аеинотрслвкмдуія",
    "greek": "αοιετσνηρςυόάίπκμλ",
    "hebrew": "יולהרמאנשתב",
    "arabic": "اليمنرتبدوعسهحخ",
}
INSIDE = "'’‘-.·"


def decode(data: bytes, wanted: str = "") -> tuple[str, str]:
    """Return the text, and its encoding: the `wanted` one if it fits, else what the text says or looks like."""
    if wanted:
        try:
            return data.decode(wanted), wanted
        except (LookupError, UnicodeError):
            pass
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), encoding
    encoding = _wide(data)
    if encoding:
        return data.decode(encoding, errors="replace"), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeError:
        pass
    if _is_nearly_utf_8(data):
        return data.decode("utf-8", errors="replace"), "utf-8"
    return guess(data)


def is_known(name: str) -> bool:
    """Whether an encoding is one that was guessed, or can be chosen."""
    return name in {*choices(), *(encoding for _mark, encoding in MARKS), "utf-16-le", "utf-16-be"}


def choices() -> list[str]:
    """Return the encodings that can be chosen."""
    return ["utf-8", "utf-16", *ENCODINGS]


def _wide(data: bytes) -> str:
    """Return the UTF-16 without a mark that the zeros in its ASCII characters tell."""
    head = data[:2000]
    if len(head) < 4 or b"\0" not in head:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 4 * even and odd > len(head) / 20:
        return "utf-16-le"
    return "utf-16-be" if even > 4 * odd and even > len(head) / 20 else ""


def _is_nearly_utf_8(data: bytes) -> bool:
    """Whether the text is UTF-8 with a mistake, such as a character that was cut."""
    text = data.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    return sum(ord(c) > 127 for c in text) - wrong > 8 * wrong


def guess(data: bytes) -> tuple[str, str]:
    """Return the text in the encoding that suits it best."""
    best, found = -1e9, "cp1252"
    sample = _sample(data)
    for encoding, (prior, of) in ENCODINGS.items():
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeError:
            continue
        score = prior + _score(text, of, encoding)
        if score > best:
            best, found = score, encoding
    return data.decode(found, errors="replace"), found


def _sample(data: bytes) -> bytes:
    """Return the first lines, and of the others those that are not ASCII: they alone tell encodings apart."""
    lines = data.splitlines(keepends=True)
    return b"".join([*lines[:HEAD], *(line for line in lines[HEAD:] if not line.isascii())])[:SAMPLE]


def _score(text: str, of: tuple[str, ...] | str, encoding: str) -> float:
    words = Counter(word for word in re.split(r"[\s;,\t|\"]+", text) if not word.isascii())
    titles = {cell for line in text.splitlines()[:HEAD] for cell in re.split(r"[;,\t|]", line)}
    known = sum(bool(roles_of(cell.strip(' "'))) for cell in titles if not cell.isascii())
    if not words:
        return known
    judge = _judge(of, encoding)
    unlike = sum(unicodedata.category(c) in {"Cc", "Cn", "Co"} for c in text if ord(c) > 127)
    return 1.5 * known + sum(judge(word) * count for word, count in words.items()) / words.total() - unlike


def _judge(of: tuple[str, ...] | str, encoding: str) -> Callable[[str], float]:
    if isinstance(of, tuple):
        return lambda word: _latin(word, of)
    if of in SCRIPTS:
        return lambda word: _of_script(word, of)
    return lambda word: _east_asian(word, of, encoding)


@cache
def _weights(language: str) -> Mapping[str, float]:
    frequent, rare = LETTERS[language]
    weights = dict.fromkeys(frequent, 1.0) | dict.fromkeys(rare, 0.45)
    return weights | {c.upper(): weight * 0.9 for c, weight in weights.items() if len(c.upper()) == 1} | {"İ": 0.9}


def _latin(word: str, languages: tuple[str, ...]) -> float:
    faults = _faults(word)
    letters = [c for c in word if ord(c) > 127 and c.isalpha()]
    if faults or not letters:
        return -2.0 * faults if faults else 0.0
    fits = [
        sum(weights[c] for c in letters) / len(letters)
        for weights in map(_weights, languages)
        if all(c in weights for c in letters)
    ]
    return max(fits, default=-0.7)


def _faults(word: str) -> int:
    """Count signs and capitals in the middle of a word."""
    core = word.strip("()[]{}<>«»“”„‘’‚‹›'-–—…·•!¡?¿.:*_/&+")
    strange = sum(ord(c) > 127 and not c.isalpha() and c not in INSIDE and not unicodedata.combining(c) for c in core)
    return strange + sum(a.islower() and b.isupper() and not b.isascii() for a, b in itertools.pairwise(core))


def _of_script(word: str, of: str) -> float:
    name = SCRIPTS[of]
    letters = [c for c in word if c.isalpha()]
    if not letters:
        return -0.3
    if any(not unicodedata.name(c, "").startswith(name) for c in letters):
        return -1.5
    frequent = FREQUENT.get(of, "")
    weights = [1.0 if c.lower() in frequent else 0.6 if re.match(f"[{RANGES[of]}]", c) else 0.0 for c in letters]
    case = sum(a.islower() and b.isupper() for a, b in itertools.pairwise(word))
    strange = sum(ord(c) > 127 and unicodedata.category(c)[0] in "SM" for c in word) if of != "thai" else 0
    starts_small = of in {"cyrillic", "greek"} and letters[0].islower()
    return sum(weights) / len(weights) - case - strange - 0.3 * starts_small - 0.4 * _rare_russian(word, of)


def _rare_russian(word: str, of: str) -> float:
    """Return how odd a Cyrillic word is: without vowels, or of capitals after a small first letter."""
    if of != "cyrillic" or len(word) < 3:
        return 0.0
    has_vowel = any(c in "аеёиоуыэюяіїєАЕЁИОУЫЭЮЯІЇЄ" for c in word)
    return (not has_vowel) + (word[0].islower() and word[1:].isupper())


def _east_asian(word: str, of: str, encoding: str) -> float:
    if re.search(r"[A-Za-z][^\x00-\xff]|[^\x00-\xff][A-Za-z]", re.sub(r"[Ee][-_]?(?=メール|mail)", "", word)):
        return -1.5
    wide = [c for c in word if ord(c) > 127]
    score = sum(_commonness(c, of, encoding) for c in wide) / len(wide)
    return score + (0.3 if wide[0] in FAMILY_NAMES.get(of, "") else 0)


def _commonness(c: str, of: str, encoding: str) -> float:
    """Return how common a character is in a language: the code tables have the common ones first."""
    code = ord(c)
    if of == "japanese" and (0x3040 <= code <= 0x30FF or c in "々ー"):
        return 1.0
    if 0xFF61 <= code <= 0xFF9F:
        return -0.3
    if of == "korean":
        return 1.0 if 0xAC00 <= code <= 0xD7A3 and 0xB0 <= _lead(c, "euc_kr") <= 0xC8 else -0.5
    if not 0x4E00 <= code <= 0x9FFF:
        return 0.2 if code >= 0x3000 and unicodedata.category(c)[0] == "P" else -0.7
    lead = _lead(c, {"japanese": "euc_jp", "simplified": "gb2312", "traditional": "big5"}.get(of, encoding))
    low, high = {"japanese": (0xB0, 0xCF), "simplified": (0xB0, 0xD7), "traditional": (0xA4, 0xC6)}[of]
    return 0.8 if low <= lead <= high else -0.2 if lead else -0.7


def _lead(c: str, encoding: str) -> int:
    try:
        return c.encode(encoding)[0]
    except UnicodeError:
        return 0
