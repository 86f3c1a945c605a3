"""Text in the pixels: burned-in names, dates and numbers that no header knows of.

:class:`~privxray.deid.pixels.text.text_finder.TextFinder` takes one frame and gives boxes. It never says that
an image is clean: it can only say that it found no text, and docs/BENCHMARKS.md says how much it misses.
Whatever an image's header claims about its pixels, (0028,0301) above all, is not asked.

============== ==================================================================================
text_box       a place with text, and the type of what finds such places
text_finder    all of the following together
contrast       a frame's values as the 8-bit pictures that the networks work on
tiles          large frames in parts
ocr_engine     the networks of rapidocr, run by onnxruntime
detected_lines from a probability map to rectangles at any angle
tilted_box     such a rectangle
straighten     a line of text cut out along its rectangle
reading        what was read, and whether it is text, and whether that can name a patient
markers        what radiographers write on films, and which therefore names no patient
============== ==================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privxray.deid.pixels.text.text_box import FindText


def load_finder(threads: int = 2) -> FindText:
    """What finds text in a frame. The networks are imported here, and not before.

    :param threads: CPU threads to compute with.
    :raises UsageError: the extra ``ocr`` is not installed.
    :raises SystemTroubleError: the networks' weights can't be read.
    :raises MalformedError: they are not the pinned ones.
    """
    from privxray.deid.pixels.text.text_finder import TextFinder

    return TextFinder(threads).find
