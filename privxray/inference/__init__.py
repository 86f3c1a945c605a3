"""Encrypted inference by files: a hospital encrypts features of its images, and the model owner computes.

The hospital keeps the images and the key; the owner keeps the weights. Three files travel:

* ``headers``: what an offer, a query and an answer say; ``terms``: on what conditions an owner answers;
* ``admit_inference`` and ``admit_body``: the rules by which the three are accepted;
* ``parameters`` and ``wire``: the parameters of the encryption, and polynomials as bytes;
* ``ring`` and ``drawn``: arithmetic with polynomials, and random ones;
* ``hospital_side`` encrypts and decrypts; ``owner_side`` computes on ciphertexts, and ``sandbox`` does so in
  a process of its own, because a stranger made them.
"""
