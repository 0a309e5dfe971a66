"""Keys, thumbprints, signatures, and the files that they live in."""

import os
import tempfile
import threading
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from notarymq import Identity, Keyring, KnownBrokers, load_public_key
from notarymq.identity import public_path
from notarymq.keys import (
    base64url,
    cose_key,
    from_base64url,
    is_signed_by,
    key_of_cose,
    new_ephemeral,
    sign,
    thumbprint,
)
from notarymq.sequence import raise_number, reserve_number

from .refusing import RefusingCase
from .vectors import VECTORS, private_key

HALF_ORDER = 0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8


class Keys(RefusingCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def test_a_thumbprint_is_that_of_rfc_9679(self):
        for name in ("publisher", "broker"):
            key = private_key(name).public_key()
            self.assertEqual(thumbprint(key), VECTORS[f"{name}.thumbprint"])
            self.assertEqual(thumbprint(key_of_cose(cose_key(key))), thumbprint(key))

    def test_a_cose_key_with_other_members_or_off_the_curve_is_refused(self):
        good = cose_key(new_ephemeral().public_key())
        for bad in (
            {**good, 2: b"kid"}, {**good, 1: 1}, {**good, -1: 2}, {**good, -3: True},
            {**good, -2: bytes(32)}, {**good, -2: good[-2][1:]}, [], None,
        ):
            self.assert_code("ERR_MALFORMED", key_of_cose, bad)

    def test_signatures_have_64_bytes_and_the_lower_s(self):
        key = new_ephemeral()
        for n in range(20):
            signature = sign(key, bytes([n]))
            self.assertEqual(len(signature), 64)
            self.assertLessEqual(int.from_bytes(signature[32:], "big"), HALF_ORDER)
            self.assertTrue(is_signed_by(key.public_key(), signature, bytes([n])))
            self.assertFalse(is_signed_by(key.public_key(), signature, b"other"))
        self.assertFalse(is_signed_by(key.public_key(), bytes(64), b""))
        self.assertFalse(is_signed_by(key.public_key(), bytes(63), b""))

    def test_base64url_is_read_in_its_one_form(self):
        self.assertEqual(from_base64url(base64url(b"\xff\xfe\x00")), b"\xff\xfe\x00")
        for bad in ("AA==", "A", "AB", "A A", "AA\n", "+/", "é"):
            self.assert_code("ERR_MALFORMED", from_base64url, bad)

    def test_a_key_pair_is_written_once_and_read_again(self):
        path = self.directory / "device.pem"
        made = Identity.generate(path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(Identity.load(path).thumbprint, made.thumbprint)
        self.assertEqual(thumbprint(load_public_key(public_path(path))), made.thumbprint)
        before = path.read_bytes()
        self.assert_code("ERR_IDENTITY_FILE", Identity.generate, path)
        self.assertEqual(path.read_bytes(), before)

    def test_a_pair_that_cannot_be_whole_is_not_left_in_half(self):
        path = self.directory / "device.pem"
        public_path(path).write_text("there already")
        self.assert_code("ERR_IDENTITY_FILE", Identity.generate, path)
        self.assertFalse(path.exists())

    def test_a_passphrase_opens_what_it_protects_and_no_other_does(self):
        path = self.directory / "device.pem"
        made = Identity.generate(path, "open sesame")
        self.assertEqual(Identity.load(path, "open sesame").kid, made.kid)
        self.assert_code("ERR_PASSPHRASE", Identity.load, path, "open barley")
        self.assert_code("ERR_PASSPHRASE", Identity.load, path)

    def test_keys_of_another_kind_are_refused(self):
        path = self.directory / "other.pem"
        self.assert_code("ERR_IDENTITY_FILE", Identity.load, path)
        path.write_text("no key")
        self.assert_code("ERR_IDENTITY_FILE", Identity.load, path)
        self.assert_code("ERR_IDENTITY_FILE", load_public_key, path)
        path.write_bytes(
            ec.generate_private_key(ec.SECP384R1()).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.assert_code("ERR_IDENTITY_FILE", Identity.load, path)

    def test_a_kid_has_to_lead_to_exactly_one_key(self):
        first, second = (new_ephemeral().public_key() for _ in range(2))
        keyring = Keyring()
        keyring.add("first", first)
        keyring.add("second", second)
        self.assertEqual(keyring.find(thumbprint(second)[:8])[0], "second")
        self.assertIsNone(keyring.find(bytes(8)))
        self.assertIsNone(keyring.find(b""))

    def test_numbers_are_given_once_also_to_many_at_a_time(self):
        path = self.directory / "device.pem"
        taken = []
        threads = [
            threading.Thread(target=lambda: taken.extend(reserve_number(path) for _ in range(10)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(taken), list(range(1, 41)))
        self.assertEqual(Path(f"{path}.seq").read_text(), "41\n")
        self.assertEqual(list(self.directory.iterdir()), [Path(f"{path}.seq")])

    def test_a_number_is_raised_and_never_set_back(self):
        path = self.directory / "device.pem"
        raise_number(path, 100)
        raise_number(path, 5)
        self.assertEqual(reserve_number(path), 100)

    def test_a_file_without_a_number_is_not_taken_for_a_new_one(self):
        path = self.directory / "device.pem"
        for text in ("", "-1", "one", "9007199254740991", "1.5"):
            Path(f"{path}.seq").write_text(text)
            self.assert_code("ERR_SEQUENCE_FILE", reserve_number, path)
            self.assertEqual(Path(f"{path}.seq").read_text(), text)

    def test_brokers_are_known_by_their_first_key(self):
        known = KnownBrokers(self.directory / "below" / "known-brokers")
        key = new_ephemeral().public_key()
        self.assertIsNone(known.find("localhost:1883"))
        known.remember("localhost:1883", key)
        self.assertEqual(thumbprint(known.find("localhost:1883")), thumbprint(key))
        self.assertIsNone(known.find("localhost:8883"))

    def test_a_damaged_line_of_known_brokers_is_not_passed_over(self):
        path = self.directory / "known-brokers"
        for line in ("localhost:1883", "localhost:1883 AA", "a b c"):
            path.write_text(f"# comment\n{line}\n")
            self.assert_code("ERR_KNOWN_BROKERS", KnownBrokers(path).find, "localhost:1883")
