"""Making and opening the keys that serve one plan: of masks, of possible keyholders, and for hybrid masks.

Tested in tests/cli/test_keyholders.py.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from privxray.keys.encapsulation_statement import EncapsulationStatement, state_encapsulation_key
from privxray.keys.identity import Identity
from privxray.keys.mask_statement import MaskStatement, state_mask_key
from privxray.keys.sealing_keys import SealingKey
from privxray.keys.unsealing_statement import UnsealingStatement
from privxray.workspace.state import State


def new_mask_key(state: State, identity: Identity, study: str | None) -> MaskStatement:
    """Make a mask key, keep its private half, and state its public half; call it in a transaction."""
    private, number = X25519PrivateKey.generate(), state.mask_keys.next_number()
    statement = state_mask_key(private, study, number, identity.signing)
    state.mask_keys.add(private.private_bytes_raw(), statement.key, number, study, identity)
    return statement


def open_mask_key(state: State, public: str, identity: Identity) -> X25519PrivateKey:
    """The private half of the mask key that a plan names.

    :raises RefusedError: it is used up.
    """
    return X25519PrivateKey.from_private_bytes(state.mask_keys.open(public, identity))


def new_unsealing_key(state: State, identity: Identity, study: str | None) -> UnsealingStatement:
    """Make an unsealing key, keep its private half, and state its public half; call it in a transaction."""
    private, number = SealingKey.generate(), state.unsealing_keys.next_number()
    statement = UnsealingStatement.sign(private.public(), study, number, identity.signing)
    state.unsealing_keys.add(private.secret(), statement.key, number, study, identity)
    return statement


def open_unsealing_key(state: State, public: str, identity: Identity) -> SealingKey:
    """The private half of the unsealing key that a plan names.

    :raises RefusedError: it is used up.
    """
    return SealingKey.from_secret(state.unsealing_keys.open(public, identity))


def new_encapsulation_key(state: State, identity: Identity, study: str | None) -> EncapsulationStatement:
    """Make an encapsulation key, keep its seed, and state its public half; call it in a transaction."""
    ring = state.encapsulation_keys
    private, number = MLKEM768PrivateKey.generate(), ring.next_number()
    statement = state_encapsulation_key(private, study, number, identity.signing)
    ring.add(private.private_bytes_raw(), statement.key, number, study, identity)
    return statement


def open_encapsulation_key(state: State, public: str, identity: Identity) -> MLKEM768PrivateKey:
    """The private half of the encapsulation key that a plan names.

    :raises RefusedError: it is used up.
    """
    return MLKEM768PrivateKey.from_seed_bytes(state.encapsulation_keys.open(public, identity))
