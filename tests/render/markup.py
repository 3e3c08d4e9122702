"""What a browser would make of a page: open tags, addresses, elements."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = ("meta", "link", "br", "hr", "img", "input")
DRAWN = ("rect", "circle", "line", "path", "polyline")
"""Elements of SVG that may close themselves."""


class Page(HTMLParser):
    """What a page would ask for, where it leads, and whether its tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.places: list[str] = []
        self.leads: set[str] = set()
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "srcset") and value and value[0] != "#":
                self.asked.append(value)
            elif name == "href" and value:
                self.leads.add(value[1:])
            elif name == "id" and value:
                self.places.append(value)

    def handle_startendtag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        assert tag in DRAWN

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
