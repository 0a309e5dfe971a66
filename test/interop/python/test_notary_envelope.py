"""Tests of the Python envelope against the specification's worked example.

Run in this folder: `python3 -m unittest`.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
)

import notary_envelope as notary

HERE = Path(__file__).resolve().parent

# The worked example of formats 1.4. The key is key "11" of the public
# cose-wg examples and protects nothing.
D = 0x57C92077664146E876760C9520D054AA93C3AFB04E306705DB6090308507B4D3
THUMBPRINT = "b71d9fc27ee9ce61a60560b2eeeef7f6934a6b9d57ce122b2b12e932cacbf1d9"
TOPIC = "plant/1/temp"
PAYLOAD = b"21.5"
SEQ = 1
TIME_MS = 1767225600000
PROTECTED = (
    "a3012804"
    "48b71d9fc27ee9ce61"
    "3a00010000"
    "82011b0000019b76daa800"
)
EXTERNAL_AAD = "826a6e6f746172796d712f316c706c616e742f312f74656d70"
TO_BE_SIGNED = "846a5369676e617475726531581d" + PROTECTED
TO_BE_SIGNED += "5819" + EXTERNAL_AAD + "4432312e35"
TO_BE_SIGNED_SHA256 = (
    "b7ce35bcdf7aeb5eabbece6d54a9b7872e5c2c01dc22afe3af90571293ac3a25"
)
SIGNATURE = (
    "773e8e5f0d825435f01ebbb59edf4938644d94915358710bb22496872eba5885"
    "66a88cb4857a8b7400ef4ef0d61356f990121bedd4bc154b47f9e286550612aa"
)
SIGN1 = "d284581d" + PROTECTED + "a04432312e355840" + SIGNATURE

KEY = ec.derive_private_key(D, ec.SECP256R1())
PUBLIC_KEY = KEY.public_key()


def sign1_with(
    headers: object,
    unprotected: object = None,
    payload: object = PAYLOAD,
    signature: bytes = bytes(64),
    tag: int = 18,
) -> bytes:
    """Build a message without any of the module's checks."""
    protected = headers
    if not isinstance(headers, bytes):
        protected = cbor2.dumps(headers, canonical=True)
    fields = [protected, unprotected or {}, payload, signature]
    return cbor2.dumps(cbor2.CBORTag(tag, fields), canonical=True)


def headers_with(**changes: object) -> dict:
    """Return good protected headers with some of them changed."""
    headers = {
        1: -9,
        4: bytes.fromhex(THUMBPRINT)[:8],
        -65537: [SEQ, TIME_MS],
    }
    for name, value in changes.items():
        label = {"alg": 1, "kid": 4, "seq_and_time": -65537}[name]
        headers[label] = value
    return headers


