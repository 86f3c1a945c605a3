"""Attacks on privxray's own engines, and what their outcome proves.

An audit can show that an engine leaks more than it claims. It can't show that one does not: a quiet attack
is a weak attack until shown otherwise, which is why each is tried on engines that were broken on purpose
(tests), and each result says what it could not have seen.

* ``one_run``: a lower bound on epsilon from one training (Steinke, Nasr and Jagielski 2023), with canaries of
  ``probe_canaries`` and ``sgd_canaries``;
* ``membership``: who was trained on, by the loss (Yeom et al. 2018; Carlini et al. 2022);
* ``inversion``: the image behind an update (Geiping et al. 2020).

Nothing here draws from a statistical generator: coins, canaries and starting points of a search come from the
source that noise comes from.
"""
