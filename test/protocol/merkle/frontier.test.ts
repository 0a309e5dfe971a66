import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { decodeChainState, emptyRoot, encodeChainState, Frontier, leafHash, toHex } from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { naiveRoot } from '../../helpers/naive-tree.ts'
import { SeededRandom } from '../../helpers/random.ts'
import { hex } from '../../helpers/vectors.ts'

const random = new SeededRandom(11)
const leafHashes = Array.from({ length: 300 }, () => leafHash(random.bytes(random.below(50)), nativeCrypto))

test('the root of the empty tree is SHA-256 of nothing', () => {
  const expected = Buffer.from('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', 'base64').toString('hex')
  assert.equal(toHex(emptyRoot(nativeCrypto)), expected)
  assert.equal(toHex(new Frontier(nativeCrypto).root()), expected)
})

test('the root is that of the RFC 9162 tree for every size from 0 to 300', () => {
  const frontier = new Frontier(nativeCrypto)
  for (let size = 0; size <= 300; size++) {
    assert.equal(frontier.size, size)
    assert.equal(toHex(frontier.root()), toHex(naiveRoot(leafHashes.slice(0, size))), `size ${size}`)
    if (size < 300) frontier.append(leafHashes[size] as Uint8Array)
  }
})

test('a frontier rebuilt from size and subtrees goes on to the same roots, at every size from 0 to 64', () => {
  const original = new Frontier(nativeCrypto)
  for (let size = 0; size <= 64; size++) {
    const rebuilt = new Frontier(nativeCrypto, original.size, original.subtrees)
    for (const hash of leafHashes.slice(size, size + 9)) rebuilt.append(hash)
    assert.equal(toHex(rebuilt.root()), toHex(naiveRoot(leafHashes.slice(0, size + 9))))
    original.append(leafHashes[size] as Uint8Array)
  }
})

test('has as many subtrees as the size has bits set, and is refused with any other number', () => {
  const frontier = new Frontier(nativeCrypto)
  for (const hash of leafHashes.slice(0, 21)) frontier.append(hash)
  assert.equal(frontier.subtrees.length, 3)
  assert.throws(() => new Frontier(nativeCrypto, 21, frontier.subtrees.slice(1)), RangeError)
  assert.throws(() => new Frontier(nativeCrypto, 0, frontier.subtrees), RangeError)
  assert.throws(() => new Frontier(nativeCrypto, 23, frontier.subtrees), RangeError)
})

test('appending to a clone leaves the original as it was, and the other way round', () => {
  const original = new Frontier(nativeCrypto)
  for (const hash of leafHashes.slice(0, 7)) original.append(hash)
  const root = toHex(original.root())
  const clone = original.clone()
  clone.append(leafHashes[7] as Uint8Array)
  assert.equal(toHex(original.root()), root)
  assert.equal(original.size, 7)
  original.append(leafHashes[8] as Uint8Array)
  assert.equal(toHex(clone.root()), toHex(naiveRoot(leafHashes.slice(0, 8))))
})

test('the chain state keeps height, link, time and frontier', () => {
  const frontier = new Frontier(nativeCrypto)
  for (const hash of leafHashes.slice(0, 13)) frontier.append(hash)
  const state = { height: 4, previousHash: leafHashes[0] as Uint8Array, timeMs: 1_767_225_600_000, frontier }
  const encoded = encodeChainState(state)
  const decoded = decodeChainState(encoded, nativeCrypto)
  assert.equal(toHex(encodeChainState(decoded)), toHex(encoded))
  assert.equal(decoded.height, 4)
  assert.equal(decoded.timeMs, 1_767_225_600_000)
  assert.equal(toHex(decoded.frontier.root()), toHex(frontier.root()))
})

test('a chain state of another version, with a wrong number of subtrees or trailing bytes is refused', () => {
  const zero = `5820${'00'.repeat(32)}`
  const decode = (encoded: string) => () => decodeChainState(hex(encoded), nativeCrypto)
  throwsCode(decode(`86 02 00 ${zero} 00 00 80`), 'ERR_BLOCK_MALFORMED')
  throwsCode(decode(`86 01 00 ${zero} 00 01 80`), 'ERR_BLOCK_MALFORMED')
  throwsCode(decode(`86 01 00 ${zero} 00 00 81 ${zero}`), 'ERR_BLOCK_MALFORMED')
  throwsCode(decode(`86 01 00 ${zero} 00 00 80 00`), 'ERR_CBOR_TRAILING_BYTES')
  throwsCode(decode(`86 01 00 5f ${'00'.repeat(31)} 00 00 80`), 'ERR_CBOR_NOT_DETERMINISTIC')
  throwsCode(decode(`85 01 00 ${zero} 00 00`), 'ERR_CBOR_UNEXPECTED')
})