class WorkedExampleTest(unittest.TestCase):
    """The numbers of formats 1.4, none of which this module made."""

    def test_the_thumbprint_is_that_of_the_worked_example(self) -> None:
        self.assertEqual(notary.thumbprint(KEY).hex(), THUMBPRINT)
        self.assertEqual(notary.thumbprint(PUBLIC_KEY).hex(), THUMBPRINT)
        self.assertEqual(notary.kid_of(KEY).hex(), THUMBPRINT[:16])

    def test_the_thumbprint_is_that_of_rfc_9679(self) -> None:
        public_key = ec.EllipticCurvePublicNumbers(
            0x65EDA5A12577C2BAE829437FE338701A10AAA375E1BB5B5DE108DE439C08551D,
            0x1E52ED75701163F7F9E40DDF9F341B3DC9BA860AF7E0CA7CA7E9EECD0084D19C,
            ec.SECP256R1(),
        ).public_key()
        self.assertEqual(
            notary.thumbprint(public_key).hex(),
            "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec",
        )

    def test_the_protected_headers_are_those_of_the_worked_example(
        self,
    ) -> None:
        kid = notary.kid_of(KEY)
        protected = notary.encode_protected(kid, SEQ, TIME_MS)
        self.assertEqual(protected.hex(), PROTECTED)

    def test_the_canonical_order_of_cbor2_puts_label_minus_65537_last_too(
        self,
    ) -> None:
        shuffled = dict(reversed(headers_with().items()))
        encoded = cbor2.dumps(shuffled, canonical=True)
        self.assertEqual(encoded.hex(), PROTECTED)

    def test_the_external_aad_is_that_of_the_worked_example(self) -> None:
        self.assertEqual(notary.external_aad(TOPIC).hex(), EXTERNAL_AAD)

    def test_the_bytes_to_be_signed_are_those_of_the_worked_example(
        self,
    ) -> None:
        protected = bytes.fromhex(PROTECTED)
        signed = notary.sig_structure(protected, TOPIC, PAYLOAD)
        digest = hashlib.sha256(signed).hexdigest()
        self.assertEqual(signed.hex(), TO_BE_SIGNED)
        self.assertEqual(digest, TO_BE_SIGNED_SHA256)

    def test_the_envelope_is_that_of_the_worked_example(self) -> None:
        envelope = notary.encode_sign1(
            bytes.fromhex(PROTECTED), PAYLOAD, bytes.fromhex(SIGNATURE)
        )
        self.assertEqual(envelope.hex(), SIGN1)
        self.assertEqual(len(envelope), 105)

    def test_the_signature_of_the_worked_example_verifies(self) -> None:
        publish = notary.verify_publish(
            PUBLIC_KEY, TOPIC, bytes.fromhex(SIGN1)
        )
        self.assertEqual(publish.seq, SEQ)
        self.assertEqual(publish.time_ms, TIME_MS)
        self.assertEqual(publish.kid.hex(), THUMBPRINT[:16])
        self.assertEqual(publish.payload, PAYLOAD)


