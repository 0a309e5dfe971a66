"""Envelopes and key exchange, held against docs/envelope.md."""

import tempfile
from dataclasses import replace
from pathlib import Path

from notarymq import Identity, Keyring, Session
from notarymq.cbor import CBORTag, decode, encode
from notarymq.cose import aad_of, add_mac, make_sign1, to_be_signed
from notarymq.envelope import (
    parse_attached,
    parse_detached,
    sign_attached,
    sign_detached,
    verify,
)
from notarymq.exchange import PendingExchange, start
from notarymq.keys import base64url, from_base64url, new_ephemeral
from notarymq.link import _Direction
from notarymq.topics import key_exchange_response

from .refusing import RefusingCase, flips
from .vectors import VECTORS, private_key

TOPIC = "plant/1/temp"
CLIENT_ID = "device/1"


def keyring() -> Keyring:
    ring = Keyring()
    ring.add("publisher", private_key("publisher").public_key())
    return ring


class Envelopes(RefusingCase):
    def setUp(self):
        self.identity = Identity(Path("unused"), private_key("publisher"))

    def test_the_published_envelopes_verify_in_both_carriers(self):
        attached = parse_attached(VECTORS["attached.sign1"])
        detached = parse_detached(
            base64url(VECTORS["detached.sign1"]), VECTORS["publish.payload"]
        )
        for envelope in (attached, detached):
            verified = verify(envelope, TOPIC, keyring())
            self.assertEqual(
                (verified.subject, verified.kid, verified.seq, verified.time_ms),
                ("publisher", base64url(VECTORS["publisher.thumbprint"]), 1, 1767225600000),
            )
            self.assertEqual(envelope.payload, b"21.5")

    def test_what_is_signed_has_the_published_bytes(self):
        protected = VECTORS["publish.protected"]
        self.assertEqual(aad_of(TOPIC), VECTORS["publish.external-aad"])
        signed = to_be_signed(protected, aad_of(TOPIC), b"21.5")
        self.assertEqual(signed, VECTORS["publish.to-be-signed"])
        ours = sign_attached(self.identity, TOPIC, b"21.5", 1, 1767225600000)
        self.assertEqual(ours[:-64], VECTORS["attached.sign1"][:-64])

    def test_macs_have_the_published_bytes(self):
        sid, key = VECTORS["attached.mac-protected"][-8:], VECTORS["session.key"]
        attached = add_mac(sid, key, VECTORS["attached.sign1"], b"")
        self.assertEqual(attached, VECTORS["attached.mac0"])
        detached = add_mac(sid, key, VECTORS["detached.sign1"], b"21.5")
        self.assertEqual(detached, VECTORS["detached.mac0"])

    def test_no_flipped_bit_verifies(self):
        for message in flips(VECTORS["attached.sign1"]):
            envelope = parse_attached(message)
            if envelope is None:
                continue
            code = "ERR_SIGNATURE_INVALID"
            if envelope.sign1.kid != VECTORS["publisher.thumbprint"][:8]:
                code = "ERR_UNKNOWN_KEY"
            self.assert_code(code, verify, envelope, TOPIC, keyring())

    def test_a_signature_is_worth_nothing_elsewhere(self):
        envelope = parse_attached(VECTORS["attached.sign1"])
        self.assert_code("ERR_SIGNATURE_INVALID", verify, envelope, "plant/2/temp", keyring())
        self.assert_code("ERR_UNKNOWN_KEY", verify, envelope, TOPIC, Keyring())
        value = sign_detached(self.identity, TOPIC, b"21.5", 2, 3)
        beside = parse_detached(value, b"99.9")
        self.assert_code("ERR_SIGNATURE_INVALID", verify, beside, TOPIC, keyring())

    def test_what_is_no_envelope_of_ours_is_opaque(self):
        mark = {-65537: [1, 2]}

        def signed(headers, unprotected=None):
            parts = decode(make_sign1(self.identity.private, headers, b"", b"x", False)).value
            return encode(CBORTag(18, [parts[0], unprotected or {}, *parts[2:]]))

        self.assertIsNotNone(parse_attached(signed(mark)))
        self.assertIsNotNone(parse_attached(signed(mark, {394: [b"receipt"]})))
        self.assertIsNotNone(parse_attached(signed({**mark, 2: [-65537], "more": 1})))
        for message in (
            signed({}),
            signed({-65537: [1]}),
            signed({-65537: [True, 1]}),
            signed({-65537: [-1, 1]}),
            signed({**mark, 4: b"short"}),
            signed({**mark, 2: [1]}),
            signed({**mark, 2: []}),
            signed({**mark, 258: -16}),
            signed(mark, {4: b"x"}),
            signed(mark, {394: []}),
            signed(mark, {394: [1]}),
            VECTORS["detached.sign1"],
            VECTORS["attached.mac0"],
            VECTORS["attached.sign1"] + b"\x00",
            b"\xd2",
            b"21.5",
            b"",
        ):
            self.assertIsNone(parse_attached(message))
        for value in ("", "no base64", base64url(VECTORS["attached.sign1"])):
            self.assert_code("ERR_MALFORMED", parse_detached, value, b"21.5")

    def test_another_algorithm_than_the_keys_is_refused(self):
        for alg in (-35, -8, 5, True):
            headers = {1: alg, -65537: [1, 2]}
            message = make_sign1(self.identity.private, headers, aad_of(TOPIC), b"x", False)
            envelope = parse_attached(message)
            self.assert_code("ERR_SIGNATURE_INVALID", verify, envelope, TOPIC, keyring())


