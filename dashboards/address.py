"""Addresses: the whole state of a page as a link, ``/subject/page?theme=dark&head=2&run.text=…``."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

RUN = "run."
_LONGEST = 8_000  # characters of a query that are read
_MOST = 100  # fields of a query that are read


@dataclass(frozen=True)
class Address:
    """What a link says.

    Parameters
    ----------
    subject, page : str
        Names in the path; empty when the link leaves them open.
    theme : str
        ``"light"``, ``"dark"``, or empty for what the reader's system prefers.
    run : mapping
        Arguments of the live model's ``record``, as text.
    controls : mapping
        Values of controls as text, by name, or by ``view.name`` where two views differ.
    stay : str
        A page to stay on if it applies to the subject; else its first page is meant.

    Examples
    --------
    >>> Address.parse("/gpt/attention?head=2&run.text=The cat").run
    {'text': 'The cat'}
    """

    subject: str = ""
    page: str = ""
    theme: str = ""
    run: Mapping[str, str] = field(default_factory=dict)
    controls: Mapping[str, str] = field(default_factory=dict)
    stay: str = ""

    @classmethod
    def parse(cls, href: str) -> "Address":
        """Read a link; what it does not understand is left out."""
        parts = urlsplit("//x/" + href.lstrip("/"))
        steps = [unquote(step) for step in parts.path.split("/") if step]
        fields = "&".join(parts.query[:_LONGEST].split("&")[:_MOST])
        query = dict(parse_qsl(fields, keep_blank_values=True))
        theme, stay = query.pop("theme", ""), query.pop("stay", "")
        subject, page = (*steps[:2], "", "")[:2]
        if subject == "slides" and not page:
            subject, page = "", "slides"
        return cls(
            subject,
            page,
            theme if theme in ("light", "dark") else "",
            run={name.removeprefix(RUN): value for name, value in query.items() if name.startswith(RUN)},
            controls={name: value for name, value in query.items() if not name.startswith(RUN)},
            stay=stay,
        )

    @property
    def href(self) -> str:
        """The link, without the host."""
        path = "/" + "/".join(quote(step) for step in (self.subject, self.page) if step)
        pairs = [*((RUN + name, value) for name, value in self.run.items()), *self.controls.items()]
        pairs += [("theme", self.theme)] if self.theme else []
        return path + ("?" + urlencode(pairs, quote_via=quote) if pairs else "")


def slugs(names: Iterable[str]) -> list[str]:
    """Short names for links, each different.

    Examples
    --------
    >>> slugs(["GPT: a small world", "VAE: digits", "VAE: faces", "VAE: faces", "été"])
    ['gpt', 'vae-digits', 'vae-faces', 'vae-faces-2', 'ete']
    """
    every = list(names)
    heads = [_plain(name.split(": ")[0]) for name in every]
    found: list[str] = []
    for name, head in zip(every, heads, strict=True):
        slug = base = head if heads.count(head) == 1 else _plain(name)
        number = 2
        while slug in found or slug == "slides":
            slug, number = f"{base}-{number}", number + 1
        found.append(slug)
    return found


def _plain(name: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:40] or "subject"