class SignatureTest(unittest.TestCase):
    """What a signature is worth, and what it is not."""

    def test_all_but_the_signature_is_fixed_by_the_arguments(self) -> None:
        envelope = notary.sign_publish(KEY, TOPIC, PAYLOAD, SEQ, TIME_MS)
        self.assertEqual(envelope[:-64], bytes.fromhex(SIGN1)[:-64])
        notary.verify_publish(PUBLIC_KEY, TOPIC, envelope)

    def test_a_made_signature_always_has_a_low_s(self) -> None:
        for seq in range(64):
            envelope = notary.sign_publish(KEY, TOPIC, PAYLOAD, seq, TIME_MS)
            s = int.from_bytes(envelope[-32:], "big")
            self.assertLessEqual(s, notary.P256_ORDER // 2)

    def test_a_high_s_is_accepted(self) -> None:
        envelope = bytes.fromhex(SIGN1)
        s = notary.P256_ORDER - int.from_bytes(envelope[-32:], "big")
        self.assertGreater(s, notary.P256_ORDER // 2)
        high = envelope[:-32] + s.to_bytes(32, "big")
        notary.verify_publish(PUBLIC_KEY, TOPIC, high)

    def test_no_flipped_byte_leaves_an_envelope_that_verifies(self) -> None:
        envelope = bytes.fromhex(SIGN1)
        masks = [1 << bit for bit in range(8)] + [0xFF]
        for position in range(len(envelope)):
            for mask in masks:
                flipped = bytearray(envelope)
                flipped[position] ^= mask
                with self.subTest(position=position, mask=mask):
                    with self.assertRaises(notary.EnvelopeError):
                        notary.verify_publish(
                            PUBLIC_KEY, TOPIC, bytes(flipped)
                        )

    def test_no_truncated_or_extended_envelope_verifies(self) -> None:
        envelope = bytes.fromhex(SIGN1)
        changed = [envelope[:length] for length in range(len(envelope))]
        changed.append(envelope + b"\x00")
        for message in changed:
            with self.subTest(length=len(message)):
                with self.assertRaises(notary.MalformedEnvelope):
                    notary.verify_publish(PUBLIC_KEY, TOPIC, message)

    def test_a_signature_is_worthless_on_another_topic(self) -> None:
        envelope = bytes.fromhex(SIGN1)
        composed, decomposed = "caf\u00e9", "cafe\u0301"
        for topic in ("plant/2/temp", "plant/1/temp/", "Plant/1/temp", ""):
            with self.subTest(topic=topic):
                with self.assertRaises(notary.SignatureInvalid):
                    notary.verify_publish(PUBLIC_KEY, topic, envelope)
        envelope = notary.sign_publish(KEY, composed, b"", SEQ, TIME_MS)
        notary.verify_publish(PUBLIC_KEY, composed, envelope)
        with self.assertRaises(notary.SignatureInvalid):
            notary.verify_publish(PUBLIC_KEY, decomposed, envelope)

    def test_another_key_is_refused_by_its_thumbprint(self) -> None:
        other = ec.generate_private_key(ec.SECP256R1()).public_key()
        with self.assertRaises(notary.KeyMismatch):
            notary.verify_publish(other, TOPIC, bytes.fromhex(SIGN1))

    def test_es256_and_a_longer_kid_are_accepted(self) -> None:
        kid = bytes.fromhex(THUMBPRINT)
        headers = headers_with(alg=-7, kid=kid)
        protected = cbor2.dumps(headers, canonical=True)
        der = KEY.sign(
            notary.sig_structure(protected, TOPIC, PAYLOAD),
            ec.ECDSA(hashes.SHA256()),
        )
        r, s = decode_dss_signature(der)
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        envelope = notary.encode_sign1(protected, PAYLOAD, signature)
        publish = notary.verify_publish(PUBLIC_KEY, TOPIC, envelope)
        self.assertEqual(publish.algorithm, -7)
        self.assertEqual(publish.kid, kid)

    def test_empty_and_long_payloads_and_the_largest_numbers_round_trip(
        self,
    ) -> None:
        largest = 2**53 - 1
        for payload in (b"", b"\x00", bytes(24), bytes(256), bytes(70_000)):
            for number in (0, 23, 24, 2**32, largest):
                envelope = notary.sign_publish(
                    KEY, TOPIC, payload, number, number
                )
                publish = notary.verify_publish(PUBLIC_KEY, TOPIC, envelope)
                self.assertEqual(publish.payload, payload)
                self.assertEqual(publish.seq, number)
                self.assertEqual(publish.time_ms, number)

    def test_signing_refuses_numbers_outside_the_range(self) -> None:
        for number in (-1, 2**53, True, 1.0):
            with self.subTest(number=number):
                with self.assertRaises(ValueError):
                    notary.sign_publish(KEY, TOPIC, b"", number, TIME_MS)
                with self.assertRaises(ValueError):
                    notary.sign_publish(KEY, TOPIC, b"", SEQ, number)


class StrictDecodingTest(unittest.TestCase):
    """What must not even get as far as the signature."""

    def assert_malformed(self, message: bytes) -> None:
        with self.assertRaises(notary.MalformedEnvelope):
            notary.parse_publish(message)

    def test_the_untouched_message_parses(self) -> None:
        publish = notary.parse_publish(sign1_with(headers_with()))
        self.assertEqual(publish.algorithm, -9)

    def test_the_unprotected_headers_hold_receipts_or_nothing(self) -> None:
        headers = headers_with()
        notary.parse_publish(sign1_with(headers, {394: [b"receipt"]}))
        self.assert_malformed(sign1_with(headers, {4: b"12345678"}))
        self.assert_malformed(sign1_with(headers, {1: -9}))
        del headers[1]
        self.assert_malformed(sign1_with(headers, {1: -9}))

    def test_other_algorithms_are_refused(self) -> None:
        for algorithm in (-8, -19, -35, -36, -48, -51, 5):
            with self.subTest(algorithm=algorithm):
                with self.assertRaises(notary.AlgorithmNotAllowed):
                    notary.parse_publish(
                        sign1_with(headers_with(alg=algorithm))
                    )

    def test_every_header_must_be_there_and_of_its_type(self) -> None:
        for label in (1, 4, -65537):
            headers = headers_with()
            del headers[label]
            with self.subTest(missing=label):
                self.assert_malformed(sign1_with(headers))
        for changes in (
            {"alg": "ES256"},
            {"alg": -9.0},
            {"kid": "b71d9fc2"},
            {"kid": b"1234567"},
            {"kid": bytes(33)},
            {"seq_and_time": [1]},
            {"seq_and_time": [1, 2, 3]},
            {"seq_and_time": [-1, 2]},
            {"seq_and_time": [1, 2**53]},
            {"seq_and_time": [True, 2]},
            {"seq_and_time": [1.0, 2]},
            {"seq_and_time": 1},
        ):
            with self.subTest(changes=changes):
                self.assert_malformed(sign1_with(headers_with(**changes)))

    def test_a_label_that_python_takes_for_another_is_refused(self) -> None:
        # a3 f5 28 ... : the key is `true`, and True == 1 in Python.
        good = bytes.fromhex(PROTECTED)
        for label in ("f5", "f93c00", "fb3ff0000000000000"):
            with self.subTest(label=label):
                tail = good[3:]
                kid, seq_and_time = tail[:10], tail[10:]
                key = bytes.fromhex(label) + b"\x28"
                protected = b"\xa3" + kid + seq_and_time + key
                self.assert_malformed(sign1_with(protected))

    def test_crit_is_refused_unless_each_label_in_it_is_understood(
        self,
    ) -> None:
        notary.parse_publish(sign1_with({**headers_with(), 2: [-65537]}))
        for critical in ([], [99], [15], ["x"], [True], -65537):
            with self.subTest(critical=critical):
                headers = {**headers_with(), 2: critical}
                self.assert_malformed(sign1_with(headers))

    def test_a_hashed_payload_is_refused(self) -> None:
        self.assert_malformed(sign1_with({**headers_with(), 258: -16}))

    def test_other_protected_headers_are_let_through(self) -> None:
        claims = {1: "issuer", 2: TOPIC}
        headers = {**headers_with(), 15: claims, 3: "text/plain"}
        notary.parse_publish(sign1_with(headers))

    def test_a_detached_payload_and_other_tags_are_refused(self) -> None:
        headers = headers_with()
        self.assert_malformed(
            bytes.fromhex("d284581d" + PROTECTED + "a0f65840" + SIGNATURE)
        )
        for tag in (16, 17, 19, 61, 97, 98):
            with self.subTest(tag=tag):
                self.assert_malformed(sign1_with(headers, tag=tag))
        self.assert_malformed(bytes.fromhex(SIGN1)[1:])

    def test_a_signature_of_another_length_is_refused(self) -> None:
        for length in (0, 63, 65, 72):
            with self.subTest(length=length):
                self.assert_malformed(
                    sign1_with(headers_with(), signature=bytes(length))
                )

    def test_every_looser_encoding_is_refused(self) -> None:
        rest = "4432312e355840" + SIGNATURE
        start = "581d" + PROTECTED
        kid = "0448" + THUMBPRINT[:16]
        seq_and_time = "3a00010000" + "82011b0000019b76daa800"
        loose_headers = {
            "a duplicate key": "a401280128" + kid + seq_and_time,
            "keys out of order": "a3" + kid + "0128" + seq_and_time,
            "a longer integer": "a3013808" + kid + seq_and_time,
            "an indefinite map": "bf0128" + kid + seq_and_time + "ff",
            "trailing bytes": PROTECTED + "00",
        }
        messages = {
            "a longer length": "d28459001d" + PROTECTED + "a0" + rest,
            "a longer tag": "d81284" + start + "a0" + rest,
            "a longer array": "d29804" + start + "a0" + rest,
            "an indefinite array": "d29f" + start + "a0" + rest + "ff",
            "an indefinite map": "d284" + start + "bfff" + rest,
            "an indefinite string": "d284"
            + start
            + "a05f4432312e35ff5840"
            + SIGNATURE,
            "two tags": "d2" + SIGN1,
            "the CBOR marker": "d9d9f7" + SIGN1,
        }
        for name, message in messages.items():
            with self.subTest(name):
                self.assert_malformed(bytes.fromhex(message))
        for name, headers in loose_headers.items():
            with self.subTest(name):
                self.assert_malformed(sign1_with(bytes.fromhex(headers)))

    def test_arbitrary_bytes_are_malformed_and_nothing_worse(self) -> None:
        for message in (
            b"",
            b"21.5",
            b"\xff",
            b"\x81" * 200_000,
            b"\xd2" * 200_000,
            bytes.fromhex("9bffffffffffffffff"),
            bytes.fromhex("5b7fffffffffffffff"),
            bytes.fromhex("d823612a"),
            bytes.fromhex("c11b7fffffffffffffff"),
            bytes.fromhex("d81c81d81d00"),
            bytes.fromhex("61ff"),
        ):
            with self.subTest(message=message[:16].hex()):
                self.assert_malformed(message)

    def test_nesting_is_allowed_to_eight_levels(self) -> None:
        def nested(levels: int) -> dict:
            value: list = []
            for _ in range(levels - 1):
                value = [value]
            # The header map is the first level.
            return {**headers_with(), 99: value}

        notary.parse_publish(sign1_with(nested(7)))
        self.assert_malformed(sign1_with(nested(8)))

    def test_map_keys_are_ordered_bytewise_and_not_by_length(self) -> None:
        encoded = notary.encode_deterministic({-1: 0, 24: 0})
        self.assertEqual(encoded.hex(), "a21818002000")


class KeyTest(unittest.TestCase):
    """Only P-256 keys come in."""

    def test_a_key_on_another_curve_is_refused(self) -> None:
        key = ec.generate_private_key(ec.SECP384R1())
        pem = private_pem(key)
        with self.assertRaises(notary.AlgorithmNotAllowed):
            notary.load_private_key(pem)
        with self.assertRaises(notary.AlgorithmNotAllowed):
            notary.load_public_key(public_pem(key))

    def test_a_key_comes_back_from_its_pem_files(self) -> None:
        self.assertEqual(
            notary.thumbprint(notary.load_private_key(private_pem(KEY))),
            notary.thumbprint(notary.load_public_key(public_pem(KEY))),
        )


class CommandLineTest(unittest.TestCase):
    """The two commands as other test suites call them."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.key = Path(folder.name, "key.pem")
        self.key.write_bytes(private_pem(KEY))
        self.public_key = Path(folder.name, "key.pub.pem")
        self.public_key.write_bytes(public_pem(KEY))

    def run_script(self, name: str, *args: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, str(HERE / name), *args],
            capture_output=True,
            text=True,
            check=False,
        )

    def sign(self, *args: str) -> subprocess.CompletedProcess:
        return self.run_script(
            "sign_publish.py", "--key", str(self.key), "--topic", TOPIC, *args
        )

    def verify(self, topic: str, envelope: str) -> subprocess.CompletedProcess:
        return self.run_script(
            "verify_publish.py",
            "--public-key",
            str(self.public_key),
            "--topic",
            topic,
            "--hex",
            envelope,
        )

    def test_what_one_command_signs_the_other_verifies(self) -> None:
        for payload in (["--payload", "21.5"], ["--payload-hex", "32312e35"]):
            numbers = ["--seq", "1", "--time", str(TIME_MS)]
            signed = self.sign(*numbers, *payload)
            self.assertEqual(signed.returncode, 0, signed.stderr)
            self.assertEqual(signed.stdout[:-129], SIGN1[:-128])
            verified = self.verify(TOPIC, signed.stdout.strip())
            self.assertEqual(verified.returncode, 0, verified.stderr)
            self.assertEqual(
                json.loads(verified.stdout),
                {
                    "seq": 1,
                    "time": TIME_MS,
                    "kid": THUMBPRINT[:16],
                    "payloadHex": "32312e35",
                },
            )

    def test_a_refused_envelope_is_one_line_on_stderr_and_exit_code_1(
        self,
    ) -> None:
        for topic, envelope in (
            ("plant/2/temp", SIGN1),
            (TOPIC, SIGN1[:-2]),
            (TOPIC, "not hex"),
            (TOPIC, ""),
        ):
            refused = self.verify(topic, envelope)
            self.assertEqual(refused.returncode, 1)
            self.assertEqual(refused.stdout, "")
            self.assertEqual(len(refused.stderr.splitlines()), 1)

    def test_a_bad_number_or_key_is_exit_code_2(self) -> None:
        refused = self.sign("--seq", "-1", "--payload", "21.5")
        self.assertEqual(refused.returncode, 2)
        self.key.write_text("no key")
        refused = self.sign("--seq", "1", "--payload", "21.5")
        self.assertEqual(refused.returncode, 2)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Encode a private key as PKCS#8."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Encode a key's public half as SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo,
    )


if __name__ == "__main__":
    unittest.main()
