"""What mixed_study.py does not play, typed by the Windows Python: each by name, or all of them.

    CACHE/win tests/windows further_studies.py --list
    CACHE/win tests/windows further_studies.py hybrid waiver watch
    CACHE/win tests/windows further_studies.py --processes --said said.txt hybrid

It prints each command with its seconds and exit code, and ends with 1 where one did not end as it should or
wrote no file. All lies below a folder with blanks and an umlaut. Commands are typed in this process, where a
file that one of them leaves open is in the way of the next; with --processes each has a process of its own,
with the streams of a pipe. ``watch`` needs a console: `script -qc "CACHE/win ..." /dev/null` gives it one.
It runs on Linux as well, but for the Ctrl-C of ``watch``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import locale
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "cli"), str(ROOT / "tests" / "unit")]

import played_study  # noqa: E402 - found by the line above

# Four, so that a strict study may go on without one; the stages of the other modules take it over.
played_study.HOSPITALS = HOSPITALS = ("hospital-a", "hospital-b", "hospital-c", "hospital-d")

import played_hybrid  # noqa: E402
import played_keyholders  # noqa: E402
import played_succession  # noqa: E402
from played_study import Result, World, copy_world, snapshots_in  # noqa: E402

from privxray.exchange.intake import read_again  # noqa: E402
from privxray.exchange.messages.update import UpdateHeader  # noqa: E402
from privxray.system import private_files  # noqa: E402
from privxray.workflow.hospital import export_update  # noqa: E402

TRAINED = ("--epsilon", "6")
DP_SGD = """
method: dp-sgd
rounds: 1
constants: {steps: 2, sampling_rate: 0.5, expected_batch_size: 5, image_size: 32}
"""


class Typist:
    """Types what :class:`World` is asked to type, and keeps count of how each command ended."""

    def __init__(self, said: IO[str] | None, *, processes: bool) -> None:
        self.said, self.processes = said, processes
        self.ended: Counter[tuple[str, int]] = Counter()
        self.typed_here = played_study.typed

    def type(self, line: list[str]) -> Result:
        """Type a command; :func:`played_study.typed` is this as long as the studies are played."""
        start = time.monotonic()
        result = self._in_a_process(line) if self.processes else self.typed_here(line)
        words = line[2:] if line[0] == "-C" else line
        party = Path(line[1]).name if line[0] == "-C" else ""
        self.ended[(words[0], result.code)] += 1
        shown = " ".join(word for word in words if "passphrase" not in word)
        seconds = time.monotonic() - start
        print(f"{party:13} {shown[:84]:84} {result.code:3} {seconds:6.1f} s", flush=True)
        if self.said is not None:
            self.said.write(f"$ {party}: {' '.join(words)}\n[{result.code}]\n{result.out}{result.err}\n")
            self.said.flush()
        assert "Traceback" not in result.out + result.err, result.err
        return result

    def _in_a_process(self, line: list[str]) -> Result:
        done = subprocess.run(
            [*PRIVXRAY, *line], env=environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        # --json is ASCII; a text has the encoding that pipes have there, such as cp1252.
        streams = (stream.decode(locale.getencoding(), "replace") for stream in (done.stdout, done.stderr))
        out, err = (stream.replace("\r\n", "\n") for stream in streams)
        return Result(done.returncode, out, err)


PRIVXRAY = [sys.executable, "-m", "privxray"]


def environment() -> dict[str, str]:
    """The variables of a process that finds this tree's package."""
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}


Stage = Callable[[str], World]
"""A copy of a study at one of the stages of played_*.py."""


def delivered(world: World, *words: str, by: tuple[str, ...] = HOSPITALS) -> None:
    """Hospitals do their part of the open round, if ``words`` say how; the updates are carried."""
    for party in by:
        if words:
            world.ok(party, *words)
        world.carry(world.ok(party, "export-update", asks=True)["update"], "coordinator", "updates")


