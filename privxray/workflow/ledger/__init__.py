"""A hospital's privacy ledger, compared with what its workspace remembers."""
