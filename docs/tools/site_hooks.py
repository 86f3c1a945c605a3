"""What mkdocs does for privxray's site besides: pages made of the program, links between pages, pictures.

mkdocs.yml names this file. Tested in tests/unit/test_manual.py and, as a site, in tests/browser/test_site.py.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).parent
ROOT = TOOLS.parents[1]
sys.path[:0] = [str(TOOLS), str(ROOT)]  # mkdocs runs hooks as files by themselves

from command_pages import command_page, exit_codes_page, json_page, overview_page  # noqa: E402 - after the path
from dialect import for_mkdocs  # noqa: E402 - after the path
from drawings import without_mermaid  # noqa: E402 - after the path
from manual import commands  # noqa: E402 - after the path
from mkdocs.structure.files import File  # noqa: E402 - after the path

_NO_PROSE = re.compile(
    r"(```.*?```|^ {4}.*?$|`[^`\n]+`|!?\[[^\]]*\]\([^)]*\)|<!--.*?-->)", re.DOTALL | re.MULTILINE
)
"""Code, links and comments, in which names stay as they are."""
_SHIM = "https://unpkg.com/iframe-worker/shim"
_OUTSIDE = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
_NAMED = re.compile(r"(?<![\w/(\[])(?:docs/)?((?:adr/\d{4}(?:-[\w-]+)?|[A-Z][A-Z0-9_-]+)(?:\.md)?)(?![\w/])")


def on_config(config: Any) -> Any:
    """Put a page a command, and a page a decision, into the sidebar."""
    known = commands()
    pages = [{"All commands": "commands/index.md"}]
    pages += [{one.name: f"commands/{one.page}.md"} for one in known if one.name]
    decisions: list[Any] = [{"By the question": "adr/README.md"}]
    decisions += [f"adr/{path.name}" for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))]
    _fill(config["nav"], {"COMMAND PAGES": pages, "DECISIONS": decisions})
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made of the program, and those that lie beside docs/."""
    known = commands()
    made = {f"commands/{one.page}.md": command_page(one) for one in known if one.name}
    made["commands/index.md"] = overview_page(known)
    made["EXIT-CODES.md"] = exit_codes_page()
    made["JSON.md"] = json_page()
    made["index.md"] = (ROOT / "README.md").read_text("utf-8").replace("](docs/", "](")
    for name in _OUTSIDE:
        made[name] = (ROOT / name).read_text("utf-8")
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:  # noqa: ARG001 - mkdocs' names
    """Turn names of pages into links, and Mermaid into what needs no script."""
    known = {file.src_uri for file in files}
    here = page.file.src_uri
    linked = (
        part if number % 2 else _NAMED.sub(lambda found: _link(found, here, known), part)
        for number, part in enumerate(_NO_PROSE.split(for_mkdocs(markdown)))
    )
    return without_mermaid("".join(linked))


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:  # noqa: ARG001 - mkdocs' names
    """Make what is typed in a console stand out; the theme knows a prompt only by its dollar."""
    return re.sub(r'<span class="go">([a-z-]+\$ .*?)</span>', r'<span class="go"><b>\1</b></span>', html)


def on_post_page(output: str, page: Any, config: Any) -> str:  # noqa: ARG001 - mkdocs' names
    """Take the one script that the theme would fetch from elsewhere from the site itself."""
    return output.replace(_SHIM, "../" * page.file.src_uri.count("/") + "assets/iframe-worker.js")


def on_post_template(output_content: str, template_name: str, config: Any) -> str:  # noqa: ARG001 - mkdocs' names
    """The same in the page that a server shows for what is not there."""
    return output_content.replace(_SHIM, "assets/iframe-worker.js")


def on_post_build(config: Any) -> None:
    """Leave no address in the scripts from which a browser could fetch more, and no maps of their sources."""
    assets = Path(config["site_dir"]) / "assets" / "javascripts"
    for path in assets.rglob("*.map"):
        path.unlink()
    for path in assets.rglob("*.js"):
        text = path.read_text("utf-8")
        path.write_text(text.replace("https://unpkg.com/", "absent/"), "utf-8")


def _link(found: re.Match[str], here: str, known: set[str]) -> str:
    """The name as a link to its page; as it is where there is no such page, or it is this one."""
    name = found[1]
    if not name.startswith("adr/") and not name.endswith(".md"):
        return found[0]
    candidates = [
        one for one in known if one == name or (name.startswith("adr/") and one.startswith(f"{name}-"))
    ]
    if len(candidates) != 1 or candidates[0] == here:
        return found[0]
    return f"[{found[0]}]({'../' * here.count('/')}{candidates[0]})"


def _fill(nav: list[Any], sections: dict[str, list[Any]]) -> None:
    for place, entry in enumerate(nav):
        if isinstance(entry, str) and entry in sections:
            nav[place : place + 1] = sections[entry]
            _fill(nav, sections)
            return
        if isinstance(entry, dict):
            for inner in entry.values():
                if isinstance(inner, list):
                    _fill(inner, sections)