def summed(world: World, number: int, *, proven: bool = True, by: tuple[str, ...] = HOSPITALS) -> Any:
    """The coordinator adds up round ``number``, and hospitals take in what comes of it."""
    made = world.ok("coordinator", "aggregate", f"updates/*-{number:04d}.enc", asks=True)
    for party in by:
        file = world.carry(made.get("model") or made["summary"], party)
        told = world.ok(party, "accept", file, asks=True)
        assert bool(told.get("proven")) is proven, told
    return made


def in_order(world: World, *parties: str) -> None:
    """``status``, ``exports``, ``doctor`` and ``budget`` answer, and nothing is amiss in the workspaces."""
    for party in parties:
        for command in ("status", "exports", *(("budget",) if "hospital" in party else ())):
            told = world.type(party, command)
            assert told.code == 0, told.out + told.err
        told = world.type(party, "doctor", "--json")
        wrong = {one["check"] for one in told.json["checks"] if one["result"] == "error"}
        # A folder that was copied keeps no access lists on Windows, and doctor says so.
        assert told.code == 0 or (os.name == "nt" and wrong == {"permissions"}), told.out


@contextlib.contextmanager
def altered_software() -> Iterator[None]:
    """What is exported meanwhile, in this process, is not what it commits to."""
    right, typing = export_update.conceal_committed, played_study.typed

    def wrong(scalars: list[int], *more: Any, **named: Any) -> Any:
        done = right(scalars, *more, **named)
        scalars[3] += 1
        return done

    export_update.conceal_committed = wrong
    played_study.typed = TYPIST.typed_here
    try:
        yield
    finally:
        export_update.conceal_committed, played_study.typed = right, typing


def spoilt(stage: Stage) -> World:
    """Round 1 of a strict study with an update of hospital-b that is not as committed."""
    world = stage("trained")
    with altered_software():
        delivered(world, by=("hospital-b",))
    delivered(world, by=tuple(one for one in HOSPITALS if one != "hospital-b"))
    assert world.refused("coordinator", "aggregate", "updates/*.enc", asks=True) == "update.not-as-committed"
    return world


def spent(world: World, party: str) -> float:
    """Epsilon that a hospital's ledger has admitted."""
    return float(world.ok(party, "budget")["admitted"])


def commitment(world: World, party: str, number: int) -> Any:
    """What an update of a hospital is committed to."""
    update = world[party] / "updates" / f"{party}-pneumonia-{number:04d}.enc"
    return read_again(update).envelope.claim(UpdateHeader).commitment


def hybrid(stage: Stage) -> None:
    """Hybrid masks: the agreement, then two training rounds."""
    world = stage("hybrid-came")
    for party in HOSPITALS:
        world.ok(party, "accept", played_hybrid.TRAINS, asks=True)
    delivered(world, "train", *TRAINED)
    made = summed(world, 3)
    for party in HOSPITALS:
        world.ok(party, "accept", world.carry(made["plan"], party))
    delivered(world, "train", *TRAINED)
    summed(world, 4)
    page = world["hospital-a"] / world.ok("hospital-a", "report", "privacy")["reports"][0]
    assert "rest on X25519 and ML-KEM-768 together" in page.read_text("utf-8")
    in_order(world, "hospital-a", "coordinator")


def repeat(stage: Stage) -> None:
    """A strict round with a wrong update is repeated: who was right sends the same vector at no cost."""
    world = spoilt(stage)
    before = {party: spent(world, party) for party in HOSPITALS}
    planned = world.ok("coordinator", "plan", "--repeat", "updates/*.enc", asks=True)
    for party in HOSPITALS:
        world.ok(party, "accept", world.carry(planned["plan"], party))
    assert world.refused("hospital-b", "train") == "budget.paid-before"
    world.ok("hospital-b", "train", "--epsilon", "3")
    delivered(world)
    for party in HOSPITALS:
        assert (spent(world, party) > before[party]) is (party == "hospital-b")
        assert (commitment(world, party, 1) == commitment(world, party, 2)) is (party != "hospital-b")
    summed(world, 2)
    in_order(world, "hospital-a", "coordinator")


