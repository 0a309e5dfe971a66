"""End-to-end encryption with pre-shared keys: COSE_Encrypt0 (RFC 9052).

The broker sees topic, size and time, not the payload. Each sender has an AEAD
key of its own, derived from the shared one, and the ciphertext is bound to
topic and sender: a copy elsewhere, or under another signature, does not open.
"""

from __future__ import annotations

import os
import secrets
import stat
from base64 import b64decode
from pathlib import Path
from typing import Dict, Optional

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .cbor import CBORTag, decode, encode, malformed
from .cose import ALG, ENCRYPT0, IV, KID, parse_encrypt, parse_encrypt0
from .errors import NotaryError
from .keys import hkdf

_IV_BYTES = 12
#: COSE algorithm by bytes of the key: A128GCM and A256GCM.
_ALGORITHMS = {16: 1, 32: 3}
#: Tags 16 and 96 in their only form: other payloads are not even looked at.
_ENCRYPT0, _ENCRYPT = b"\xd0", b"\xd8\x60"
#: In the place of a thumbprint in the derivation when nobody signs.
_NOBODY = bytes(32)


class PreSharedKeys:
    """Keys by name, of 16 or 32 bytes."""

    def __init__(self, keys: Dict[str, bytes]) -> None:
        for name, key in keys.items():
            if len(key) not in _ALGORITHMS:
                raise NotaryError("ERR_NO_ENCRYPTION_KEY", f"{name} has no 16 or 32 bytes")
        self._keys = dict(keys)

    @staticmethod
    def load(path: Path) -> "PreSharedKeys":
        """Read lines `NAME:KEY`, the key in hex or base64.

        The file must be nobody else's to read. Raises ERR_NO_ENCRYPTION_KEY.
        """
        try:
            if stat.S_IMODE(os.stat(path).st_mode) & 0o077:
                raise _unusable(path, "is open to others: chmod 600")
            content = Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as cause:
            raise _unusable(path, "cannot be read") from cause
        keys = {}
        for number, line in enumerate(content.split("\n"), 1):
            if line.strip() == "" or line.startswith("#"):
                continue
            name, _, text = line.strip().partition(":")
            key = _key_of_text(text)
            if key is None or name in keys or not 0 < len(name.encode()) <= 64:
                raise _unusable(path, f"line {number} is no NAME:KEY")
            keys[name] = key
        return PreSharedKeys(keys)

    def seal(
        self, name: str, topic: str, payload: bytes, sender: Optional[bytes]
    ) -> bytes:
        """Encrypt under the key of this name.

        `sender` is the 32-byte thumbprint of who signs the message, None when
        nobody does. Raises ERR_NO_ENCRYPTION_KEY.
        """
        shared = self._keys.get(name)
        if shared is None:
            raise NotaryError("ERR_NO_ENCRYPTION_KEY", f"there is no key {name}")
        protected = encode({ALG: _ALGORITHMS[len(shared)]})
        iv = secrets.token_bytes(_IV_BYTES)
        ciphertext = AESGCM(_sender_key(shared, sender)).encrypt(
            iv, payload, _associated(protected, topic, sender)
        )
        unprotected = {KID: name.encode(), IV: iv}
        return encode(CBORTag(ENCRYPT0, [protected, unprotected, ciphertext]))

    def open(self, topic: str, message: bytes, sender: Optional[bytes]) -> bytes:
        """Decrypt a COSE_Encrypt0.

        Raises ERR_MALFORMED, ERR_NO_ENCRYPTION_KEY, ERR_NOT_DECRYPTED.
        """
        if message.startswith(_ENCRYPT):
            raise NotaryError("ERR_NO_ENCRYPTION_KEY", "it is for the keys of its readers")
        protected, unprotected, ciphertext = parse_encrypt0(message)
        name, iv = _headers(unprotected)
        shared = self._keys.get(name)
        if shared is None or not isinstance(protected, bytes):
            raise NotaryError("ERR_NO_ENCRYPTION_KEY", "no key has the name it gives")
        if decode(protected) != {ALG: _ALGORITHMS[len(shared)]}:
            raise NotaryError("ERR_NO_ENCRYPTION_KEY", f"{name} is for another algorithm")
        if not isinstance(ciphertext, bytes):
            raise malformed("ciphertext")
        try:
            return AESGCM(_sender_key(shared, sender)).decrypt(
                iv, ciphertext, _associated(protected, topic, sender)
            )
        except (InvalidTag, ValueError) as cause:
            raise NotaryError(
                "ERR_NOT_DECRYPTED", "not this sender's ciphertext for this topic"
            ) from cause


def is_encrypted(payload: bytes) -> bool:
    """Tell whether a payload has the form of a COSE_Encrypt0 or COSE_Encrypt."""
    try:
        if payload.startswith(_ENCRYPT0):
            _headers(parse_encrypt0(payload)[1])
        elif payload.startswith(_ENCRYPT):
            _headers(parse_encrypt(payload)[1])
        else:
            return False
    except NotaryError:
        return False
    return True


def _headers(unprotected: object) -> tuple:
    if not isinstance(unprotected, dict) or set(unprotected) != {KID, IV}:
        raise malformed("headers of a COSE_Encrypt0")
    kid, iv = unprotected[KID], unprotected[IV]
    if not isinstance(kid, bytes) or not isinstance(iv, bytes) or len(iv) != _IV_BYTES:
        raise malformed("headers of a COSE_Encrypt0")
    return kid.decode("utf-8", "replace"), iv


def _sender_key(shared: bytes, sender: Optional[bytes]) -> bytes:
    info = b"notarymq/1 enc" + (_NOBODY if sender is None else sender)
    return hkdf(shared, b"", info, len(shared))


def _associated(protected: bytes, topic: str, sender: Optional[bytes]) -> bytes:
    """Return the Enc_structure (RFC 9052 section 5.3)."""
    aad = encode(["notarymq/1", topic, b"" if sender is None else sender])
    return encode(["Encrypt0", protected, aad])


def _key_of_text(text: str) -> Optional[bytes]:
    # Either alphabet of base64, with padding or without, as `notarymq` takes them.
    digits = text.rstrip("=").replace("-", "+").replace("_", "/")
    padded = digits + "=" * (-len(digits) % 4)
    for read in (lambda: bytes.fromhex(text), lambda: b64decode(padded, validate=True)):
        try:
            key = read()
        except ValueError:
            continue
        if len(key) in _ALGORITHMS:
            return key
    return None


def _unusable(path: Path, why: str) -> NotaryError:
    return NotaryError("ERR_NO_ENCRYPTION_KEY", f"{path} {why}")
