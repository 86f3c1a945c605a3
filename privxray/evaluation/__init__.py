"""How good a model is on held-out patients: figures with intervals, calibration, a threshold, subgroups.

Pure arithmetic on probabilities, labels and patient numbers. All of it is exact and about patients, so it is
for the hospital's own eyes. :mod:`privxray.evaluation.held_out` puts it together.
"""
