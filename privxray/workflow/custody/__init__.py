"""Keys and workspaces over the years: another passphrase, a backup, a key that is given up (docs/KEYS.md)."""
