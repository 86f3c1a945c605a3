"""Prints docs/RULES.md, made from the rules' own words: ``python -m privxray.deid.findings.rulebook``."""

from __future__ import annotations

from collections.abc import Iterator

from privxray.deid.findings.remedies import Remedy
from privxray.deid.findings.rules import RULES
from privxray.deid.profile.annex_e import EDITION, content_rows, rows, safe_private
from privxray.deid.profile.profile import BASIC_CODE, ProfileOption
from privxray.deid.profile.profile_file import load_profile, packaged

_JUDGED = {
    "`X` alone": ("error",),
    "`Z`, with or without `X`": (
        "a listed dummy or a declared pseudonym passes",
        "a value with a telling shape is an error of that name",
        "a number of up to three digits, or the shape of a pseudonym in a file that declares its "
        "de-identification, is a notice",
        "everything else is an error",
    ),
    "any alternatives with `D`": ("the same, but everything else is a notice",),
    "`U`": ("a UID of the standard or of a declared form passes", "everything else is a notice"),
    "`C`": (
        "dates under modified dates pass",
        "text with a telling shape is an error",
        "text of general and technical words passes",
        "everything else is a notice",
    ),
    "`K`": ("passes",),
    "not in the table": ("passes, unless a rule `kept-text...` or one on how values are written is broken",),
}


def _actions() -> str:
    lines = [f"| {action} | {'; '.join(verdicts)} |\n" for action, verdicts in _JUDGED.items()]
    return "| action that the profile allows | a filled value |\n| --- | --- |\n" + "".join(lines)


_HEAD = f"""\
# The rules of `privxray check`

Made by `python -m privxray.deid.findings.rulebook` from the texts of the rules themselves; a test fails
where the two differ.

An **error** fails a file: something that the profile would have removed or changed is visibly still there, or
something keeps the check from seeing. A **notice** does not fail a file: the place may be in order, and
nobody can tell without the original. A file that passes is not proven to be anonymous. The pixels are
searched only with `--ocr`.

The tables are those of DICOM PS3.15, edition {EDITION}. E.1-1 has {len(rows())} rows and all its option
columns, E.3.4-1 has {len(content_rows())} content items, and E.3.10-1 has {len(safe_private())} safe private
attributes (of an older edition).

## How an attribute is judged

{_actions()}
A *telling shape* is that of a person's name, of an address, of a calendar date within text, or of three or
more words that are not all general ones. Attributes are judged alike at every depth.

## Profiles

`--profile` takes the name of a packaged profile, or a YAML file. Each option on the command line adds to it.
Commands print the profile, the options and the number of overrides that they judged by.

"""

_FILE = """\
A profile file:

```yaml
name: our-site
base: basic                          # a packaged profile or another file
options: [retain_uids]               # as below
overrides:                           # a site's own action for one attribute; tightens or loosens
  - attribute: StationName           # or (0008,1010), (60xx,3000), (0019,GEMS_ACQU_01,23)
    action: K                        # X Z D K C U, or alternatives such as X/Z
    reason: shared by all rooms      # for the reader
pseudonyms:                          # forms of replaced values; a whole value must match
  - attributes: [PatientID]
    pattern: SITE[0-9]{4}
new_uids: [uuid8, 1.2.276.0.99.]     # uuid8: as privxray makes them; or a root that ends with a dot
replacements:                        # fixed values in copies; the first whose expression fits counts
  - attribute: BodyPartExamined      # of the standard, with text; not the patient's name or id
    match: '(?i).*(thorax|lung).*'   # over the whole original; without it, any original that is not empty
    value: CHEST                     # no part of the original gets into it
black:                               # regions that a device burns text into, black in each of its pictures
  - manufacturer: acme.*             # over the whole attribute, in any case; likewise model
    rows: 768
    columns: 1024
    regions: [[0, 0, 1024, 60]]      # left, top, width, height
```

`check` with the same profile accepts the fixed values. A picture that says that text is burned in is copied
without `--ocr` only if a rule of `black` fits its device; the copy then says that its pixels were cleaned.

"""


def pages() -> Iterator[str]:
    """The document, part by part."""
    yield _HEAD
    yield "| profile | what it is |\n| --- | --- |\n"
    for name in packaged():
        yield f"| `{name}` | {load_profile(name).description} |\n"
    yield "\n"
    yield _FILE
    yield "| option | in a profile file | code of CID 7050 |\n| --- | --- | --- |\n"
    yield f"| (base) | | {BASIC_CODE[0]} {BASIC_CODE[1]} |\n"
    for option in ProfileOption:
        yield f"| `{option.flag}` | `{option.value}` | {option.code} {option.meaning} |\n"
    yield "\n## What to do\n\n`check` shows what it found in these groups.\n\n"
    yield "| group | | what to do |\n| --- | --- | --- |\n"
    for remedy in Remedy:
        yield f"| `{remedy}` | {remedy.heading} | {remedy.how} |\n"
    yield "\n## Rules\n\n| rule | | group | says | source | about |\n| --- | --- | --- | --- | --- | --- |\n"
    for rule in RULES.values():
        yield (
            f"| `{rule.id}` | {rule.severity} | {rule.do} | {rule.says} | {rule.source} | {rule.about} |\n"
        )


if __name__ == "__main__":
    print("".join(pages()), end="")
