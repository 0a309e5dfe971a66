import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  type CborKey,
  type CborValue,
  encodeCbor,
  encodeSign1,
  inclusionReceipt,
  isInclusionReceiptValid,
  nobleCrypto,
  parseInclusionReceipt,
  parseSign1,
  signRoot,
  signSign1,
  signSign1Detached,
  toHex,
} from '../../../protocol/index.ts'
import { withBitFlipped } from '../../helpers/bits.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { key11, keyMeriadoc, publicOf } from '../../helpers/keys.ts'
import { readInclusionVectors } from '../../helpers/merkle-vectors.ts'
import { naiveInclusion, naiveRoot, numberedLeafHashes } from '../../helpers/naive-tree.ts'
import { mutated, SeededRandom } from '../../helpers/random.ts'
import { receiptIssuer, receiptTime, receiptTrust, signedRootOf } from '../../helpers/receipts.ts'
import { base64 } from '../../helpers/vectors.ts'

const leaves = numberedLeafHashes(13)
const leaf = (index: number) => leaves[index] as Uint8Array
const root = signedRootOf(leaves)
const receiptOf = (index: number) =>
  inclusionReceipt(root, { leafIndex: BigInt(index), path: naiveInclusion(index, leaves) })
const isValid = (receipt: Uint8Array, hash: Uint8Array, trust = receiptTrust) =>
  isInclusionReceiptValid(receipt, hash, trust, nativeCrypto)

type Headers = readonly (readonly [CborKey, CborValue])[]
const claims = (subject = 'tree/13', more: Headers = []) =>
  new Map<CborKey, CborValue>([[1, receiptIssuer], [2, subject], [6, receiptTime], ...more])
const kid = keyMeriadoc.thumbprint.subarray(0, 8)
const protectedHeaders: Headers = [
  [1, -9],
  [4, kid],
  [15, claims()],
  [395, 1],
]
const proof = encodeCbor([13, 5, naiveInclusion(5, leaves)])
const unprotectedHeaders: Headers = [[396, new Map([[-1, [proof]]])]]

/** A receipt for leaf 5 with other parts than ours have, signed properly all the same. */
function receiptWith(parts: {
  protectedHeaders?: Headers
  unprotectedHeaders?: Headers
  attached?: boolean
}): Uint8Array {
  const protectedBytes = encodeCbor(new Map(parts.protectedHeaders ?? protectedHeaders))
  const sign = parts.attached ? signSign1 : signSign1Detached
  const signed = parseSign1(sign(keyMeriadoc, protectedBytes, new Uint8Array(0), naiveRoot(leaves), nativeCrypto))
  const unprotectedBytes = encodeCbor(new Map(parts.unprotectedHeaders ?? unprotectedHeaders))
  return encodeSign1({ ...signed, unprotectedBytes }, signed.payload)
}

