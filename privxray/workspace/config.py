"""``privxray.yaml``: whose workspace a folder is.

Tested in tests/cli/test_bad_input.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BeforeValidator, ValidationError, model_validator

from privxray.errors import MalformedError
from privxray.formats.header import Name, Strict, whole

CONFIG = "privxray.yaml"
Role = Literal["hospital", "coordinator", "trustee"]


class Config(Strict):
    """The contents of ``privxray.yaml``. Only a coordinator's names a study: its workspace serves one."""

    format: Annotated[Literal[1], BeforeValidator(whole)] = 1
    role: Role
    name: Name
    study: Name | None = None

    @classmethod
    def read(cls, text: bytes) -> Self:
        """What the file says. :raises ValueError: it is none. :raises yaml.YAMLError: likewise."""
        return cls.model_validate(yaml.safe_load(text.decode("utf-8")))

    @model_validator(mode="after")
    def _serves_a_study(self) -> Self:
        if self.role == "coordinator" and self.study is None:
            raise ValueError("a coordinator's workspace names its study")
        return self


def read_config(path: Path) -> Config:
    """What a workspace's ``privxray.yaml`` says.

    :raises MalformedError: it is none.
    """
    try:
        return Config.read(path.read_bytes())
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError):
        raise MalformedError(
            "this is not the configuration of a workspace",
            reason="workspace.config-damaged",
            file=path,
            advice="Restore it from a backup (privxray help backup)",
        ) from None
