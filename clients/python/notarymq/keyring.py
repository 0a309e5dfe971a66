"""Whose signatures a client believes: public keys with names."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Tuple

from .identity import load_public_key
from .keys import PublicKey, thumbprint


class Keyring:
    """Public keys by thumbprint. A kid has to lead to exactly one of them."""

    def __init__(self) -> None:
        self._keys: Dict[bytes, Tuple[str, PublicKey]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, name: str, key: PublicKey) -> None:
        """Believe this key from now on, under this name."""
        self._keys[thumbprint(key)] = (name, key)

    @staticmethod
    def of_directory(path: Path) -> "Keyring":
        """Read every `NAME.pub.pem` in a directory. Raises ERR_IDENTITY_FILE."""
        keyring = Keyring()
        for file in sorted(Path(path).glob("*.pub.pem")):
            keyring.add(file.name[: -len(".pub.pem")], load_public_key(file))
        return keyring

    def find(self, kid: bytes) -> Optional[Tuple[str, PublicKey]]:
        """Return name and key; None for an unknown kid, or one of several."""
        found: List[Tuple[str, PublicKey]] = [
            entry for known, entry in self._keys.items() if known.startswith(kid)
        ]
        return found[0] if len(found) == 1 else None
