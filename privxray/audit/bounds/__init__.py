"""From an attacker's scores of one training to lower bounds on epsilon, each with what it takes for granted.

* ``epsilon_bound``: from right guesses, for any training (Steinke, Nasr and Jagielski 2023).
* ``curve_bound``: from the same guesses, for trainings whose trade-off curve is that of Gaussian noise of
some
  size (Mahloujifar, Melis and Chaudhuri 2024).
* ``mean_bound``: from how far apart the scores are, where these are Gaussian and independent as well (after
  Nasr et al. 2023).
* ``gaussian_curves``: what Gaussian noise of some size promises, in closed form.
* ``gaussian_test``: the last two bounds of one audit.
"""
