"""The ten actions of the MIDI-B challenge, scored on `privxray deidentify` over an injected set.

    python tests/benchmarks/midi_b.py --seed 7 --files 300 --burned-in 60

Prints, for docs/BENCHMARKS.md: right and required actions by name, what went wrong, and what was quarantined.
The files with burned-in text need the extra `ocr`. The set is that of tests/unit/deid_injection.py; what each
action asks for, tests/unit/deid_midi_b.py says.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from deid_injection import ACTIONS, OPTIONS, Injected, injected_set
from deid_midi_b import score

from privxray.deid.cleaning.deidentify import deidentify
from privxray.deid.cleaning.deidentify_dicom import CopySettings
from privxray.deid.cleaning.elements.pseudonyms import Pseudonyms
from privxray.deid.cleaning.verify_copy import NotCleanError
from privxray.deid.pixels.text.text_box import FindText
from privxray.deid.profile.profile import ProfileOption
from privxray.deid.profile.profile_file import load_profile


def main() -> None:
    """Make the set, de-identify it, score it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--burned-in", type=int, default=60, help="further files, with text in their pixels")
    arguments = parser.parse_args()
    profile = load_profile("basic").with_options({ProfileOption(name) for name in OPTIONS})
    names = Pseudonyms(bytes(range(32)))
    print(f"seed {arguments.seed}; {profile.summary}")
    total: Counter[tuple[str, bool]] = Counter()
    for burned_in, count in ((False, arguments.files), (True, arguments.burned_in)):
        if not count:
            continue
        settings = CopySettings(profile, names, _finder() if burned_in else None)
        files = injected_set(arguments.seed + burned_in, count, patients=12, burned_in=burned_in)
        pairs, refused, places, seconds = _run(files, settings)
        found, wrong = score(pairs)
        for action, counts in found.items():
            for right, number in counts.items():
                total[action, right] += number
        kind = "with text in the pixels" if burned_in else "with metadata only"
        print(f"{count} files {kind}, {places} elements put in, {seconds / count * 1000:.0f} ms a file")
        for reason, number in refused.most_common():
            print(f"  quarantined {number}: {reason}")
        for line, number in Counter(line.split()[0] for line in wrong).items():
            print(f"  wrong {number}: {line}")
        for line in wrong[:10]:
            print(f"    {line}")
    _table(total)


def _run(
    files: object, settings: CopySettings
) -> tuple[list[tuple[Injected, bytes]], Counter[str], int, float]:
    pairs, refused, places, seconds = [], Counter[str](), 0, 0.0
    for file in files:  # type: ignore[attr-defined]
        start = time.perf_counter()
        try:
            pairs.append((file, deidentify(file.data, settings).data))
        except NotCleanError as error:
            refused[str(error)] += 1
        seconds += time.perf_counter() - start
        places += file.places
    return pairs, refused, places, seconds


def _finder() -> FindText:
    from privxray.deid.pixels.text.text_finder import TextFinder

    finder = TextFinder()
    return finder.find


def _table(total: Counter[tuple[str, bool]]) -> None:
    print("\n| action | required | right | share |\n| --- | ---: | ---: | ---: |")
    for action in (*ACTIONS, "all"):
        right, wrong = (
            sum(
                number
                for (name, is_right), number in total.items()
                if is_right is side and action in (name, "all")
            )
            for side in (True, False)
        )
        if right + wrong:
            print(f"| {action} | {right + wrong:,} | {right:,} | {100 * right / (right + wrong):.2f} % |")


if __name__ == "__main__":
    main()