describe('a receipt of inclusion', () => {
  test('proves each leaf of the tree, and no other, on either provider', async () => {
    for (let index = 0; index < leaves.length; index++) {
      assert.equal(await isValid(receiptOf(index), leaf(index)), true)
      assert.equal(await isValid(receiptOf(index), leaf((index + 1) % 13)), false)
    }
    assert.equal(await isInclusionReceiptValid(receiptOf(5), leaf(5), receiptTrust, nobleCrypto), true)
  })
  test('says who gave it when, and for which leaf of which tree', () => {
    const { issuer, treeSize, issuedAtSeconds, proof: inclusion } = parseInclusionReceipt(receiptOf(5))
    assert.deepEqual([issuer, treeSize, issuedAtSeconds], [receiptIssuer, 13n, receiptTime])
    assert.deepEqual([inclusion.leafIndex, inclusion.treeSize, inclusion.path.length], [5n, 13n, 4])
  })
  test('has the headers of RFC 9942, one proof and no payload', () => {
    const sign1 = parseSign1(receiptOf(5))
    assert.deepEqual([...sign1.protectedHeaders.keys()], [1, 4, 15, 395])
    assert.equal(toHex(receiptOf(5).subarray(0, 2)), 'd284')
    assert.equal(sign1.payload, undefined)
    assert.deepEqual([...sign1.unprotectedHeaders.keys()], [396])
    assert.equal(toHex(encodeCbor(sign1.protectedHeaders)), toHex(encodeCbor(new Map(protectedHeaders))))
    assert.equal(toHex(sign1.unprotectedBytes), toHex(encodeCbor(new Map(unprotectedHeaders))))
  })
  test('is worth nothing by another key, or of another log', async () => {
    assert.equal(await isValid(receiptOf(5), leaf(5), { ...receiptTrust, brokerKey: publicOf(key11) }), false)
    assert.equal(await isValid(receiptOf(5), leaf(5), { ...receiptTrust, issuer: 'notarymq/other' }), false)
  })
  test('with any single bit flipped proves nothing: what is not signed is settled by what is', async () => {
    for (const index of [0, 5, 12]) {
      const receipt = receiptOf(index)
      for (let bit = 0; bit < receipt.length * 8; bit++) {
        assert.equal(await isValid(withBitFlipped(receipt, bit), leaf(index)), false, `leaf ${index}, bit ${bit}`)
      }
    }
  })
  test('cannot be given another index or another size, where one path fits both', async () => {
    // Leaf 12 of 13 has the path of leaf 3 of 4: one sibling on the left each time.
    const same = [
      [13, 12],
      [4, 3],
      [5, 4],
      [9, 8],
    ] as const
    for (const [size, index] of same) {
      const moved = encodeCbor([size, index, naiveInclusion(12, leaves)])
      const receipt = receiptWith({ unprotectedHeaders: [[396, new Map([[-1, [moved]]])]] })
      assert.equal(await isValid(receipt, leaf(12)), size === 13)
    }
  })
  test('is not made for another tree, nor without a path', () => {
    assert.throws(() => inclusionReceipt(root, { leafIndex: 13n, path: [leaf(0)] }), RangeError)
    assert.throws(() => inclusionReceipt(signedRootOf(leaves.slice(0, 1)), { leafIndex: 0n, path: [] }), RangeError)
    const tree = { issuer: receiptIssuer, treeSize: 13n, rootHash: naiveRoot(leaves) }
    const changes = [{ issuer: '' }, { issuer: 'x'.repeat(8193) }, { rootHash: leaf(0).subarray(1) }]
    for (const change of changes) {
      assert.throws(() => signRoot(keyMeriadoc, { ...tree, ...change }, receiptTime, nativeCrypto), RangeError)
    }
    const beyond = signRoot(keyMeriadoc, { ...tree, treeSize: 2n ** 53n }, receiptTime, nativeCrypto)
    assert.throws(() => inclusionReceipt(beyond, { leafIndex: 0n, path: [leaf(0)] }), RangeError)
  })
})

