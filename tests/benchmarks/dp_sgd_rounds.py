"""dp-sgd over many rounds on a csv of several sites, through the commands.

    python tests/benchmarks/dp_sgd_rounds.py --data labels.csv [--rounds 10] [--epsilon 6]

Prints the last global model's metrics on the pooled validation split, what each hospital's ledger says, what
dp-accounting says to the same events by itself, and the time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent, SelfComposedDpEvent
from dp_accounting.pld import PLDAccountant
from dp_accounting.privacy_accountant import NeighboringRelation

from privxray.cli.app import run
from privxray.demo.party import Party
from privxray.demo.score import global_model, score_on_pool
from privxray.demo.sites import read_sites
from privxray.demo.study import STUDY, StudyTerms, play
from privxray.privacy.ledger import Ledger
from privxray.workspace.folder import Workspace


def independent(ledger: Ledger, delta: float) -> float:
    """The epsilon of all events by dp-accounting's own accountant, one event after the other."""
    accountant = PLDAccountant(NeighboringRelation.ADD_OR_REMOVE_ONE, value_discretization_interval=1e-3)
    for entry in ledger.entries():
        for event in entry.events:
            sampled = PoissonSampledDpEvent(event.q, GaussianDpEvent(event.noise))
            accountant.compose(SelfComposedDpEvent(sampled, event.count))
    return float(accountant.get_epsilon(delta))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--epsilon", type=float, default=6.0)
    options = parser.parse_args()
    plain = Party.type

    def planned(self: Party, *words: str | Path, asks: bool = False) -> dict[str, Any]:
        more = ("--rounds", str(options.rounds)) if words[0] == "plan" else ()
        return plain(self, *words, *more, asks=asks)

    Party.type = planned  # type: ignore[method-assign]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as root:
        played = play(
            Path(root),
            read_sites(options.data, None),
            StudyTerms("dp-sgd", options.epsilon),
            run=run,
            say=lambda _: None,
            after_training=lambda _: None,
        )
        total = time.perf_counter() - started
        ledgers = {
            party.name: Ledger.open(Workspace.find(party.folder).ledger_path)
            for party in played.hospitals.values()
        }
        result = {
            "rounds": played.rounds,
            "metrics": score_on_pool(global_model(played.hospitals, STUDY), played.hospitals),
            "epsilon": {name: ledger.cost(delta=played.delta).epsilon for name, ledger in ledgers.items()},
            "independent": {name: independent(ledger, played.delta) for name, ledger in ledgers.items()},
            "delta": played.delta,
            "seconds": {"total": round(total, 1), **{k: round(v, 1) for k, v in played.seconds.items()}},
            "update_bytes": played.update_bytes,
        }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
