"""A folder of copies is known again, whatever types are called, and only by versions that clean alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from privxray.deid.cleaning.copies.settings_digest import settings_digest
from privxray.deid.profile.profile import ProfileOption
from privxray.deid.profile.profile_file import load_profile

SITE = str(Path(__file__).parents[2] / "examples" / "site-profile.yaml")


@pytest.mark.parametrize(
    ("name", "options", "ocr", "digest"),
    [
        ("basic", (), False, "e4ada59e9d78bbacb72c57ceb59fd0724dec9503c6a486e5177e8e1e21b20d35"),
        (
            "research",
            ("retain_uids",),
            True,
            "33842053c754cdb230ce58a685397acf38b0a5afaa3412a964ca0c1608a5e05f",
        ),
        (SITE, (), False, "060acd6db59f7c83ed628f426fa9bf8ea474536db4f4816860bc9ff081b34b13"),
    ],
)
def test_the_digest_of_settings_is_that_of_3cd0352_but_for_its_format(
    name: str, options: tuple[str, ...], ocr: bool, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = load_profile(name).with_options({ProfileOption(option) for option in options})
    assert settings_digest(profile, ocr) != digest  # copies of that version differ from those of today
    monkeypatch.setattr("privxray.deid.cleaning.copies.settings_digest.FORMAT", 1)
    assert settings_digest(profile, ocr) == digest