def waiver(stage: Stage) -> None:
    """The same, and the hospital signs that the round goes on without it."""
    world = spoilt(stage)
    left = tuple(one for one in HOSPITALS if one != "hospital-b")
    world.carry(world.ok("hospital-b", "waive", asks=True)["waiver"], "coordinator", "waivers")
    planned = world.ok("coordinator", "plan", "--repeat", "updates/*.enc", "waivers/*", asks=True)
    before = spent(world, "hospital-a")
    for party in left:
        plan = world.carry(planned["plan"], party)
        world.ok(party, "accept", plan, "--key-words", planned["key_words"])
    delivered(world, by=left)
    assert summed(world, 2, by=left)["hospitals"] == 3
    assert spent(world, "hospital-a") == before
    assert world.refused("hospital-b", "accept", world.carry(planned["plan"], "hospital-b")) == "plan.waived"
    in_order(world, "hospital-a", "hospital-b", "coordinator")


def held(stage: Stage) -> None:
    """Too few keyholders answer; the round is repeated with other keys, and without one that waives."""
    four, trustees = played_keyholders.HOSPITALS[:4], played_keyholders.TRUSTEES
    world = stage("keyholders-exported")
    played_keyholders.deliver(world, "hospital-e")
    world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    played_keyholders.answer(world, "hospital-a", "notary")
    for party in ("hospital-b", "university"):
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "fresh")
    assert world.refused("coordinator", "aggregate", "shares/*.share", asks=True) == "cohort.missing"
    world.carry(world.ok("hospital-e", "waive", asks=True)["waiver"], "coordinator", "fresh")
    repetition = ("plan", "--repeat", "shares/*.share", "fresh/*.card", "fresh/*.waiver")
    planned = world.ok("coordinator", *repetition, asks=True)
    before = {party: spent(world, party) for party in four}
    for party in (*four, *trustees):
        plan = world.carry(planned["plan"], party)
        world.ok(party, "accept", plan, "--key-words", planned["key_words"])
    delivered(world, by=four)
    asked = world.ok("coordinator", "aggregate", "updates/*.enc", asks=True)
    for party in ("hospital-a", *trustees):
        share = world.ok(party, "unmask", world.carry(asked["request"], party), asks=True)["share"]
        world.carry(share, "coordinator", "shares")
    made = world.ok("coordinator", "aggregate", "shares/*.share", asks=True)
    for party in four:
        assert world.ok(party, "accept", world.carry(made["model"], party), asks=True)["proven"]
    assert before == {party: spent(world, party) for party in four}
    in_order(world, "hospital-a", "notary", "coordinator")


def refusals(stage: Stage) -> None:
    """One of four keyholders answers, three swear to answer nothing, so the round may be repeated."""
    world = stage("keyholders-requested")
    share = world.ok("hospital-a", "unmask", "received/round-0001.request", asks=True)["share"]
    world.carry(share, "coordinator", "sworn")
    for party in ("hospital-b", *played_keyholders.TRUSTEES):
        world.carry(world.ok(party, "refuse", asks=True)["refusal"], "coordinator", "sworn")
    planned = world.ok("coordinator", "plan", "--repeat", "sworn/*", "--without", "hospital-e", asks=True)
    plan = world.carry(planned["plan"], "hospital-d")
    world.ok("hospital-d", "accept", plan, "--key-words", planned["key_words"])


def counts(stage: Stage) -> None:
    """``describe --contribute``, a training, ``evaluate --contribute``, and every page of it."""
    world = stage("evaluating")
    delivered(world, "evaluate", "--contribute")
    summed(world, 4)
    for party in HOSPITALS:
        assert world.ok(party, "describe")["classes"]
    told = world.ok("coordinator", "report", "study", "--licence", "CC-BY-4.0")
    pages = [told["report"], told["model_card"], told["model_card_page"]]
    pages += world.ok("hospital-a", "report", "privacy")["reports"]
    world.ok("hospital-a", "report", "training")
    for page in pages:
        party = "hospital-a" if "privacy" in page else "coordinator"
        text = (world[party] / page).read_bytes().decode("utf-8")
        assert "\r" not in text, page
        assert re.search(r"\b[A-Z]:\\", text) is None, f"{page} names a folder of this machine"
    in_order(world, "hospital-a", "coordinator")


