"""Encryption with pre-shared keys."""

import os
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from notarymq import PreSharedKeys
from notarymq.cbor import CBORTag, decode, encode
from notarymq.encryption import is_encrypted
from notarymq.keys import hkdf

from .refusing import RefusingCase, flips

TOPIC = "plant/1/temp"
SENDER = bytes(range(32))
KEYS = {"long": bytes(range(32)), "short": bytes(range(16))}


class Encryption(RefusingCase):
    def setUp(self):
        self.keys = PreSharedKeys(KEYS)

    def test_what_is_sealed_opens_for_its_topic_and_sender_alone(self):
        for name in KEYS:
            for sender in (SENDER, None):
                message = self.keys.seal(name, TOPIC, b"21.5", sender)
                self.assertNotIn(b"21.5", message)
                self.assertTrue(is_encrypted(message))
                self.assertEqual(self.keys.open(TOPIC, message, sender), b"21.5")
                other = None if sender else SENDER
                self.assert_code("ERR_NOT_DECRYPTED", self.keys.open, TOPIC, message, other)
                self.assert_code("ERR_NOT_DECRYPTED", self.keys.open, "plant/2", message, sender)

    def test_the_bytes_are_those_of_the_design(self):
        protected, unprotected, ciphertext = decode(
            self.keys.seal("long", TOPIC, b"21.5", SENDER)
        ).value
        self.assertEqual(protected, encode({1: 3}))
        self.assertEqual(unprotected[4], b"long")
        key = hkdf(KEYS["long"], b"", b"notarymq/1 enc" + SENDER)
        aad = encode(["Encrypt0", protected, encode(["notarymq/1", TOPIC, SENDER])])
        self.assertEqual(AESGCM(key).decrypt(unprotected[5], ciphertext, aad), b"21.5")

    def test_a_message_of_another_implementation_opens(self):
        # Made by the TypeScript client: key "11" of the COSE examples sends.
        sender = "b71d9fc27ee9ce61a60560b2eeeef7f6934a6b9d57ce122b2b12e932cacbf1d9"
        message = (
            "d08343a10103a2044473686f70054c000102030405060708090a0b54"
            "9a58bb43d14d1e3e6003066de353083af1870efa"
        )
        keys = PreSharedKeys({"shop": b"\x0b" * 32})
        opened = keys.open(TOPIC, bytes.fromhex(message), bytes.fromhex(sender))
        self.assertEqual(opened, b"21.5")

    def test_no_flipped_bit_opens(self):
        message = self.keys.seal("short", TOPIC, b"21.5", SENDER)
        codes = {"ERR_MALFORMED", "ERR_NO_ENCRYPTION_KEY", "ERR_NOT_DECRYPTED"}
        from notarymq import NotaryError

        for altered in flips(message):
            with self.assertRaises(NotaryError) as caught:
                self.keys.open(TOPIC, altered, SENDER)
            self.assertIn(caught.exception.code, codes)

    def test_every_message_has_an_iv_of_its_own(self):
        ivs = {decode(self.keys.seal("long", TOPIC, b"", None)).value[1][5] for _ in range(50)}
        self.assertEqual(len(ivs), 50)

    def test_keys_that_are_not_there_or_of_another_size_are_refused(self):
        self.assert_code("ERR_NO_ENCRYPTION_KEY", self.keys.seal, "other", TOPIC, b"", None)
        message = self.keys.seal("long", TOPIC, b"", None)
        swapped = PreSharedKeys({"long": KEYS["short"]})
        self.assert_code("ERR_NO_ENCRYPTION_KEY", swapped.open, TOPIC, message, None)
        self.assert_code("ERR_NO_ENCRYPTION_KEY", PreSharedKeys({}).open, TOPIC, message, None)
        self.assert_code("ERR_NO_ENCRYPTION_KEY", PreSharedKeys, {"odd": bytes(17)})

    def test_other_payloads_are_not_taken_for_encrypted_ones(self):
        for payload in (b"", b"\xd0", b"21.5", encode(CBORTag(16, [b"", {}, b""]))):
            self.assertFalse(is_encrypted(payload))

    def test_what_is_for_the_keys_of_readers_is_encrypted_and_not_for_a_shared_key(self):
        parts = [encode({1: 3}), {4: b"", 5: bytes(12)}, bytes(20), [[b"", {}, b""]]]
        message = encode(CBORTag(96, parts))
        self.assertTrue(is_encrypted(message))
        self.assert_code("ERR_NO_ENCRYPTION_KEY", self.keys.open, TOPIC, message, SENDER)
        self.assertFalse(is_encrypted(encode(CBORTag(96, parts[:3]))))

    def test_a_file_has_names_and_keys_and_is_nobody_elses_to_read(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "psk"
            lines = f"# plant\nlong:{KEYS['long'].hex()}\nshort:AAECAwQFBgcICQoLDA0ODw==\n"
            lines += f"url:{'_' * 21}w\n"
            path.write_text(lines)
            os.chmod(path, 0o644)
            self.assert_code("ERR_NO_ENCRYPTION_KEY", PreSharedKeys.load, path)
            os.chmod(path, 0o600)
            loaded = PreSharedKeys.load(path)
            for name in KEYS:
                sealed = loaded.seal(name, TOPIC, b"x", None)
                self.assertEqual(self.keys.open(TOPIC, sealed, None), b"x")
            of_ones = PreSharedKeys({"url": b"\xff" * 16})
            sealed = loaded.seal("url", TOPIC, b"x", None)
            self.assertEqual(of_ones.open(TOPIC, sealed, None), b"x")
            for bad in ("name", "name:0011", f":{'00' * 16}", f"a:{'00' * 16}\na:{'00' * 16}"):
                path.write_text(bad)
                self.assert_code("ERR_NO_ENCRYPTION_KEY", PreSharedKeys.load, path)
