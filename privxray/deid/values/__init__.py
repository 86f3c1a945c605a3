"""What a value looks like, whatever attribute holds it, and how a name is found in a text.

``shapes`` and ``dummies`` tell names, dates and pseudonyms by their form. ``vocabulary``, ``defined_terms``
and ``unknown_text`` know which words are terms. ``name_terms`` says what is looked for of a name, with
``spellings`` and ``unspaced_scripts``; ``printable``, ``glued``, ``long_words``, ``encoded_search`` and
``substrings`` find it.
"""
