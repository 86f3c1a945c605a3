"""Pages from the packaged templates. Every value is escaped, and a missing name is an error."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: object) -> str:
    """The page of ``template``, a file in ``reports/templates``, as HTML text."""
    environment = Environment(
        loader=PackageLoader("privxray.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
