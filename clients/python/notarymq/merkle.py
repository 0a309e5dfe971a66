"""The Merkle tree of RFC 9162: leaves, roots and inclusion paths."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from .cbor import encode, malformed
from .keys import sha256


def leaf_of(time_ms: int, salt: bytes, record: bytes) -> bytes:
    """Return the leaf of a record: what the tree commits to."""
    return encode([1, time_ms, sha256(salt, record)])


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00", leaf)


def root_of_path(index: int, size: int, path: Sequence[bytes], leaf: bytes) -> bytes:
    """Follow a path from a leaf hash to its root (section 2.1.3.2).

    Raises ERR_MALFORMED for a path of another tree.
    """
    if not 0 <= index < size:
        raise malformed("an index beyond the tree")
    node, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise malformed("a path that is too long")
        if node & 1 or node == last:
            found = sha256(b"\x01", sibling, found)
            while not node & 1 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            found = sha256(b"\x01", found, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise malformed("a path that is too short")
    return found


class Frontier:
    """The right edge of a growing tree: enough for its root."""

    def __init__(self) -> None:
        #: Whole subtrees from left to right, with their sizes.
        self._subtrees: List[Tuple[int, bytes]] = []

    def add(self, hashed_leaf: bytes) -> None:
        """Append one leaf."""
        size, node = 1, hashed_leaf
        while self._subtrees and self._subtrees[-1][0] == size:
            _, left = self._subtrees.pop()
            size, node = 2 * size, sha256(b"\x01", left, node)
        self._subtrees.append((size, node))

    def root(self) -> bytes:
        """Return the root; that of the empty tree is SHA-256 of nothing."""
        if not self._subtrees:
            return sha256()
        *rest, (_, root) = self._subtrees
        for _, left in reversed(rest):
            root = sha256(b"\x01", left, root)
        return root