def recovery(stage: Stage) -> None:
    """A hospital loses its keys, and comes back by the words on its paper."""
    world = stage("initialised")
    for party in HOSPITALS:
        words = world.root / f"{party}.recovery"
        world.ok(party, "recovery", "make", words, asks=True)
        assert not private_files.others_may_read(words)
        assert world.ok(party, "recovery", "check", words) == {"right": True}
        world.carry(world.ok(party, "card", asks=True)["card"], "coordinator", "cards")
    planned = world.ok("coordinator", "plan", "cards/*.card", asks=True)
    for party in HOSPITALS:
        world.ok(party, "join", world.carry(planned["plan"], party), "--key-words", planned["key_words"])
    world["hospital-a"].rename(world["dead"])
    world["hospital-a"].mkdir()
    made = world.ok("hospital-a", "init", "--role", "hospital", "--name", "hospital-a", asks=True)
    file, words = world.root / "a.succession", world.root / "hospital-a.recovery"
    world.ok("hospital-a", "succeed", planned["plan"], file, "--recovery", words, asks=True)
    for party in ("coordinator", *HOSPITALS[1:]):
        assert world.ok(party, "distrust", file)["why"] == "recovery"
    cards = [made["card"], *(world.ok(party, "card", asks=True)["card"] for party in HOSPITALS[1:])]
    again = world.ok("coordinator", "plan", *cards, "--continue", "--without", "hospital-a", asks=True)
    for party in HOSPITALS:
        world.ok(party, "join", world.carry(again["plan"], party), "--key-words", again["key_words"])
    in_order(world, "hospital-a", "hospital-b", "coordinator")


def votes(stage: Stage) -> None:
    """The coordinator's key is lost; hospitals vote for another one, which trains a model."""
    world = stage("succession")
    played_succession.exported(world, "coordinator", "--epsilon", "4")
    before = played_succession.newest_plan(world)
    shutil.rmtree(world["coordinator"])
    told = played_succession.candidate(world)
    for party in HOSPITALS[:3]:
        played_succession.vote(world, party, told)
    file = world.root / "pneumonia.succession"
    line = ("succeed", before, file, "--votes", "votes")
    assert world.ok("coordinator-2", *line, asks=True)["voters"] == list(HOSPITALS[:3])
    (world["coordinator-2"] / "cards").mkdir()
    for party in HOSPITALS:
        world.ok(party, "join", file)
        shutil.copy(world.ok(party, "card", asks=True)["card"], world["coordinator-2"] / "cards")
    planned = world.ok("coordinator-2", "plan", "cards/*.card", "--continue", asks=True)
    for party in HOSPITALS:
        world.ok(party, "join", world.carry(planned["plan"], party), "--key-words", planned["key_words"])
    played_succession.exported(world, "coordinator-2", "--epsilon", "1")
    model = world.ok("coordinator-2", "aggregate", "updates/*.enc", asks=True)["model"]
    for party in HOSPITALS:
        assert world.ok(party, "accept", world.carry(model, party), asks=True)["proven"]
    world.ok("coordinator-2", "report", "study")
    in_order(world, "hospital-a", "coordinator-2")


