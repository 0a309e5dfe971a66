"""A client's own key, in a PEM file with its sequence number beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .errors import NotaryError
from .keys import PrivateKey, PublicKey, base64url, new_ephemeral, thumbprint
from .sequence import reserve_number


@dataclass(frozen=True)
class Identity:
    """What a client signs with."""

    path: Path
    private: PrivateKey

    @property
    def public(self) -> PublicKey:
        """Return the half that others may know."""
        return self.private.public_key()

    @property
    def thumbprint(self) -> bytes:
        """Return the 32 bytes that name the key."""
        return thumbprint(self.public)

    @property
    def kid(self) -> str:
        """Return the thumbprint in base64url, as the command line shows it."""
        return base64url(self.thumbprint)

    def reserve_number(self) -> int:
        """Take the next sequence number; it is on disk when this returns."""
        return reserve_number(self.path)

    @staticmethod
    def load(path: Path, passphrase: Optional[str] = None) -> "Identity":
        """Read a P-256 private key in PEM: PKCS #8 or SEC 1.

        Raises ERR_IDENTITY_FILE, ERR_PASSPHRASE.
        """
        password = None if passphrase is None else passphrase.encode()
        try:
            key = serialization.load_pem_private_key(_read(path), password)
        except TypeError as cause:
            # Protected and without passphrase, or the other way round.
            why = "needs a passphrase" if password is None else "has no passphrase"
            raise NotaryError("ERR_PASSPHRASE", f"{path} {why}") from cause
        except ValueError as cause:
            if password is None:
                raise _not_a_key(path, "a private key in PEM") from cause
            raise NotaryError(
                "ERR_PASSPHRASE", f"the passphrase does not open {path}"
            ) from cause
        if not isinstance(key, PrivateKey) or not _is_p256(key.curve):
            raise _not_a_key(path, "an ECDSA P-256 key")
        return Identity(Path(path), key)

    @staticmethod
    def generate(path: Path, passphrase: Optional[str] = None) -> "Identity":
        """Make a key pair: `path`, mode 0600, and its public half `.pub.pem`.

        Never overwrites. Raises ERR_IDENTITY_FILE.
        """
        key = new_ephemeral()
        protection: serialization.KeySerializationEncryption
        protection = serialization.NoEncryption()
        if passphrase is not None:
            protection = serialization.BestAvailableEncryption(passphrase.encode())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
        _write_new(Path(path), private, 0o600)
        try:
            _write_new(public_path(path), public, 0o644)
        except NotaryError:
            # Half a pair would stand in the way of the next attempt.
            Path(path).unlink()
            raise
        return Identity(Path(path), key)


def public_path(path: Path) -> Path:
    """Return where the public half of a key file is: `device.pub.pem`."""
    path = Path(path)
    name = path.name[:-4] if path.name.endswith(".pem") else path.name
    return path.with_name(f"{name}.pub.pem")


def load_public_key(path: Path) -> PublicKey:
    """Read a P-256 public key in PEM. Raises ERR_IDENTITY_FILE."""
    try:
        key = serialization.load_pem_public_key(_read(path))
    except ValueError as cause:
        raise _not_a_key(path, "a public key in PEM") from cause
    if not isinstance(key, PublicKey) or not _is_p256(key.curve):
        raise _not_a_key(path, "an ECDSA P-256 key")
    return key


def _is_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)


def _not_a_key(path: Path, what: str) -> NotaryError:
    return NotaryError("ERR_IDENTITY_FILE", f"{path} is not {what}")


def _read(path: Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as cause:
        raise NotaryError(
            "ERR_IDENTITY_FILE", f"{path} cannot be read"
        ) from cause


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as cause:
        why = "exists already" if path.exists() else "cannot be written"
        raise NotaryError("ERR_IDENTITY_FILE", f"{path} {why}") from cause
    with os.fdopen(file, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
