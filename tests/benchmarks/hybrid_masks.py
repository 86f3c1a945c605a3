"""What hybrid masks cost: sizes and processor time, for 3, 50 and 60 hospitals.

Type: python tests/benchmarks/hybrid_masks.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path += [str(Path(__file__).parents[1] / "unit")]

from exchange_samples import STAMP, Hospital, Study
from hybrid_samples import FORM, TRAIN, Agreeing

from privxray.exchange.admission.admit import admit_plan
from privxray.exchange.messages.agreement import encapsulate, write_agreement
from privxray.formats.container import seal_header, split
from privxray.keys.card import CardParts, write_card


class Many(Study):
    """A strict study of as many hospitals as wanted."""

    def __init__(self, hospitals: int) -> None:
        super().__init__(3)
        self.hospitals = [Hospital(f"hospital-{number:02d}") for number in range(hospitals)]
        self.plan = self.make_plan()


def main() -> None:
    """Print a line for each number of hospitals."""
    for count in (3, 50, 60):
        study = Many(count)
        world = Agreeing(study=study)
        low, *_, high = sorted(study.hospitals, key=lambda one: one.fingerprint)
        began = time.process_time()
        ciphertexts, _ = encapsulate(world.asked, low.fingerprint)
        agreement = write_agreement(ciphertexts, world.asked, low.identity, STAMP)
        made = time.process_time() - began
        began = time.process_time()
        world.agreements()
        taken = time.process_time() - began
        plan = seal_header(world.training(), study.coordinator.signing, study.plan.sender)
        fields = {**FORM, "features": ("tasks",), "schedule": (TRAIN,), "task": "train", "stages": 2}
        bare = seal_header(study.make_plan(**fields), study.coordinator.signing, study.plan.sender)
        asking = seal_header(world.asked.plan, study.coordinator.signing, study.plan.sender)
        began = time.process_time()
        admit_plan(split(plan), None)
        read = time.process_time() - began
        began = time.process_time()
        admit_plan(split(bare), None)
        read_bare = time.process_time() - began
        began = time.process_time()
        world.secrets(high, 2)
        opened = time.process_time() - began
        mask = (low.name, low.member().mask, low.unsealing_statement())
        cards = [
            write_card(low.identity, CardParts(*mask, kem=kem), STAMP)
            for kem in (None, world.member(low).kem)
        ]
        print(
            f"{count} hospitals: card {len(cards[0]):,} -> {len(cards[1]):,} bytes; agreement of the lowest "
            f"{len(agreement):,}, made in {made:.4f} s; all taken in {taken:.3f} s; plan that asks "
            f"{len(asking):,}; plan after it {len(plan):,} ({len(bare):,} without), admitted in {read:.3f} s "
            f"({read_bare:.3f} s without); the highest opens its secrets in {opened:.4f} s"
        )


if __name__ == "__main__":
    main()
