"""Text in the pixels: burned-in names, dates and numbers that no header knows of.

:class:`~privxray.deid.pixels.text.text_finder.TextFinder` takes one frame and gives boxes. It never gives an
image a clean bill: that no text was found is all that it can say, and docs/BENCHMARKS.md says how much it
misses. Whatever an image's header claims about its pixels, (0028,0301) above all, is not asked.

========= ==================================================================================
markers   what radiographers write on films and what is therefore no patient's
views     a frame's values as 8-bit grey pictures that a reader can work on
engine    the two networks of rapidocr-onnxruntime, run by onnxruntime
boxes     from a probability map to boxes, and boxes of several passes to one list
finder    all of it together
========= ==================================================================================
"""