def watch(stage: Stage) -> None:
    """``status --watch`` tells of a file that comes, leaves it alone, and ends by Ctrl-C with 0."""
    world = stage("joined-not")
    told = world.type("hospital-a", "status", "--watch", "received", "--once", "--json")
    assert [json.loads(one)["kind"] for one in told.out.splitlines()] == ["plan"]
    if not has_console():
        print("watch: not ended by Ctrl-C, since there is no console here (see --help)")
        return
    folder = world.root / "gateway"
    folder.mkdir()
    line = [*PRIVXRAY, "-C", str(world["hospital-a"]), "status", "--watch", str(folder), "--json"]
    with subprocess.Popen(line, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        print(child.stderr.readline().decode(locale.getencoding(), "replace").rstrip())
        part = folder / "plan-0001.plan.part"
        shutil.copy(world["coordinator"] / "plan-0001.plan", part)
        part.rename(folder / "plan-0001.plan")
        assert json.loads(child.stdout.readline())["kind"] == "plan"
        (folder / "plan-0001.plan").replace(folder / "again.plan")  # it holds nothing open
        (folder / "again.plan").unlink()
        start = time.monotonic()
        end_by_ctrl_c()
        out, err = child.communicate(timeout=120)
    print(f"watch: ended by Ctrl-C with {child.returncode} after {time.monotonic() - start:.1f} s")
    assert (child.returncode, out, err) == (0, b"", b""), (child.returncode, out, err)


def has_console() -> bool:
    """Whether Ctrl-C can be sent from here: a console of Windows that this process belongs to."""
    if os.name != "nt":
        return False
    import ctypes

    few = (ctypes.c_uint32 * 4)()
    return bool(ctypes.windll.kernel32.GetConsoleProcessList(few, 4))  # type: ignore[attr-defined,unused-ignore]


def end_by_ctrl_c() -> None:
    """Send Ctrl-C to every process of this console; this one passes over it."""
    import ctypes
    import signal

    signal.signal(signal.SIGINT, lambda *_: None)
    ctypes.windll.kernel32.GenerateConsoleCtrlEvent(0, 0)  # type: ignore[attr-defined,unused-ignore]


def shards(stage: Stage) -> None:
    """A check of folders and a zip by two machines: the result is that of one."""
    from shard_world import make_set

    world = stage("initialised")
    make_set(world["hospital-a"] / "images")
    key = ("--key-file", "job.key")

    def check(*words: str, code: int = 0) -> Result:
        result = world.type("hospital-a", "check", *words)
        assert result.code == code, result.err
        return result

    os.chdir(world["hospital-a"])
    check("key", "job.key")
    assert not private_files.others_may_read(world["hospital-a"] / "job.key")
    for number in ("1", "2"):
        check("terms", "images", "--shard", f"{number}/2", *key, "--out", f"terms-{number}.part")
    check("terms", "--merge", "terms-1.part", "terms-2.part", *key, "--out", "all.terms")
    for number in ("1", "2"):
        line = ("images", "--shard", f"{number}/2", "--terms", "all.terms", *key)
        check(*line, "--out", f"part-{number}.result", "--json")
        assert check(*line, "--out", f"part-{number}.result", "--json").json["before"]
    written = []
    for line in (("images",), ("--merge", "part-2.result", "part-1.result", *key)):
        out = check(*line, "--json", "--csv", "out.csv", "--report", "out.html", "--force", code=3)
        csv = (world["hospital-a"] / "out.csv").read_bytes()
        page = re.sub(rb"\d{4}-\d\d-\d\d \d\d:\d\d", b"", (world["hospital-a"] / "out.html").read_bytes())
        written.append((out.out, csv, page))
    assert written[0] == written[1]
    assert b"d.zip" in written[0][1], "files in a zip are named by it"
    with zipfile.ZipFile("source.zip", "w") as archive:
        for path in Path("source/images").iterdir():
            archive.write(path, f"Ordner für Bilder/{path.name}")
    assert check("source.zip", "--json", "--jobs", "2").json["files"]
    world.ok("hospital-a", "deidentify", "source.zip", "copies")
    os.chdir(ROOT)


def withdraw(stage: Stage) -> None:
    """A patient is taken out after the export; the confirmation is private."""
    world = stage("exported")
    who, page = world.root / "who.txt", world.root / "Bestätigung.html"
    os.close(private_files.open_new(who, private_files.PRIVATE))
    who.write_bytes(b"\xef\xbb\xbfpatient-0-0\r\n")
    told = world.ok("hospital-a", "withdraw", "--from", who, "--out", page)
    assert (told["before"], told["images"]) == (False, 2), told
    assert not private_files.others_may_read(page)
    again = world.ok("hospital-a", "withdraw", "--from", who, "--out", page, "--force")
    assert again["before"]
    assert (
        "2 images of patients who withdrew"
        in world.type(
            "hospital-a", "ingest", "source/images", "--labels", "source/labels.csv", "--replace"
        ).err
    )
    in_order(world, "hospital-a")


def dp_sgd(stage: Stage) -> None:
    """A small network from nothing: three steps at each hospital, no commitments."""
    world = stage("initialised")
    (world["coordinator"] / "terms.yaml").write_text(DP_SGD, "utf-8")
    planned = world.ok("coordinator", "plan", "cards/*.card", "--from", "terms.yaml", asks=True)
    for party in HOSPITALS:
        world.ok(party, "join", world.carry(planned["plan"], party), "--key-words", planned["key_words"])
        world.ok(party, "ingest", "source/images", "--labels", "source/labels.csv")
    delivered(world, "train", *TRAINED)
    summed(world, 1, proven=False)
    world.ok("hospital-a", "evaluate")
    in_order(world, "hospital-a")


def demo(stage: Stage) -> None:
    """The worked example on a csv of three sites, with its encrypted prediction."""
    from test_demo import collection

    folder = stage("initialised").root / "Vorführung"
    labels = collection(folder / "data")
    told = played_study.typed(
        ["demo", str(folder / "out"), "--data", str(labels), "--epsilon", "4", "--json"]
    )
    assert told.code == 0, told.err
    assert told.json["inference"]["label"]
    again = played_study.typed(["demo", str(folder / "out"), "--data", str(labels), "--json"])
    assert again.json["error"]["reason"] == "demo.finished"
    replaced = ["demo", str(folder / "out"), "--data", str(labels), "--force"]
    shown = played_study.typed(replaced)
    assert shown.code == 0, shown.err


STUDIES: dict[str, Callable[[Stage], None]] = {
    one.__name__: one
    for one in (
        hybrid,
        repeat,
        waiver,
        held,
        refusals,
        counts,
        recovery,
        votes,
        watch,
        shards,
        withdraw,
        dp_sgd,
        demo,
    )
}
TYPIST: Typist


def main() -> int:
    """Play what is named; the number that failed is told last."""
    global TYPIST
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(STUDIES)}")
    parser.add_argument("--list", action="store_true", help="print the names and what each plays")
    parser.add_argument("--processes", action="store_true", help="a process for each command")
    parser.add_argument("--said", type=Path, help="write what every command said into this file")
    options = parser.parse_args()
    if options.list:
        print(
            *(f"{name:10} {(play.__doc__ or '').splitlines()[0]}" for name, play in STUDIES.items()), sep="\n"
        )
        return 0
    failed = []
    with contextlib.ExitStack() as stack:
        said = stack.enter_context(options.said.open("w", encoding="utf-8")) if options.said else None
        os.chdir(ROOT)  # paths that commands tell are relative where one stands above the workspaces
        TYPIST = Typist(said, processes=options.processes)
        sys.stdin = io.StringIO()  # nobody is to be asked, at a console either
        played_study.typed = TYPIST.type
        top = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        base = top / "Klinik für Kinder"
        (base / "stages").mkdir(parents=True)
        snapshots = snapshots_in(base / "stages")
        played_study.BESIDES["succession"] = ("untrained", lambda world, _: succession_planned(world))
        for name in options.names or STUDIES:
            start, before = time.monotonic(), TYPIST.ended.total()
            world = iter([base / name])

            def stage(wanted: str, folders: Iterator[Path] = world) -> World:
                return World(copy_world(snapshots(wanted), next(folders)))

            try:
                STUDIES[name](stage)
            except Exception as error:  # noqa: BLE001 - the others are played all the same
                import traceback

                traceback.print_exc()
                failed.append(name)
                print(f"{name}: FAILED, {type(error).__name__}")
            commands = TYPIST.ended.total() - before
            print(f"{name}: {commands} commands, {time.monotonic() - start:.0f} s\n", flush=True)
        for (command, code), times in sorted(TYPIST.ended.items()):
            print(f"{command:14} ended with {code:2}, {times} times")
    print("failed:", *failed or ["none"])
    return int(bool(failed))


def succession_planned(world: World) -> None:
    """Recovery keys, and a plan of two rounds that names who may vote."""
    for party in HOSPITALS:
        world.ok(party, "recovery", "make", world.root / f"{party}.recovery", asks=True)
    named = ("--replace", "--rounds", "2", "--successors", ",".join(HOSPITALS))
    played_succession.planned_anew(world, "coordinator", *named)


if __name__ == "__main__":
    sys.exit(main())
