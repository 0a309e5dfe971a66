"""What tests of refusals share."""

from __future__ import annotations

import unittest
from typing import Any, Callable, Iterator


class RefusingCase(unittest.TestCase):
    """A test case that compares codes, never texts."""

    def assert_code(self, code: str, call: Callable[..., Any], *args: Any) -> None:
        """Assert that a call raises a NotaryError with this code."""
        from notarymq import NotaryError

        with self.assertRaises(NotaryError) as caught:
            call(*args)
        self.assertEqual(caught.exception.code, code)


def flips(data: bytes) -> Iterator[bytes]:
    """Yield every copy in which one bit is the other way round."""
    for bit in range(8 * len(data)):
        at = bit >> 3
        yield data[:at] + bytes([data[at] ^ (1 << (bit & 7))]) + data[at + 1 :]
