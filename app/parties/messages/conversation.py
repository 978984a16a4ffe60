"""What is passed on of a reply: the words of its writer, without quotes, links of this site, and addresses. Pure functions."""

import re

QUOTE = ">"
HIDDEN = "…"


def own_words(text: str, *, site_address: str, site_url: str, hidden: tuple[str, ...] = ()) -> str:
    """Return what a person wrote above, below or between what they quote.

    Mail programs introduce a quote by a line with the address that it came from, in any language. `hidden` are addresses
    that the reader must not see. Links of this site are personal: whoever has one can answer in another person's name.
    """
    mailbox, _, domain = site_address.partition("@")
    introduction = re.compile(rf"{re.escape(mailbox)}(\+[\w-]+)?@{re.escape(domain)}", re.IGNORECASE)
    kept = _without_quotes(text.split("\n"), introduction)
    words = re.sub(rf"{re.escape(site_url)}/\S*", site_url, "\n".join(kept))
    return re.sub(r"\n{3,}", "\n\n", introduction.sub(HIDDEN, hide(words, hidden))).strip()


def hide(text: str, addresses: tuple[str, ...]) -> str:
    """Return a text without these addresses."""
    for address in filter(None, addresses):
        text = re.sub(re.escape(address), HIDDEN, text, flags=re.IGNORECASE)
    return text


def _without_quotes(lines: list[str], introduction: re.Pattern[str]) -> list[str]:
    kept: list[str] = []
    for number, line in enumerate(lines):
        if line.lstrip().startswith(QUOTE):
            continue
        if introduction.search(line):
            following = next((later for later in lines[number + 1 :] if later.strip()), "")
            if following.lstrip().startswith(QUOTE):
                continue
            # Without marks, nobody can tell where the quote ends: the rest of the message is taken for it.
            return kept
        kept.append(line)
    return kept
