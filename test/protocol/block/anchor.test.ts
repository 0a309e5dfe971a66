import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  BlockSigner,
  BrokerSigner,
  decodeHighestSeqs,
  encodeHighestSeqs,
  type KeySeq,
  nobleCrypto,
  ProtocolError,
  parseAnchor,
  signAnchor,
  toHex,
  verifyAnchor,
} from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { key11, keyMeriadoc, publicOf } from '../../helpers/keys.ts'

const signer = new BrokerSigner(keyMeriadoc, nobleCrypto)
const note = 'example.com/plant\n6\nAAAA\n\n\u2014 example.com/plant AAAAAAAA\n'
const seqs = fc.uniqueArray(
  fc.tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat({ max: Number.MAX_SAFE_INTEGER })),
  { selector: ([thumbprint]) => toHex(thumbprint), maxLength: 20 },
)

describe('a list of sequence numbers', () => {
  test('says after decoding what was encoded', () => {
    fc.assert(
      fc.property(seqs, (list) => {
        const expected = new Map(list.map(([thumbprint, seq]) => [toHex(thumbprint), seq]))
        assert.deepEqual(decodeHighestSeqs(encodeHighestSeqs(list)), expected)
      }),
      { seed: 1, numRuns: 100 },
    )
  })
  const one: KeySeq = [key11.thumbprint, 7]
  const tooLarge = encodeHighestSeqs([one])
  tooLarge[32] = 1
  for (const [name, packed] of Object.entries({
    'half an entry': encodeHighestSeqs([one]).subarray(0, 39),
    'a key twice': encodeHighestSeqs([one, [key11.thumbprint, 8]]),
    'a number above 2^53 - 1': tooLarge,
  })) {
    test(`is refused with ${name}`, () => throwsCode(() => decodeHighestSeqs(packed), 'ERR_RECORD_MALFORMED'))
  }
})

describe('an anchor', () => {
  const signed = signAnchor(note, [[key11.thumbprint, 7]], signer)

  test('holds checkpoint and sequence numbers, signed by the broker', async () => {
    await verifyAnchor(signed, publicOf(keyMeriadoc), nobleCrypto)
    const highestSeqs = new Map([[toHex(key11.thumbprint), 7]])
    assert.deepEqual(parseAnchor(signed), { note, highestSeqs })
  })
  test('is refused with any byte flipped', async () => {
    for (let at = 0; at < signed.length; at++) {
      const altered = Uint8Array.from(signed)
      altered[at] = (altered[at] as number) ^ 1
      await assert.rejects(
        async () => {
          parseAnchor(altered)
          await verifyAnchor(altered, publicOf(keyMeriadoc), nobleCrypto)
        },
        ProtocolError,
        `byte ${at}`,
      )
    }
  })
  test('is not what any other signature of the broker is over', async () => {
    const header = new BlockSigner(keyMeriadoc, nobleCrypto).sign(Uint8Array.of(0x80))
    await assert.rejects(verifyAnchor(header, publicOf(keyMeriadoc), nobleCrypto), ProtocolError)
  })
})
