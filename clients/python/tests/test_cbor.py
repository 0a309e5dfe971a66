"""Deterministic CBOR."""

import random

import cbor2
from cbor2 import CBORTag
from notarymq.cbor import MAX_NUMBER, decode, encode

from .refusing import RefusingCase


class Cbor(RefusingCase):
    def test_what_is_encoded_decodes_to_the_same(self):
        for value in (
            0, 23, 24, 255, 256, 65535, 65536, 2**32, MAX_NUMBER, -1, -24, -25, -MAX_NUMBER,
            b"", b"x" * 300, "", "Straße/温度", [], [1, [2, [b"3"]]], None, True, False,
            {1: -9, 4: b"kid", -65537: [1, 2]}, {"a": 1, 1: {}}, CBORTag(18, [b"", {}, None, b""]),
        ):
            self.assertEqual(decode(encode(value)), value)

    def test_maps_are_written_in_bytewise_order_of_their_keys(self):
        # Length first, as RFC 7049 had it, would put -1 before 24.
        self.assertEqual(encode({-1: 0, 24: 0}).hex(), "a21818002000")

    def test_what_is_not_deterministic_is_refused(self):
        for name, text in {
            "an integer of two bytes that fits in one": "1817",
            "of nine that fits in five": "1b00000000ffffffff",
            "a length that is not the shortest": "580100",
            "an indefinite array": "9fff",
            "an indefinite byte string": "5f4100ff",
            "keys out of order": "a2020001 00",
            "a key twice": "a201000100",
            "a key of bytes": "a1410000",
            "a boolean as key": "a1f400",
            "a float": "f93c00",
            "a double": "fb3ff0000000000000",
            "undefined": "f7",
            "another simple value": "e0",
            "a simple value of two bytes": "f8ff",
            "an integer above 2^53 - 1": "1b0020000000000000",
            "an integer below -(2^53 - 1)": "3b001fffffffffffff",
            "text that is not UTF-8": "61ff",
            "a surrogate": "63eda080",
            "bytes after the item": "0000",
            "nothing": "",
            "fewer bytes than claimed": "42ff",
            "an array of more members than bytes": "9bffffffffffffffff",
            "a map of more members than bytes": "bbffffffffffffffff",
            "a byte string of more than there are": "5bffffffffffffffff",
            "nine arrays": "81" * 9 + "00",
            "a tag with a meaning": "c100",
            "a bignum": "c24101",
            "a tag in a tag": "d2d200",
            "a tag that is not the shortest": "d81200",
            "a reserved head": "1c",
        }.items():
            with self.subTest(name):
                self.assert_code("ERR_MALFORMED", decode, bytes.fromhex(text))

    def test_eight_arrays_are_read(self):
        self.assertEqual(encode(decode(bytes.fromhex("81" * 8 + "00"))).hex(), "81" * 8 + "00")

    def test_a_float_is_not_written(self):
        self.assert_code("ERR_MALFORMED", encode, [1.0])

    def test_whatever_is_read_is_written_with_the_same_bytes(self):
        from notarymq import NotaryError

        chance = random.Random(1)
        read = 0
        for _ in range(20_000):
            data = bytes(
                chance.choice((0x00, 0x18, 0x20, 0x40, 0x61, 0x81, 0x82, 0xA1, 0xD2, 0xF5, 0xF6, 0x31))
                for _ in range(chance.randrange(1, 8))
            )
            try:
                value = decode(data)
            except NotaryError as error:
                self.assertEqual(error.code, "ERR_MALFORMED")
                continue
            read += 1
            self.assertEqual(encode(value), data)
            self.assertEqual(cbor2.loads(data), value)
        self.assertGreater(read, 1000)
