import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  answerKeyExchange,
  maxKeyExchangeBytes,
  ProtocolError,
  parseKeyExchangeRequest,
  parseMac0,
  parseSign1,
  startKeyExchange,
} from '../../../protocol/index.ts'
import { codeOf } from '../../helpers/codes.ts'
import { exchangeAnswer, exchangeBroker, exchangeClient, exchangeStart } from '../../helpers/key-exchange.ts'
import { keyMeriadoc } from '../../helpers/keys.ts'
import { mutated, SeededRandom } from '../../helpers/random.ts'
import { hex } from '../../helpers/vectors.ts'

const pending = startKeyExchange(exchangeClient, exchangeStart, nativeCrypto)
const request = parseKeyExchangeRequest(pending.message, nativeCrypto)
const answer = answerKeyExchange(exchangeBroker, request, exchangeAnswer, nativeCrypto)

test('10,000 mutated requests are parsed or refused with a code, and never more', () => {
  const random = new SeededRandom(21)
  let parsed = 0
  for (let i = 0; i < 10_000; i++) {
    // Throws whatever is no ProtocolError.
    if (codeOf(() => parseKeyExchangeRequest(mutated(pending.message, random), nativeCrypto)) === undefined) parsed++
  }
  assert.ok(parsed > 500, `only ${parsed} mutations were still requests: the property was hardly tried`)
})

test('1,000 mutated responses are refused with a code', async () => {
  const random = new SeededRandom(22)
  for (let i = 0; i < 1000; i++) {
    const message = mutated(answer.message, random)
    if (Buffer.compare(message, answer.message) === 0) continue
    await assert.rejects(pending.finish(message, keyMeriadoc), ProtocolError)
  }
})

test('a message that claims 1 GB in any of its lengths is refused, and no memory is taken for it', () => {
  const gigabyte = '40000000'
  const claims = [
    `d2 9a${gigabyte}`,
    `d2 84 5a${gigabyte}`,
    `d2 84 40 ba${gigabyte}`,
    `d2 84 40 a0 5a${gigabyte}`,
    `d2 84 40 a0 40 5a${gigabyte}`,
    `d1 84 4d a201050448 0102030405060708 a0 5a${gigabyte}`,
    `d2 84 46 a1045a${gigabyte.slice(2)} a0 40 40`,
    `d2 84 40 a0 5b00000000${gigabyte}`,
  ].map(hex)
  const before = process.memoryUsage().arrayBuffers
  for (const claim of claims) {
    for (const parse of [parseSign1, parseMac0]) {
      assert.notEqual(
        codeOf(() => parse(claim)),
        undefined,
      )
    }
    assert.notEqual(
      codeOf(() => parseKeyExchangeRequest(claim, nativeCrypto)),
      undefined,
    )
  }
  assert.equal(
    codeOf(() => parseKeyExchangeRequest(new Uint8Array(maxKeyExchangeBytes + 1), nativeCrypto)),
    'ERR_KEY_EXCHANGE_MALFORMED',
  )
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
})
