import assert from 'node:assert/strict'
import { createHmac, hkdfSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import { concatBytes, utf8 } from '../../protocol/bytes.ts'
import {
  externalAad,
  FrameReader,
  fromBase64url,
  isHopMacValid,
  keyExchangeResponseTopic,
  LinkReceiver,
  openExchangeFrame,
  type P256PublicKey,
  parseAttachedEnvelope,
  parseDetachedEnvelope,
  parseKeyExchangeRequest,
  refusalCauses,
  requestTopic,
  sigStructure,
  toHex,
  verifyKeyExchangeRequest,
  verifyKeyExchangeResponse,
} from '../../protocol/index.ts'
import { withVectors } from '../../scripts/envelope-document.ts'
import { documentVectors } from '../helpers/envelope-document.ts'
import { example, exampleSign1, isGenuine } from '../helpers/envelopes.ts'
import { key11, keyMeriadoc, type TestKey, testKey } from '../helpers/keys.ts'
import { repositoryText } from '../helpers/vectors.ts'

const document = repositoryText('docs/envelope.md')
const vectors = documentVectors()
const text = (name: string) => vectors.text(name)
const bytes = (name: string) => vectors.bytes(name)

/** A key pair as the document gives it, its coordinates compared with those of the scalar. */
function keyPair(name: string): TestKey {
  const key = testKey(toHex(bytes(`${name}.d`)))
  assert.deepEqual([toHex(bytes(`${name}.x`)), toHex(bytes(`${name}.y`))], [toHex(key.x), toHex(key.y)])
  return key
}

/** The session of the exchange, as a client and OpenSSL come to it from the document's bytes alone. */
async function derivedSession(): Promise<Uint8Array> {
  const expected = { brokerKey: keyMeriadoc, requestDigest: bytes('request.sha256'), clientId: 'device/1' }
  const { nonce, sid, ephemeral, ...times } = await verifyKeyExchangeResponse(bytes('response'), expected, nativeCrypto)
  assert.equal(toHex(sid), toHex(bytes('exchange.sid')))
  assert.deepEqual([times.expiryMs, times.brokerTimeMs, times.highestSeq], [1_767_312_001_000, 1_767_225_601_500, 2])
  assert.equal(toHex(bytes('exchange.salt')).slice(32), toHex(nonce))
  const shared = nativeCrypto.ecdhP256(keyPair('client-ephemeral'), ephemeral)
  assert.equal(toHex(shared), toHex(bytes('exchange.shared-x')))
  return new Uint8Array(hkdfSync('sha256', shared, bytes('exchange.salt'), bytes('exchange.info'), 32))
}

function hasStructureOf(name: string, topic: string, payload: Uint8Array): void {
  const structure = sigStructure(bytes(`${name}.protected`), bytes(`${name}.external-aad`), payload)
  assert.equal(toHex(bytes(`${name}.to-be-signed`)), toHex(structure))
  assert.equal(toHex(bytes(`${name}.external-aad`)), toHex(externalAad(topic)))
  assert.equal(toHex(bytes(`${name}.to-be-signed-sha256`)), toHex(nativeCrypto.sha256(structure)))
}

const verifies = (name: string, key: P256PublicKey) =>
  nativeCrypto.verifyP256(key, bytes(`${name}.to-be-signed`), bytes(`${name}.signature`))

describe('docs/envelope.md', () => {
  test('shows the vectors that the code computes; npm run docs:envelope writes them', async () => {
    assert.equal(await withVectors(document), document)
  })
  test('names causes that there are', () => {
    const table = document.slice(document.indexOf('| cause '), document.indexOf('An envelope of a key that is not'))
    const named = [...table.matchAll(/^\| (`.*?) +\|/gm)].flatMap(([, cell = '']) => cell.match(/[a-z-]{3,}/g) ?? [])
    assert.ok(named.length > 10)
    for (const cause of named) assert.ok(cause in refusalCauses, cause)
  })
})

describe('the vectors of docs/envelope.md', () => {
  test('have the keys of the cose-wg examples', () => {
    for (const [name, key] of Object.entries({ publisher: key11, broker: keyMeriadoc })) {
      assert.equal(toHex(keyPair(name).d), toHex(key.d))
      assert.equal(toHex(bytes(`${name}.thumbprint`)), toHex(key.thumbprint))
    }
  })
  test('are the worked example, accepted in both carriers and in its session only', async () => {
    assert.equal(toHex(bytes('attached.sign1')), toHex(exampleSign1))
    assert.equal(toHex(bytes('attached.tag')), toHex(example.macTag))
    assert.equal(toHex(bytes('detached.tag')), toHex(example.detachedMacTag))
    hasStructureOf('publish', example.topic, bytes('publish.payload'))
    const envelopes = {
      'attached.sign1': parseAttachedEnvelope(bytes('attached.sign1')),
      'attached.mac0': parseAttachedEnvelope(bytes('attached.mac0')),
      'detached.property': parseDetachedEnvelope(text('detached.property'), bytes('publish.payload')),
      'detached.mac0-property': parseDetachedEnvelope(text('detached.mac0-property'), bytes('publish.payload')),
    }
    for (const [name, envelope] of Object.entries(envelopes)) {
      assert.ok(envelope !== undefined && (await isGenuine(envelope, example.topic, key11, nativeCrypto)), name)
      assert.equal(toHex(envelope.sign1.signature), toHex(bytes('publish.signature')))
      assert.equal(envelope.mac !== undefined, name.includes('mac0'))
      assert.ok(envelope.mac === undefined || isHopMacValid(envelope.mac, bytes('session.key'), nativeCrypto), name)
    }
    assert.equal(toHex(fromBase64url(text('detached.property'))), toHex(bytes('detached.sign1')))
    for (const carrier of ['attached', 'detached']) {
      const tag = createHmac('sha256', bytes('session.key'))
        .update(bytes(`${carrier}.to-be-maced`))
        .digest('hex')
      assert.equal(toHex(bytes(`${carrier}.tag`)), tag)
    }
  })
  test('have a request that a broker trusts and a response that its client takes', async () => {
    const request = parseKeyExchangeRequest(bytes('request'), nativeCrypto)
    await verifyKeyExchangeRequest(request, key11, nativeCrypto)
    hasStructureOf('request', requestTopic.keyExchange, bytes('request.payload'))
    hasStructureOf('response', keyExchangeResponseTopic('device/1'), bytes('response.payload'))
    assert.ok((await verifies('request', key11)) && (await verifies('response', keyMeriadoc)))
    assert.equal(toHex(request.digest), toHex(bytes('request.sha256')))
    assert.deepEqual([request.clientId, request.envelope.seq], ['device/1', 2])
    assert.equal(toHex(request.brokerKid ?? request.nonce), toHex(keyMeriadoc.thumbprint.subarray(0, 8)))
  })
  test('lead OpenSSL to the session key, from either side', async () => {
    const key = await derivedSession()
    assert.equal(toHex(key), toHex(bytes('exchange.session-key')))
    const info = concatBytes(utf8('notarymq/1 mac'), bytes('request.sha256'), bytes('response.sha256'))
    assert.equal(toHex(bytes('exchange.info')), toHex(info))
    const fromBroker = nativeCrypto.ecdhP256(keyPair('broker-ephemeral'), keyPair('client-ephemeral'))
    assert.equal(toHex(fromBroker), toHex(bytes('exchange.shared-x')))
    const envelope = parseAttachedEnvelope(bytes('in-session.mac0'))
    assert.ok(envelope?.mac !== undefined && isHopMacValid(envelope.mac, key, nativeCrypto))
    assert.equal(toHex(envelope.mac.sid), toHex(bytes('exchange.sid')))
    assert.ok(await isGenuine(envelope, example.topic, key11, nativeCrypto))
    assert.equal(envelope.seq, 3)
  })
  test('have frames that a link takes', () => {
    const [exchange] = new FrameReader(4096).push(bytes('link.exchange-frame'))
    assert.ok(exchange !== undefined)
    assert.equal(toHex(openExchangeFrame(exchange)), toHex(bytes('request')))
    for (const [label, direction] of [
      ['c2b', 'clientToBroker'],
      ['b2c', 'brokerToClient'],
    ] as const) {
      const receiver = new LinkReceiver(bytes('exchange.session-key'), direction, nativeCrypto)
      const stream = concatBytes(bytes(`link.${label}-frame-0`), bytes(`link.${label}-frame-1`))
      const contents = new FrameReader(4096).push(stream).map((frame) => Buffer.from(receiver.open(frame)).toString())
      assert.deepEqual(contents, ['first', 'second'])
      const key = Buffer.from(hkdfSync('sha256', bytes('exchange.session-key'), '', `notarymq/1 ${label}`, 32))
      assert.equal(key.toString('hex'), toHex(bytes(`link.${label}-key`)))
    }
  })
})