describe('what is read', () => {
  test('is a receipt of ours; the parts by themselves make one', async () => {
    assert.equal(await isValid(receiptWith({}), leaf(5)), true)
    const es256 = protectedHeaders.map(([label, value]) => [label, label === 1 ? -7 : value] as const)
    assert.equal(await isValid(receiptWith({ protectedHeaders: es256 }), leaf(5)), true)
  })
  test('has an empty path in a tree of one leaf only', async () => {
    const single = [leaf(0)]
    const header = (subject: string): Headers => [
      [1, -9],
      [4, kid],
      [15, claims(subject)],
      [395, 1],
    ]
    const receipt = (size: number) => {
      const protectedBytes = encodeCbor(new Map(header(`tree/${size}`)))
      const signed = parseSign1(
        signSign1Detached(keyMeriadoc, protectedBytes, new Uint8Array(0), naiveRoot(single), nativeCrypto),
      )
      const unprotectedBytes = encodeCbor(new Map([[396, new Map([[-1, [encodeCbor([size, 0, []])]]])]]))
      return encodeSign1({ ...signed, unprotectedBytes }, undefined)
    }
    assert.equal(await isValid(receipt(1), leaf(0)), true)
    throwsCode(() => parseInclusionReceipt(receipt(2)), 'ERR_COSE_MALFORMED')
  })
  const without = (label: number) => protectedHeaders.filter(([key]) => key !== label)
  const vdp = (kind: number, ...proofs: CborValue[]): Headers => [[396, new Map([[kind, proofs]])]]
  const refused: Record<string, Parameters<typeof receiptWith>[0]> = {
    'a root that it carries itself': { attached: true },
    'no alg': { protectedHeaders: without(1) },
    'no kid': { protectedHeaders: without(4) },
    'no claims': { protectedHeaders: without(15) },
    'no data structure': { protectedHeaders: without(395) },
    'the reserved data structure 0': { protectedHeaders: [...without(395), [395, 0]] },
    'the data structure under its old label': { protectedHeaders: [...without(395), [-111, 1]] },
    'the old label beside the new one': { protectedHeaders: [...protectedHeaders, [-111, 1]] },
    'the proofs under their old label': { unprotectedHeaders: [[-222, new Map([[-1, [proof]]])]] },
    'the old label -333 beside the proofs': { unprotectedHeaders: [...unprotectedHeaders, [-333, 1]] },
    'a claim too many': { protectedHeaders: [...without(15), [15, claims('tree/13', [[3, 'x']])]] },
    'a subject that is no tree': { protectedHeaders: [...without(15), [15, claims('tree/013')]] },
    'the size of another tree': { protectedHeaders: [...without(15), [15, claims('tree/14')]] },
    'two proofs': { unprotectedHeaders: vdp(-1, proof, proof) },
    'no proof': { unprotectedHeaders: vdp(-1) },
    'a proof of another kind': { unprotectedHeaders: vdp(-2, proof) },
    'both kinds': {
      unprotectedHeaders: [
        [
          396,
          new Map([
            [-1, [proof]],
            [-2, [proof]],
          ]),
        ],
      ],
    },
    'a proof that is not wrapped': { unprotectedHeaders: vdp(-1, [13, 5, naiveInclusion(5, leaves)]) },
    'an index beyond the tree': { unprotectedHeaders: vdp(-1, encodeCbor([13, 13, [leaf(0)]])) },
    'a path of 65 hashes': {
      unprotectedHeaders: vdp(-1, encodeCbor([13, 5, Array.from({ length: 65 }, () => leaf(0))])),
    },
  }
  for (const [what, parts] of Object.entries(refused)) {
    test(`has not ${what}`, async () => {
      throwsCode(() => parseInclusionReceipt(receiptWith(parts)), 'ERR_COSE_MALFORMED')
      assert.equal(await isValid(receiptWith(parts), leaf(5)), false)
    })
  }
  test('has no alg but that of the key', async () => {
    const other = receiptWith({ protectedHeaders: [[1, -19], ...without(1)] })
    assert.equal(await isValid(other, leaf(5)), false)
  })
  test('has hashes of 32 bytes and nothing behind the proof', () => {
    const short = encodeCbor([13, 5, [leaf(0).subarray(1)]])
    throwsCode(() => parseInclusionReceipt(receiptWith({ unprotectedHeaders: vdp(-1, short) })), 'ERR_CBOR_UNEXPECTED')
    const long = Uint8Array.of(...proof, 0)
    throwsCode(
      () => parseInclusionReceipt(receiptWith({ unprotectedHeaders: vdp(-1, long) })),
      'ERR_CBOR_TRAILING_BYTES',
    )
  })
  test('is capped in size before it is parsed', () => {
    throwsCode(() => parseInclusionReceipt(new Uint8Array(65_537)), 'ERR_COSE_MALFORMED')
  })
  test('may be any bytes: the answer is one boolean', async () => {
    const random = new SeededRandom(7)
    for (let i = 0; i < 400; i++) {
      const input = i % 4 === 0 ? random.bytes(random.below(300)) : mutated(receiptOf(5), random)
      if (toHex(input) !== toHex(receiptOf(5))) assert.equal(await isValid(input, leaf(5)), false, toHex(input))
    }
  })
})

test('around the inclusion vectors of transparency-dev that the format can express, receipts prove what they should', async () => {
  const vectors = readInclusionVectors()
  const verdicts = { proved: 0, refused: 0 }
  for (const [name, vector] of Object.entries(vectors)) {
    const [rootHash, hash] = [base64(vector.root ?? ''), base64(vector.leafHash ?? '')]
    const [treeSize, leafIndex] = [BigInt(vector.treeSize), BigInt(vector.leafIdx)]
    const path = (vector.proof ?? []).map(base64)
    const isExpressible = rootHash.length === 32 && treeSize < 2n ** 53n && leafIndex < treeSize && path.length > 0
    if (!isExpressible) continue
    const signed = signRoot(keyMeriadoc, { issuer: receiptIssuer, treeSize, rootHash }, receiptTime, nativeCrypto)
    const proved = await isValid(inclusionReceipt(signed, { leafIndex, path }), hash)
    assert.equal(proved, !vector.wantErr, name)
    verdicts[proved ? 'proved' : 'refused']++
  }
  assert.deepEqual(verdicts, { proved: 4, refused: 64 })
})
