import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  addHopMac,
  answerKeyExchange,
  type CryptoProvider,
  isHopMacValid,
  nobleCrypto,
  parseAttachedEnvelope,
  parseKeyExchangeRequest,
  startKeyExchange,
  toHex,
  verifyKeyExchangeRequest,
} from '../../../protocol/index.ts'
import { rejectsCode } from '../../helpers/codes.ts'
import { exampleSign1 } from '../../helpers/envelopes.ts'
import {
  exchangeAnswer,
  exchangeBroker,
  exchangeClient,
  exchangeStart,
  signingKey,
} from '../../helpers/key-exchange.ts'
import { key11, keyMeriadoc, numberedKey } from '../../helpers/keys.ts'

const providers: Readonly<Record<string, CryptoProvider>> = { noble: nobleCrypto, native: nativeCrypto }

/** What the broker makes of a request that it trusts. */
function answered(request: Uint8Array, crypto: CryptoProvider = nativeCrypto) {
  return answerKeyExchange(exchangeBroker, parseKeyExchangeRequest(request, crypto), exchangeAnswer, crypto)
}

for (const [clientName, clientCrypto] of Object.entries(providers)) {
  for (const [brokerName, brokerCrypto] of Object.entries(providers)) {
    test(`a ${clientName} client and a ${brokerName} broker come to the same session`, async () => {
      const pending = startKeyExchange(exchangeClient, exchangeStart, clientCrypto)
      const request = parseKeyExchangeRequest(pending.message, brokerCrypto)
      await verifyKeyExchangeRequest(request, key11, brokerCrypto)
      const broker = answerKeyExchange(exchangeBroker, request, exchangeAnswer, brokerCrypto)
      const client = await pending.finish(broker.message, keyMeriadoc)
      assert.equal(toHex(client.key), toHex(broker.key))
      assert.equal(toHex(client.sid), toHex(broker.sid))
      assert.deepEqual([client.key.length, client.sid.length], [32, 8])
      assert.equal(toHex(broker.digest), toHex(brokerCrypto.sha256(broker.message)))
      const { expiryMs, brokerTimeMs, highestSeq } = client.response
      assert.deepEqual({ clientId: 'device/1', expiryMs, brokerTimeMs, highestSeq }, exchangeAnswer)
      const mac = parseAttachedEnvelope(addHopMac(exampleSign1, client, new Uint8Array(0), clientCrypto))?.mac
      assert.ok(mac !== undefined && isHopMacValid(mac, broker.key, brokerCrypto))
    })
  }
}

describe('a key exchange', () => {
  test('gives another key, sid and nonce each time', async () => {
    const sessions = await Promise.all(
      [1, 2].map(async (seq) => {
        const pending = startKeyExchange(exchangeClient, { ...exchangeStart, seq }, nativeCrypto)
        return pending.finish(answered(pending.message).message, keyMeriadoc)
      }),
    )
    const [one, two] = sessions.map(({ key, sid, response }) =>
      [key, sid, response.nonce, response.ephemeral.x].map(toHex),
    )
    assert.ok(one !== undefined && two !== undefined)
    for (const [i, value] of one.entries()) assert.notEqual(value, two[i])
  })
  test('gives two answers to one request two keys: what the broker made is in the key', () => {
    const { message } = startKeyExchange(exchangeClient, exchangeStart, nativeCrypto)
    assert.notEqual(toHex(answered(message).key), toHex(answered(message).key))
  })
  test('refuses an answer by another broker, for another client or to another request, and takes the right one then', async () => {
    const pending = startKeyExchange(exchangeClient, exchangeStart, nativeCrypto)
    const request = parseKeyExchangeRequest(pending.message, nativeCrypto)
    const stranger = answerKeyExchange(signingKey(numberedKey(5)), request, exchangeAnswer, nativeCrypto)
    await rejectsCode(pending.finish(stranger.message, keyMeriadoc), 'ERR_KEY_EXCHANGE_MISMATCH')
    const forged = answerKeyExchange({ ...exchangeBroker, key: numberedKey(5) }, request, exchangeAnswer, nativeCrypto)
    await rejectsCode(pending.finish(forged.message, keyMeriadoc), 'ERR_COSE_SIGNATURE_INVALID')
    const elsewhere = answerKeyExchange(
      exchangeBroker,
      request,
      { ...exchangeAnswer, clientId: 'device' },
      nativeCrypto,
    )
    await rejectsCode(pending.finish(elsewhere.message, keyMeriadoc), 'ERR_COSE_SIGNATURE_INVALID')
    const other = startKeyExchange(exchangeClient, { ...exchangeStart, seq: 3 }, nativeCrypto)
    await rejectsCode(pending.finish(answered(other.message).message, keyMeriadoc), 'ERR_KEY_EXCHANGE_MISMATCH')
    const right = answered(pending.message)
    assert.equal(toHex((await pending.finish(right.message, keyMeriadoc)).key), toHex(right.key))
  })
  test('with any single bit of the answer flipped is refused', async () => {
    const pending = startKeyExchange(exchangeClient, exchangeStart, nativeCrypto)
    const { message } = answered(pending.message)
    for (let bit = 0; bit < message.length * 8; bit++) {
      const copy = message.slice()
      copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
      await assert.rejects(pending.finish(copy, keyMeriadoc), { name: 'ProtocolError' }, `bit ${bit}`)
    }
  })
  test('may leave out which broker is meant', () => {
    const start = { ...exchangeStart, brokerThumbprint: undefined }
    const { message } = startKeyExchange(exchangeClient, start, nativeCrypto)
    assert.equal(parseKeyExchangeRequest(message, nativeCrypto).brokerKid, undefined)
  })
})
