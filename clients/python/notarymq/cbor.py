"""Deterministic CBOR (RFC 8949 section 4.2.1), strict in both directions.

cbor2 writes it. Reading is done here, since cbor2 takes what has to be
refused: duplicate keys, longer heads than needed, indefinite lengths, floating
point numbers and tags with a meaning of their own.
"""

from __future__ import annotations

from typing import Any, Tuple

import cbor2
from cbor2 import CBORTag

from .errors import NotaryError

MAX_NUMBER = 2**53 - 1
#: Arrays and maps within each other; a byte string that holds CBOR begins anew.
MAX_DEPTH = 8
#: The largest MQTT packet, so nothing longer ever comes.
MAX_BYTES = 268_435_455

UINT, NINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
_SIMPLE_VALUES = {0xF4: False, 0xF5: True, 0xF6: None}
#: Smallest argument that needs 1, 2, 4 and 8 bytes.
_LEAST = (24, 1 << 8, 1 << 16, 1 << 32)


def encode(value: Any) -> bytes:
    """Encode integers, bytes, text, lists, dicts, booleans, None and tags."""
    return cbor2.dumps(_ordered(value))


def decode(data: bytes) -> Any:
    """Decode exactly one item.

    Raises NotaryError ERR_MALFORMED for anything that is not deterministic.
    """
    if len(data) > MAX_BYTES:
        raise malformed("too long")
    reader = _Reader(data)
    value = reader.item(0)
    if reader.at != len(data):
        raise malformed("bytes after the item")
    return value


def malformed(what: str) -> NotaryError:
    """Return the error for bytes of another form."""
    return NotaryError("ERR_MALFORMED", what)


def is_uint(value: Any) -> bool:
    """Tell whether a decoded value is an unsigned integer; bool is none."""
    return type(value) is int and value >= 0


def _ordered(value: Any) -> Any:
    """Return the value with maps in bytewise order of their encoded keys."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: cbor2.dumps(item[0]))
        return {key: _ordered(member) for key, member in items}
    if isinstance(value, (list, tuple)):
        return [_ordered(member) for member in value]
    if isinstance(value, CBORTag):
        return CBORTag(value.tag, _ordered(value.value))
    if isinstance(value, float):
        raise malformed("a floating point number")
    return value


class _Reader:
    """Reads items from attacker-controlled bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def item(self, depth: int) -> Any:
        start = self.at
        major, argument = self._head()
        if major == UINT or major == NINT:
            if argument > MAX_NUMBER - major:
                raise malformed("an integer beyond 2^53 - 1")
            return argument if major == UINT else -1 - argument
        if major == BYTES:
            return self._take(argument)
        if major == TEXT:
            return self._text(argument)
        if major == TAG:
            return self._tagged(argument, depth)
        if major == SIMPLE:
            return _SIMPLE_VALUES[self._data[start]]
        if depth == MAX_DEPTH:
            raise malformed("nested too deeply")
        # Every member takes a byte at least: no list is made for mere claims.
        if argument > len(self._data) - self.at:
            raise malformed("more members than bytes")
        if major == ARRAY:
            return [self.item(depth + 1) for _ in range(argument)]
        return self._map(argument, depth)

    def _head(self) -> Tuple[int, int]:
        initial = self._take(1)[0]
        major, info = initial >> 5, initial & 31
        if major == SIMPLE:
            if initial not in _SIMPLE_VALUES:
                raise malformed("a float or another simple value")
            return major, info
        if info < 24:
            return major, info
        if info > 27:
            raise malformed("an indefinite length")
        argument = int.from_bytes(self._take(1 << (info - 24)), "big")
        if argument < _LEAST[info - 24]:
            raise malformed("a head that is not the shortest")
        return major, argument

    def _tagged(self, tag: int, depth: int) -> CBORTag:
        if tag not in (16, 17, 18, 96):
            raise malformed("a tag that is none of COSE's")
        if self.at < len(self._data) and self._data[self.at] >> 5 == TAG:
            raise malformed("a tag in a tag")
        return CBORTag(tag, self.item(depth))

    def _map(self, size: int, depth: int) -> dict:
        members = {}
        before = b""
        for _ in range(size):
            start = self.at
            key = self.item(depth + 1)
            if isinstance(key, bool) or not isinstance(key, (int, str)):
                raise malformed("a key that is neither an integer nor text")
            encoded = self._data[start : self.at]
            # The first encoding is above the empty one.
            if encoded <= before:
                raise malformed("map keys out of order")
            before = encoded
            members[key] = self.item(depth + 1)
        return members

    def _text(self, length: int) -> str:
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError as cause:
            raise malformed("text that is not UTF-8") from cause

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._data):
            raise malformed("fewer bytes than it claims")
        taken = self._data[self.at : end]
        self.at = end
        return taken