class KeyExchange(RefusingCase):
    def setUp(self):
        nonce = VECTORS["exchange.salt"][:16]
        self.pending = PendingExchange(
            VECTORS["request"], CLIENT_ID, private_key("client-ephemeral"), nonce
        )
        self.broker = private_key("broker").public_key()

    def test_the_published_answer_leads_to_the_published_session(self):
        session = self.pending.finish(VECTORS["response"], self.broker)
        self.assertEqual(session.key, VECTORS["exchange.session-key"])
        self.assertEqual(session.sid, VECTORS["exchange.sid"])
        self.assertEqual(
            (session.expiry_ms, session.broker_time_ms, session.highest_seq),
            (1767312001000, 1767225601500, 2),
        )
        self.assertNotIn(session.key.hex(), repr(session))

    def test_a_session_lasts_as_long_as_the_broker_says_whatever_date_it_is_here(self):
        # By its date it ended long ago.
        session = self.pending.finish(VECTORS["response"], self.broker)
        a_day_less_a_second = 1767312001000 - 1767225601500
        self.assertLessEqual(session.remaining_ms(), a_day_less_a_second)
        an_hour_ago = replace(session, agreed_at=session.agreed_at - 3600)
        self.assertLessEqual(an_hour_ago.remaining_ms(), session.remaining_ms() - 3_590_000)
        self.assertGreater(an_hour_ago.remaining_ms(), 0)

    def test_no_flipped_bit_of_an_answer_is_taken(self):
        for answer in flips(VECTORS["response"]):
            self.assert_code("ERR_BROKER_UNPROVEN", self.pending.finish, answer, self.broker)

    def test_the_answer_of_another_broker_or_to_somebody_else_is_refused(self):
        answer = VECTORS["response"]
        other = new_ephemeral().public_key()
        self.assert_code("ERR_BROKER_UNPROVEN", self.pending.finish, answer, other)
        for changes in ({"client_id": "device/2"}, {"message": b"another request"}):
            pending = PendingExchange(**{**self.pending.__dict__, **changes})
            self.assert_code("ERR_BROKER_UNPROVEN", pending.finish, answer, self.broker)
        self.assert_code("ERR_BROKER_UNPROVEN", self.pending.finish, bytes(5000), self.broker)

    def test_a_request_names_client_and_broker_and_is_signed(self):
        with tempfile.TemporaryDirectory() as directory:
            identity = Identity.generate(Path(directory) / "device.pem")
            pending = start(identity, CLIENT_ID, self.broker, 7, 8)
        envelope = parse_attached(pending.message)
        ring = Keyring()
        ring.add("device", identity.public)
        verified = verify(envelope, "$notary/key-exchange/request", ring)
        self.assertEqual((verified.seq, verified.time_ms), (7, 8))
        fields = decode(envelope.payload)
        self.assertEqual(set(fields), {1, 2, 3, 4})
        self.assertEqual((fields[3], fields[4]), (CLIENT_ID, VECTORS["broker.thumbprint"][:8]))

    def test_client_ids_become_one_topic_level(self):
        self.assertEqual(
            key_exchange_response("a/b+#%\x00é\x85 ~"),
            "$notary/key-exchange/response/a%2Fb%2B%23%25%00é%C2%85 ~",
        )

    def test_frames_have_the_published_macs(self):
        session = Session(b"", VECTORS["exchange.session-key"], 0, 0, 0)
        for label, byte in (("c2b", 1), ("b2c", 2)):
            direction = _Direction(session, byte, label)
            for count, content in enumerate((b"first", b"second")):
                frame = len(content).to_bytes(4, "big") + content + direction.next_mac(content)
                self.assertEqual(frame, VECTORS[f"link.{label}-frame-{count}"])

    def test_a_session_in_use_makes_the_published_bytes(self):
        sign1 = decode(VECTORS["in-session.mac0"]).value[2]
        key, sid = VECTORS["exchange.session-key"], VECTORS["exchange.sid"]
        self.assertEqual(add_mac(sid, key, sign1, b""), VECTORS["in-session.mac0"])
        value = sign_detached(
            Identity(Path("unused"), private_key("publisher")),
            TOPIC, b"21.5", 3, 4, Session(sid, key, 0, 0, 0),
        )
        protected, _, inner, tag = decode(from_base64url(value)).value
        self.assertEqual(protected, encode({1: 5, 4: sid}))
        self.assertEqual(decode(inner).value[2], None)
        self.assertEqual(len(tag), 32)
