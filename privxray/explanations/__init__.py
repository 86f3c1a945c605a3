"""What a refusal means, and the words that privxray prints: data, and the pages made of it.

``reasons/*.toml`` lists every reason that an error can carry, ``glossary.toml`` the words. ``privxray help``
shows both; docs/REASONS.md and docs/GLOSSARY.md are made from them.
"""
