"""Pages from the packaged templates. Every value is escaped, and a missing name is an error."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: object) -> str:
    """The page of ``template``, a file in ``reports/templates``, as HTML text."""
    return "".join(render_pieces(template, **values))


def render_pieces(template: str, **values: object) -> Iterator[str]:
    """The same page in pieces, for one that is too long for memory."""
    environment = Environment(
        loader=PackageLoader("privxray.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    stream = environment.get_template(template).stream(**values)
    stream.enable_buffering(64)
    return stream
