"""Names of people. Nothing is guessed about them, only what surrounds them is removed."""

import re
import unicodedata

MAX_LENGTH = 130
SUFFIXES = {"jr", "sr", "ii", "iii", "iv", "phd", "md", "mba", "esq", "dds", "rn", "cpa", "jr.", "sr.", "ph.d.", "m.d."}
BULLET = re.compile(
    r"^(?:\(?\d{1,4}(?:[.):\-]+(?=\s|\D)|\s*[.)]\s*)|[a-zA-Z][.)]\s+|[-–—*•·‣▪●○◦✓✔☐☑+>#]+\s*|\[[ xX]?\]\s*)+\s*"
)
LABEL = re.compile(
    r"^(?:from|to|cc|von|de|bcc|para|an|à|a|da|kopie|copia|от|кому|من|إلى|אל|宛先)\s*[:：]\s*|^mailto:\s*",
    re.IGNORECASE,
)
# Around a name in running text, and in a cell.
AROUND = " \t\n\r\"“”«»„‟‹›<>()[]{}|,;:،؛、，；：。（）［］＜＞「」『』【】–—=•·*_/\\-'‘’`"
AROUND_CELL = ' \t\n"“”«»„,;'
# The date that chats write before each message.
STAMP = re.compile(
    r"\[?\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?\s+\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[ap]\.?\s?m\.?)?\]?\s*[-–:]?\s*",
    re.IGNORECASE,
)
# How many come, as people write it behind a name: "(2)", "x3", "+1".
COUNT = re.compile(
    r"(?:^|\s|(?<=[)\]]))(?:\((?P<in>\d{1,3})\)|\[(?P<box>\d{1,3})\]|[x×✕*]\s?(?P<times>\d{1,3})|(?P<before>\d{1,3})\s?[x×✕]|\(?\+\s?(?P<plus>\d{1,2})\)?)(?=$|[\s,;.])",
    re.IGNORECASE,
)
# What stands between the names of two people.
AND = re.compile(r"\s*(?:[&+/;\n]|\s(?:and|y|e|et|und|en|og|och|ja|i|ve|и|و|ו|と|和)\s)\s*", re.IGNORECASE)


def clean(text: str) -> str:
    """Return a name in running text on one line, without the quotes, bullets and commas around it."""
    return " ".join(text.split()).strip(AROUND)[:MAX_LENGTH].strip()


def tidy(text: str) -> str:
    """Return the name that a cell has, on one line. Only quotes around it are removed."""
    name = " ".join(text.split()).strip(AROUND_CELL)
    if len(name) > 2 and name[0] in "'‘" and name[-1] in "'’":
        name = name[1:-1]
    return name[:MAX_LENGTH].strip()


def turn(name: str) -> str:
    """Return "Last, First" as "First Last"."""
    family, comma, given = (part.strip() for part in name.replace("，", ",").partition(","))
    if not comma or not family or not given or "," in given or given.lower() in SUFFIXES:
        return name
    # A second person, or a town, is no given name; neither is anything with a number.
    if AND.search(name) or any(c.isdigit() for c in name):
        return name
    return f"{given} {family}"


def is_name_like(text: str) -> bool:
    """Whether a cell without a title may be a name: some words without numbers."""
    return (
        bool(text)
        and len(text) <= 60
        and len(text.split()) <= 6
        and any(c.isalpha() for c in text)
        and not any(c.isdigit() or unicodedata.category(c) == "Sc" or c in "@=<>/\\_%#" for c in text)
    )


def is_east_asian(text: str) -> bool:
    """Whether the text is written in Chinese, Japanese or Korean, where the family name stands first."""
    return any("\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3" for c in text)


def split(text: str) -> list[str]:
    """Return the names of several people in one text."""
    return [name for name in (clean(part) for part in AND.split(text)) if name]


def take_count(text: str) -> tuple[str, int | None]:
    """Return the text without a count of people such as "(2)", "x3" or "+1", and that count."""
    found = list(COUNT.finditer(text))
    if len(found) != 1:
        return text, None
    match = found[0]
    plus = match["plus"]
    number = int(plus) + 1 if plus else int(match["in"] or match["box"] or match["times"] or match["before"])
    return f"{text[: match.start()]} {text[match.end() :]}", number or None
