"""Trees, receipts and chains, made here and altered here."""

import hashlib
from typing import List

from notarymq import StoredBlock, verify_chain, verify_receipt
from notarymq.cbor import CBORTag, encode
from notarymq.cose import make_sign1, parse_sign1, to_be_signed
from notarymq.keys import base64url, cose_key, new_ephemeral, sha256, sign, thumbprint
from notarymq.merkle import Frontier, leaf_hash, leaf_of, root_of_path
from notarymq.receipts import is_for

from .refusing import RefusingCase

BROKER = new_ephemeral()
DEVICE = new_ephemeral()
TOPIC = "plant/1/temp"


def naive_root(hashes: List[bytes]) -> bytes:
    """The definition of RFC 9162 section 2.1.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\x01", naive_root(hashes[:split]), naive_root(hashes[split:]))


def path_of(index: int, hashes: List[bytes]) -> List[bytes]:
    """The definition of RFC 9162 section 2.1.3.1."""
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return [*path_of(index, hashes[:split]), naive_root(hashes[split:])]
    return [*path_of(index - split, hashes[split:]), naive_root(hashes[:split])]


class Trees(RefusingCase):
    def test_a_leaf_has_the_bytes_of_the_format(self):
        leaf = leaf_of(1767225600000, b"\xaa" * 16, b"\xa0")
        self.assertEqual(
            leaf_hash(leaf).hex(),
            "ee4edc00559872fee6a8bdd2b82d9c0f4614d1410ea17f9a655e7f35dd757e55",
        )

    def test_roots_and_paths_are_those_of_the_definition(self):
        hashes = [leaf_hash(bytes([n])) for n in range(40)]
        frontier = Frontier()
        self.assertEqual(frontier.root(), naive_root([]))
        for size in range(1, 41):
            frontier.add(hashes[size - 1])
            root = naive_root(hashes[:size])
            self.assertEqual(frontier.root(), root)
            for index in range(size):
                path = path_of(index, hashes[:size])
                self.assertEqual(root_of_path(index, size, path, hashes[index]), root)

    def test_a_path_of_another_length_or_index_is_refused(self):
        hashes = [leaf_hash(bytes([n])) for n in range(7)]
        path = path_of(3, hashes)
        self.assert_code("ERR_MALFORMED", root_of_path, 3, 7, path[:-1], hashes[3])
        self.assert_code("ERR_MALFORMED", root_of_path, 3, 7, [*path, bytes(32)], hashes[3])
        self.assert_code("ERR_MALFORMED", root_of_path, 7, 7, path, hashes[3])


def receipt_json(index: int = 3, size: int = 7, signed_size: int = 7, **changes) -> dict:
    record, salt = encode({2: 5, 3: TOPIC, 10: sha256(b"21.5"), 13: bytes(32), 14: 9}), bytes(16)
    hashes = [leaf_hash(bytes([n])) for n in range(7)]
    hashes[3] = leaf_hash(leaf_of(5, salt, record))
    headers = {
        1: -9, 4: thumbprint(BROKER.public_key())[:8], 395: 1,
        15: {1: "example.com/log", 2: f"tree/{signed_size}", 6: 1},
    }
    protected = encode(headers)
    signature = sign(BROKER, to_be_signed(protected, b"", naive_root(hashes)))
    proof = encode([size, index, path_of(3, hashes)])
    receipt = encode(CBORTag(18, [protected, {396: {-1: [proof]}}, None, signature]))
    made = {"index": 3, "record": base64url(record), "salt": base64url(salt)}
    return {**made, "receipt": base64url(receipt), **changes}


class Receipts(RefusingCase):
    def test_a_receipt_proves_a_publish_at_its_index(self):
        proved = verify_receipt(receipt_json(), BROKER.public_key())
        self.assertEqual(
            (proved.origin, proved.index, proved.tree_size, proved.seq),
            ("example.com/log", 3, 7, 9),
        )
        self.assertTrue(is_for(proved, TOPIC, b"21.5", 9))
        for other in (("plant/2", b"21.5", 9), (TOPIC, b"21.6", 9), (TOPIC, b"21.5", 8)):
            self.assertFalse(is_for(proved, *other))

    def test_what_does_not_hold_together_proves_nothing(self):
        altered = encode({2: 5, 3: "plant/2", 10: sha256(b"21.5"), 13: bytes(32), 14: 9})
        for name, receipt in {
            "another record": receipt_json(record=base64url(altered)),
            "another salt": receipt_json(salt=base64url(b"\x01" * 16)),
            "another index proved": receipt_json(index=2),
            "another size proved": receipt_json(size=8),
            "another size signed": receipt_json(signed_size=8),
            "no receipt": {},
            "a receipt that is none": receipt_json(receipt="AA"),
            "a size that no tree has": receipt_json(signed_size="9" * 5000),
        }.items():
            with self.subTest(name):
                self.assert_code(
                    "ERR_RECEIPT_INVALID", verify_receipt, receipt, BROKER.public_key()
                )
        moved = {**receipt_json(), "index": 4}
        self.assert_code("ERR_RECEIPT_INVALID", verify_receipt, moved, BROKER.public_key())
        other = new_ephemeral().public_key()
        self.assert_code("ERR_RECEIPT_INVALID", verify_receipt, receipt_json(), other)


class ChainOfTest:
    """Builds blocks as a broker does."""

    def __init__(self) -> None:
        self.blocks: List[StoredBlock] = []
        self._frontier = Frontier()
        self._broker = BROKER
        self._previous = bytes(32)
        self._size = 0
        genesis = {0: 1, 1: 2, 2: 1, 21: {1: 1, 2: "log", 3: cose_key(BROKER.public_key())}}
        self.add((genesis, None))
        kid = thumbprint(DEVICE.public_key())
        enrolment = {1: 1, 2: cose_key(DEVICE.public_key()), 3: "device"}
        self.add(({0: 1, 1: 3, 2: 2, 6: 0, 13: kid, 21: enrolment}, None))
        for seq in (1, 2):
            self.add(self.publish(seq, f"{seq}".encode()), self.publish(seq + 10, b"more"))

    @staticmethod
    def publish(seq: int, body: bytes, key=DEVICE):
        aad = encode(["notarymq/1", TOPIC])
        envelope = make_sign1(key, {-65537: [seq, 3]}, aad, body, True)
        digest = sha256(to_be_signed(parse_sign1(envelope).protected, aad, body))
        fields = {0: 1, 1: 1, 2: 3, 3: TOPIC, 10: sha256(body), 12: 2}
        kid = thumbprint(DEVICE.public_key())
        return {**fields, 13: kid, 14: seq, 15: 3, 16: digest, 17: envelope}, body

    def add(self, *records, **changes) -> None:
        leaves, entries = [], []
        for fields, body in records:
            record, salt = encode(fields), bytes(16)
            leaves.append(leaf_of(fields[2], salt, record))
            entries.append((salt, record, body))
            self._frontier.add(leaf_hash(leaves[-1]))
        first, self._size = self._size, self._size + len(records)
        height, count = len(self.blocks), len(records)
        previous = changes.get("previous", self._previous)
        header = encode(
            [height, previous, first, count, 3, self._size, self._frontier.root()]
        )
        signed = make_sign1(self._broker, {}, encode(["notarymq/1", "block"]), header, False)
        self._previous = sha256(header)
        self.blocks.append(StoredBlock(signed, leaves, entries))


    def rotate(self, new, by=None, height=None, replaces=None, beside=()) -> None:
        """Name a new broker key, with a proof that `by` signed: the new key itself."""
        place = ["log", len(self.blocks) if height is None else height, self._previous]
        aad = encode(["notarymq/1", "broker-key"])
        event = {
            1: 5,
            2: cose_key(new.public_key()),
            6: make_sign1(by or new, {}, aad, encode(place), False),
            7: thumbprint((replaces or self._broker).public_key()),
        }
        kid = thumbprint(new.public_key())
        self.add(({0: 1, 1: 3, 2: 3, 6: 0, 13: kid, 21: event}, None), *beside)
        self._broker = new


class Chains(RefusingCase):
    def found(self, blocks, broker=None):
        fault = verify_chain(blocks, broker or BROKER.public_key())
        return fault and (fault.height, fault.index, fault.cause)

    def test_a_whole_chain_has_no_fault(self):
        self.assertIsNone(self.found(ChainOfTest().blocks))

    def test_a_consistent_chain_of_somebody_else_is_not_trusted(self):
        other = new_ephemeral().public_key()
        self.assertEqual(self.found(ChainOfTest().blocks, other), (0, 0, "genesis-invalid"))
        self.assertEqual(self.found([]), (0, 0, "genesis-invalid"))

    def test_a_broker_key_that_took_the_place_of_another_is_trusted_as_that_one(self):
        chain, new = ChainOfTest(), new_ephemeral()
        chain.rotate(new)
        for _ in range(2):
            self.assertIsNone(self.found(chain.blocks))
            self.assertIsNone(self.found(chain.blocks, new.public_key()))
            chain.add(ChainOfTest.publish(20, b"x"))

    def test_to_name_the_trusted_key_is_not_enough_without_its_signature_for_this_place(self):
        trusted = new_ephemeral()
        for name, changes in {
            "signed by the old key": {"by": BROKER},
            "signed for another block": {"height": 3},
            "in the place of another key": {"replaces": trusted},
            "beside another record": {"beside": [ChainOfTest.publish(20, b"x")]},
        }.items():
            with self.subTest(name):
                chain = ChainOfTest()
                chain.rotate(trusted, **changes)
                expected = (4, 6, "key-event-invalid")
                self.assertEqual(self.found(chain.blocks, trusted.public_key()), expected)

    def test_each_alteration_is_located(self):
        def altered(height, change):
            blocks = ChainOfTest().blocks
            block = blocks[height]
            blocks[height] = StoredBlock(*change(block.header, block.leaves, block.entries))
            return self.found(blocks)

        flip = lambda data: data[:-1] + bytes([data[-1] ^ 1])  # noqa: E731
        salted = lambda e: (flip(e[0]), e[1], e[2])  # noqa: E731
        record = lambda e: (e[0], flip(e[1]), e[2])  # noqa: E731
        body = lambda e: (e[0], e[1], flip(e[2]))  # noqa: E731
        for name, change, expected in (
            ("header", lambda h, ls, es: (flip(h), ls, es), (2, 2, "header-signature-invalid")),
            ("leaf", lambda h, ls, es: (h, [ls[0], flip(ls[1])], es), (2, 3, "leaf-mismatch")),
            ("no leaf", lambda h, ls, es: (h, [b"\xa0", ls[1]], es), (2, 2, "leaf-mismatch")),
            ("salt", lambda h, ls, es: (h, ls, [es[0], salted(es[1])]), (2, 3, "record-mismatch")),
            ("record", lambda h, ls, es: (h, ls, [record(es[0]), es[1]]), (2, 2, "record-mismatch")),
            ("body", lambda h, ls, es: (h, ls, [es[0], body(es[1])]), (2, 3, "payload-mismatch")),
            ("order", lambda h, ls, es: (h, ls[::-1], es[::-1]), (2, 2, "root-mismatch")),
            ("an entry less", lambda h, ls, es: (h, ls, es[:1]), (2, 2, "malformed-block")),
            ("a record less", lambda h, ls, es: (h, ls[:1], es[:1]), (2, 2, "header-inconsistent")),
            ("no block", lambda h, ls, es: (b"", ls, es), (2, 2, "malformed-block")),
        ):
            with self.subTest(name):
                self.assertEqual(altered(2, change), expected)

    def test_blocks_that_are_missing_or_moved_are_noticed(self):
        blocks = ChainOfTest().blocks
        self.assertEqual(self.found([*blocks[:2], blocks[3]]), (2, 2, "previous-hash-mismatch"))
        self.assertEqual(self.found(blocks[1:]), (0, 0, "genesis-invalid"))
        chain = ChainOfTest()
        chain.add(ChainOfTest.publish(20, b"x"), previous=bytes(32))
        self.assertEqual(self.found(chain.blocks), (4, 6, "previous-hash-mismatch"))

    def test_a_broker_cannot_make_the_signature_of_a_publisher(self):
        chain = ChainOfTest()
        chain.add(ChainOfTest.publish(20, b"x", new_ephemeral()))
        self.assertEqual(self.found(chain.blocks), (4, 6, "signature-invalid"))

    def test_a_record_that_makes_no_sense_is_a_fault_though_the_broker_signed_it(self):
        for fields in (
            {2: 3, 1: 3},
            {2: 3, 1: 3, 13: b"", 21: 5},
            {2: 3, 1: 3, 13: b"", 21: [0]},
            {2: 3, 1: 3, 13: [], 21: {1: 1, 2: None}},
            {2: 3, 1: 1},
            {2: 3, 1: 1, 10: sha256(b"x"), 12: 2, 13: []},
            {2: 3, 1: 1, 10: sha256(b"x"), 12: 2, 13: b"", 17: b""},
        ):
            with self.subTest(str(fields)):
                chain = ChainOfTest()
                chain.add((fields, b"x"))
                self.assertEqual(self.found(chain.blocks), (4, 6, "record-malformed"))
