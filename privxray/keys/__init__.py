"""Who is who: key pairs, passphrases, cards, rosters and the key words that people compare by phone."""
