"""What closed forms say of a limit agrees with the accountant, which decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from privxray.learning import methods
from privxray.privacy.events import Event
from privxray.privacy.gaussian_fit import gaussian_fit
from privxray.privacy.guarantee import Guarantee
from privxray.privacy.ledger import Ledger
from privxray.privacy.ledger_chain import Book, read
from privxray.privacy.ledger_file import transaction
from privxray.workflow.hospital.local_training.training import Remaining

LIMIT = Guarantee(10.0, 1e-5)
SAMPLED = Event(kind="poisson-gaussian", noise=1.0, q=0.01, count=100)


def book_with(folder: Path, *events: Event) -> Book:
    ledger = Ledger.create(folder / "ledger.db", LIMIT)
    if events:
        ledger.reserve("s", "run", events)
    with transaction(ledger.path) as database:
        return read(database)


def gaussian(epsilon: float) -> Event:
    probe = methods.get("linear-probe")
    noise = probe.plan_noise(probe.constants({}), Guarantee(epsilon, 1e-5), rounds_left=1, past=[])
    return Event(kind="gaussian", noise=noise)


@pytest.mark.parametrize("spent", [(), ("9",), ("6",), ("9.9",), (SAMPLED,)], ids=str)
def test_it_says_what_the_accountant_says(spent: tuple[str | Event, ...], tmp_path: Path) -> None:
    events = [one if isinstance(one, Event) else gaussian(float(one)) for one in spent]
    book, probe = book_with(tmp_path, *events), methods.get("linear-probe")
    for asked in (Guarantee(6.0, 1e-5), Guarantee(0.5, 1e-5), Guarantee(6.0, 1e-6)):
        for rounds in (1, 3):
            left = Remaining(probe, probe.constants({}), asked.delta, rounds, before=[])
            fit = gaussian_fit(book, asked, rounds=rounds)
            assert fit is not None
            exact = book.admits(probe.round_events(left.constants, left.noise(asked.epsilon)))
            assert fit.fits is exact
            if not exact:
                largest = left.largest_epsilon(book)
                assert largest - 0.011 < fit.possible <= largest
                assert fit.possible == 0 or book.admits(left.events(left.noise(fit.possible)))


def test_what_earlier_rounds_cost_is_a_part_of_what_is_asked(tmp_path: Path) -> None:
    before = [gaussian(5.0)]
    book, probe = book_with(tmp_path, *before, gaussian(7.0)), methods.get("linear-probe")
    left = Remaining(probe, probe.constants({}), 1e-5, 2, before=before)
    fit = gaussian_fit(book, Guarantee(9.0, 1e-5), before=before, rounds=2)
    assert fit is not None
    assert not fit.fits
    assert left.largest_epsilon(book) - 0.011 < fit.possible <= left.largest_epsilon(book)
    assert 5 < fit.possible < 9
    none = gaussian_fit(book, Guarantee(4.0, 1e-5), before=before, rounds=2)  # less than is spent
    assert none is not None
    assert not none.fits


def test_it_says_nothing_where_it_is_too_close_to_call(tmp_path: Path) -> None:
    book = book_with(tmp_path)
    exactly = Guarantee(10.0, 0.9e-5)  # the part of delta that Gaussian events alone have
    assert gaussian_fit(book, exactly) is None
