"""What a person decides by about a travelling file, from its header alone.

``summary_of`` sums up a file of any kind: ``of_studies`` and ``of_parties`` have a function for each kind.
``told`` says what a summary consists of.
"""
