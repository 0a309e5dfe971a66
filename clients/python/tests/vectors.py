"""The test vectors of docs/envelope.md, by their names."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

_DOCUMENT = Path(__file__).parents[3] / "docs" / "envelope.md"
_BLOCK = re.compile(r"^```hex (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)

VECTORS = {
    name: bytes.fromhex(text)
    for name, text in _BLOCK.findall(_DOCUMENT.read_text("utf-8"))
}


def private_key(name: str) -> ec.EllipticCurvePrivateKey:
    """Return a key pair of the vectors."""
    scalar = int.from_bytes(VECTORS[f"{name}.d"], "big")
    return ec.derive_private_key(scalar, ec.SECP256R1())
