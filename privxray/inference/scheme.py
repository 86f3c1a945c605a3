"""The CKKS scheme: TenSEAL's binding of SEAL, and residue arrays to its objects and back.

Both sides use it, and it is the only module that knows the library's file layout. The binding reads and
writes objects by file name only. What it reads is put together here in memory (in a file without a name,
where the system has such files): a prefix that the parameters fix, and residues that
:mod:`~privxray.inference.wire` has checked. What it would write is taken out number by number instead, since
the binding's own files are compressed.

SEAL's objects have the type ``Any`` here: the binding has no type information.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privxray.errors import SystemTroubleError, UsageError
from privxray.inference import parameters
from privxray.inference.wire import Residues
from privxray.system.named_file import named_file

INSTALL = "pip install privxray[inference]"
_HEADER = struct.Struct("<HBBBB2xQ")  # magic, header size, version (2), compression, reserved, whole size
_MAGIC = 0xA15E


def require_library() -> Any:
    """TenSEAL's binding of SEAL.

    :raises UsageError: the extra is not installed.
    """
    try:
        import tenseal.sealapi as seal
    except ImportError:
        raise UsageError(
            "encrypted inference needs an extra package",
            reason="inference.not-installed",
            advice=f"Type: {INSTALL}",
        ) from None
    return seal


class Scheme:
    """SEAL, set up with :mod:`~privxray.inference.parameters`. A process needs one.

    :raises UsageError: the extra is not installed.
    :raises SystemTroubleError: the installed library makes other primes, or refuses these parameters.
    """

    def __init__(self) -> None:
        self.seal = seal = require_library()
        settings = seal.EncryptionParameters(seal.SCHEME_TYPE.CKKS)
        settings.set_poly_modulus_degree(parameters.DEGREE)
        primes = seal.CoeffModulus.Create(parameters.DEGREE, list(parameters.PRIME_BITS))
        settings.set_coeff_modulus(primes)
        self.context = seal.SEALContext(settings, True, seal.SEC_LEVEL_TYPE.TC128)
        found = tuple(prime.value() for prime in primes)
        if found != parameters.PRIMES or not self.context.parameters_set():
            raise SystemTroubleError(
                "the installed TenSEAL can't compute with this version's parameters",
                reason="inference.other-library",
                advice=f"Type: {INSTALL}",
            )
        with named_file(b"") as path:
            settings.save(path)
            self._version = Path(path).read_bytes()[3:5]

    @cached_property
    def encoder(self) -> Any:
        """SEAL's ``CKKSEncoder``: slots to polynomials and back."""
        return self.seal.CKKSEncoder(self.context)

    @cached_property
    def evaluator(self) -> Any:
        """SEAL's ``Evaluator``: arithmetic on ciphertexts."""
        return self.seal.Evaluator(self.context)

    @cached_property
    def _levels(self) -> dict[int, Any]:
        levels, data = {}, self.context.key_context_data()
        while data is not None:
            levels[len(data.parms().coeff_modulus())] = data.parms_id()
            data = data.next_context_data()
        return levels

    def level(self, primes: int) -> Any:
        """SEAL's parameter id of polynomials over the first ``primes`` primes, 1 to 4; keys have all four."""
        return self._levels[primes]

    def plain(self, values: NDArray[Any], primes: int, scale: float) -> Any:
        """A plaintext with up to 4,096 real or complex numbers in its slots; the rest is zero."""
        plain = self.seal.Plaintext()
        self.encoder.encode(values.tolist(), self.level(primes), scale, plain)
        return plain

    def ciphertext(self, residues: Residues, scale: float) -> Any:
        """A ciphertext from residues of shape [2, primes, 8192]."""
        made = self.seal.Ciphertext()
        self._load(made, self._ciphertext_bytes(residues, scale))
        return made

    def public_key(self, residues: Residues) -> Any:
        """A public key from residues of shape [2, 4, 8192]."""
        made = self.seal.PublicKey()
        self._load(made, self._ciphertext_bytes(residues, 1.0))
        return made

    def secret_key(self, residues: Residues) -> Any:
        """A secret key from residues of shape [4, 8192]."""
        made = self.seal.SecretKey()
        start = _words(self.level(parameters.KEY_PRIMES)) + struct.pack("<Qd", residues.size, 1.0)
        self._load(made, start + self._framed(struct.pack("<Q", residues.size) + residues.tobytes()))
        return made

    def rotation_keys(self, keys: Mapping[int, Residues]) -> Any:
        """Rotation keys, each of shape [3, 2, 4, 8192], by rotation step."""
        by_index = {parameters.galois_element(step) >> 1: key for step, key in keys.items()}
        parts = [_words(self.level(parameters.KEY_PRIMES)), struct.pack("<Q", parameters.DEGREE)]
        for index in range(parameters.DEGREE):
            digits = by_index.get(index, ())
            parts.append(struct.pack("<Q", len(digits)))
            parts += [self._framed(self._ciphertext_bytes(digit, 1.0)) for digit in digits]
        made = self.seal.GaloisKeys()
        self._load(made, b"".join(parts))
        return made

    def residues(self, made: Any, primes: int) -> Residues:
        """The residues of a ciphertext or a public key, shape [2, primes, 8192]."""
        return self.numbers(made.dyn_array(), 2 * primes).reshape(2, primes, parameters.DEGREE)

    def numbers(self, array: Any, polynomials: int) -> Residues:
        """The residues in an array of SEAL's, shape [polynomials, 8192]."""
        size = array.size()
        # Its size follows from the operation that made it, never from the numbers of a stranger.
        assert size == polynomials * parameters.DEGREE, "SEAL made an array of another size"
        return np.fromiter(map(array.__getitem__, range(size)), np.uint64, size).reshape(
            polynomials, parameters.DEGREE
        )

    def _ciphertext_bytes(self, residues: Residues, scale: float) -> bytes:
        primes = residues.shape[1]
        form = struct.pack("<?QQQdQ", True, 2, parameters.DEGREE, primes, scale, 1)
        data = struct.pack("<Q", residues.size) + residues.tobytes()
        return _words(self.level(primes)) + form + self._framed(data)

    def _framed(self, data: bytes) -> bytes:
        major, minor = self._version
        return _HEADER.pack(_MAGIC, _HEADER.size, major, minor, 0, _HEADER.size + len(data)) + data

    def _load(self, made: Any, data: bytes) -> None:
        with named_file(self._framed(data)) as path:
            made.load(self.context, path)


def _words(parms_id: Any) -> bytes:
    return struct.pack("<4Q", *parms_id)
