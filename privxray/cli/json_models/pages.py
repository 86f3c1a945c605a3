"""docs/schemas: ``python -m privxray.cli.json_models.pages docs/schemas`` writes a JSON schema a command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from privxray.cli.json_models.catalogue import OUTPUTS, schema


def file_name(command: str) -> str:
    """The file of a command's schema: ``infer-offer.json``."""
    return command.replace("--", "").replace(" ", "-") + ".json"


def schemas() -> dict[str, str]:
    """The text of every schema, by the name of its file."""
    return {file_name(one): json.dumps(schema(one), indent=2) + "\n" for one in OUTPUTS}


def main(folder: Path) -> None:
    """Write every schema into ``folder``, and take out those of commands that are gone."""
    folder.mkdir(exist_ok=True)
    made = schemas()
    for name, text in made.items():
        (folder / name).write_text(text, "utf-8")
    for path in folder.glob("*.json"):
        if path.name not in made:
            path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
