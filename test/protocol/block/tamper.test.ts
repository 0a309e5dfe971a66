import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { findingIn } from '../../helpers/chain.ts'
import { cachingCrypto } from '../../helpers/crypto.ts'
import { goldenChain } from '../../helpers/golden-chain.ts'

const { blocks } = goldenChain()
// The blocks before the altered one are verified again and again: once is enough.
const crypto = cachingCrypto(nativeCrypto)

/** `npm run test:every-bit` flips all eight of each byte, the usual run one, another one from byte to byte. */
const isWhole = process.env.NOTARYMQ_EVERY_BIT === 'all'
const nextBit = (bit: number) => bit + (isWhole || bit % 8 === 7 ? 1 : 9)

test('with any single bit of any stored block flipped, verification finds a fault in that very block', async () => {
  let flips = 0
  for (const [height, block] of blocks.entries()) {
    for (let bit = 0; bit < block.encoded.length * 8; bit = nextBit(bit)) {
      const encoded = block.encoded.slice()
      encoded[bit >> 3] = (encoded[bit >> 3] as number) ^ (1 << (bit & 7))
      const finding = await findingIn(blocks.with(height, { ...block, encoded }), { crypto })
      assert.equal(finding?.block, height, `bit ${bit & 7} of byte ${bit >> 3} of block ${height}`)
      assert.ok(finding.index >= block.key && finding.index < (blocks[height + 1]?.key ?? block.key + 1))
      flips++
    }
  }
  assert.equal(flips, (isWhole ? 8 : 1) * blocks.reduce((sum, { encoded }) => sum + encoded.length, 0))
})

test('with any block left out, doubled or exchanged with another, verification finds a fault', async () => {
  for (const [i, block] of blocks.entries()) {
    const without = blocks.filter((_, height) => height !== i)
    const isLast = i === blocks.length - 1
    assert.equal((await findingIn(without, { crypto })) === undefined, isLast, `without block ${i}`)
    assert.notEqual(await findingIn(blocks.toSpliced(i, 0, block), { crypto }), undefined, `block ${i} twice`)
    for (let j = 0; j < i; j++) {
      const exchanged = blocks.with(i, blocks[j] as (typeof blocks)[number]).with(j, block)
      assert.notEqual(await findingIn(exchanged, { crypto }), undefined, `blocks ${i} and ${j} exchanged`)
    }
  }
})

test('only a header kept outside tells that the newest block was cut off', async () => {
  const cut = blocks.slice(0, -1)
  assert.equal(await findingIn(cut, { crypto }), undefined)
  const head = blocks.at(-1)?.signed as Uint8Array
  assert.equal((await findingIn(cut, { crypto, head }))?.cause, 'truncated-below-head')
})
