import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  BlockSigner,
  buildBlock,
  type ChainRecord,
  type CryptoProvider,
  decodeBlock,
  decodeRecord,
  emptyChainState,
  nobleCrypto,
  type RecordWithBody,
  toHex,
} from '../../../protocol/index.ts'
import { unsignedPublish } from '../../helpers/golden-chain.ts'
import { keyMeriadoc } from '../../helpers/keys.ts'
import { SeededRandom } from '../../helpers/random.ts'

const timeMs = 1_767_225_600_000
const random = new SeededRandom(11)

function recordsOf(records: readonly RecordWithBody[], crypto: CryptoProvider): ChainRecord[] {
  const signer = new BlockSigner(keyMeriadoc, crypto)
  const { encoded } = buildBlock(emptyChainState(crypto), records, timeMs, signer, crypto)
  return decodeBlock(encoded).entries.map(({ record }) => decodeRecord(record ?? assert.fail('no record')))
}

for (const [name, crypto] of [
  ['node:crypto', nativeCrypto],
  ['noble', nobleCrypto],
] as const) {
  test(`a block makes the digests that its publishes lack, of payloads of any size, and leaves the others (${name})`, () => {
    const given = [0, 1, 4096, 4097, 200, 100_000].flatMap((length) => {
      const whole = unsignedPublish({ topic: 'a', body: random.bytes(length), timeMs }, crypto)
      const { payloadSha256: _, ...record } = whole.record
      return [{ ...whole, record }, whole]
    })
    const other: RecordWithBody = { record: { kind: 'config', timeMs, detail: new Map() }, body: undefined }
    const made = recordsOf([...given, other], crypto)
    for (const [i, { body }] of given.entries()) {
      assert.equal(
        toHex(made[i]?.payloadSha256 ?? assert.fail('none')),
        toHex(nobleCrypto.sha256(body ?? assert.fail())),
      )
    }
    assert.equal(made.at(-1)?.payloadSha256, undefined)
  })

  test(`a digest that a record brings is written as it is (${name})`, () => {
    const { record, body } = unsignedPublish({ topic: 'a', body: random.bytes(10), timeMs }, crypto)
    const wrong = new Uint8Array(32).fill(7)
    const [first, second] = recordsOf(
      [
        { record: { ...record, payloadSha256: wrong }, body },
        { record, body },
      ],
      crypto,
    )
    assert.deepEqual([...(first?.payloadSha256 ?? [])], [...wrong])
    assert.deepEqual([...(second?.payloadSha256 ?? [])], [...(record.payloadSha256 ?? [])])
  })
}
