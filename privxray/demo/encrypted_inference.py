"""The demo's last part: a hospital outside the study asks about one X-ray without showing it to anybody.

Tested in tests/cli/test_demo.py.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privxray.demo.party import Party, carry, make_party
from privxray.demo.study import Say

NAME = "clinic"


@dataclass(frozen=True)
class Asked:
    """What the clinic learned, and what each step took.

    :ivar label: the most likely class.
    :ivar probabilities: of each class.
    :ivar bytes: of each file.
    :ivar seconds: of each command.
    :ivar answer: the encrypted answer's file.
    """

    label: str
    probabilities: dict[str, float]
    bytes: dict[str, int]
    seconds: dict[str, float]
    answer: Path

    def to_json(self) -> dict[str, Any]:
        """For ``privxray demo --json``."""
        return {
            "label": self.label,
            "probabilities": self.probabilities,
            "bytes": self.bytes,
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
        }


def ask_outside(root: Path, owner: Party, image: Path, say: Say) -> Asked:
    """Offer the newest global model, ask about one image, answer and read the answer.

    :param root: where the clinic's workspace goes.
    :raises DemoError: a command failed.
    """
    asker = make_party(root, NAME, owner.run)
    seconds: dict[str, float] = {}

    def timed(step: str, party: Party, *words: str | Path) -> dict[str, Any]:
        start = time.perf_counter()
        told = party.type("infer", step, *words, asks=True)
        seconds[step] = time.perf_counter() - start
        return told

    say(f"A {NAME} outside the study asks the model about one X-ray, encrypted under its own key.")
    asker.type("init", "--role", "hospital", "--name", NAME, asks=True)
    offered = timed("offer", owner)
    offer = carry(Path(offered["offer"]), asker.folder / "received")
    query = timed("ask", asker, image, "--offer", offer, "--key-words", offered["key_words"])
    sent = carry(Path(query["query"]), owner.folder / "received")
    answered = timed("answer", owner, sent, "--key-words", query["key_words"])
    answer = carry(Path(answered["answer"]), asker.folder / "received")
    read = timed("read", asker, answer)
    (seen,) = read["images"]
    sizes = {
        "offer": offer.stat().st_size,
        "query": query["bytes"],
        "answer": answered["bytes"],
    }
    return Asked(seen["label"], seen["probabilities"], sizes, seconds, answer)
