import { p256 } from '@noble/curves/nist.js'
import { concatBytes, utf8 } from '../protocol/bytes.ts'
import {
  addHopMac,
  answerKeyExchange,
  type ClientSession,
  encodeExchangeFrame,
  encodeSign1,
  externalAad,
  fromHex,
  keyExchangeResponseTopic,
  LinkSender,
  macStructure,
  nobleCrypto,
  type P256PrivateKey,
  p256OfPoint,
  parseKeyExchangeRequest,
  parseMac0,
  parseSign1,
  requestTopic,
  type Sign1,
  signPublish,
  signPublishDetached,
  sigStructure,
  startKeyExchange,
  thumbprintOfP256,
  toBase64url,
} from '../protocol/index.ts'

/** A byte string of the example, or a text; by its name in the document. */
export type ExampleValues = ReadonlyMap<string, Uint8Array | string>

/** The key pair of a scalar. */
function keyOf(scalar: string): P256PrivateKey {
  const d = fromHex(scalar)
  return { d, ...p256OfPoint(p256.getPublicKey(d, false)) }
}

/** Keys "11" and "meriadoc.brandybuck@buckland.example" of the cose-wg examples; the ephemeral ones are made up. */
const publisher = keyOf('57c92077664146e876760c9520d054aa93c3afb04e306705db6090308507b4d3')
const broker = keyOf('aff907c99f9ad3aae6c4cdf21122bce2bd68b5283e6907154ad911840fa208cf')
const clientEphemeral = keyOf('11'.repeat(32))
const brokerEphemeral = keyOf('22'.repeat(32))

const publish = { topic: 'plant/1/temp', payload: utf8('21.5'), seq: 1, timeMs: 1_767_225_600_000 }
const session = { sid: fromHex('0102030405060708'), key: new Uint8Array(32).fill(0x0b) }
const clientId = 'device/1'
const requestNumbers = { seq: 2, timeMs: 1_767_225_601_000 }
const answer = { clientId, expiryMs: 1_767_312_001_000, brokerTimeMs: 1_767_225_601_500, highestSeq: 2 }
const publishInSession = { ...publish, seq: 3, timeMs: 1_767_225_602_000 }
const linkContents = ['first', 'second'].map(utf8)

const nothing = new Uint8Array(0)

/** Cryptography of one side: its ephemeral key, and "random" bytes that count on from `firstByte`. */
function cryptoOf(ephemeral: P256PrivateKey, firstByte: number): typeof nobleCrypto {
  let next = firstByte
  return {
    ...nobleCrypto,
    generateP256: () => ephemeral,
    randomBytes: (length) => Uint8Array.from({ length }, () => next++),
  }
}

/** Everything that `docs/envelope.md` shows, computed by the code that the broker runs. */
export async function envelopeExample(): Promise<ExampleValues> {
  const values = new Map<string, Uint8Array | string>()
  const longTerm = { publisher, broker }
  for (const [name, key] of Object.entries({
    ...longTerm,
    'client-ephemeral': clientEphemeral,
    'broker-ephemeral': brokerEphemeral,
  })) {
    for (const part of ['d', 'x', 'y'] as const) values.set(`${name}.${part}`, key[part])
  }
  for (const [name, key] of Object.entries(longTerm)) values.set(`${name}.thumbprint`, thumbprint(key))
  addPublish(values)
  const { client, requestMessage } = await addExchange(values)
  values.set('in-session.mac0', signPublish(publisher, thumbprint(publisher), publishInSession, nobleCrypto, client))
  values.set('link.exchange-frame', encodeExchangeFrame(requestMessage))
  addLink(values, client.key)
  return values
}

function thumbprint(key: P256PrivateKey): Uint8Array {
  return thumbprintOfP256(key, nobleCrypto)
}

/** Protected headers, external_aad, what is signed, its hash and the signature. */
function addSigned(values: Map<string, Uint8Array | string>, name: string, sign1: Sign1, topic: string): void {
  const { protectedBytes, payload = publish.payload, signature } = sign1
  const toBeSigned = sigStructure(protectedBytes, externalAad(topic), payload)
  values.set(`${name}.protected`, protectedBytes)
  values.set(`${name}.external-aad`, externalAad(topic))
  values.set(`${name}.to-be-signed`, toBeSigned)
  values.set(`${name}.to-be-signed-sha256`, nobleCrypto.sha256(toBeSigned))
  values.set(`${name}.signature`, signature)
}

function addMac(values: Map<string, Uint8Array | string>, name: string, mac0Bytes: Uint8Array, aad: Uint8Array): void {
  const { protectedBytes, payload, tag } = parseMac0(mac0Bytes)
  values.set(`${name}.mac-protected`, protectedBytes)
  values.set(`${name}.to-be-maced`, concatBytes(...macStructure(protectedBytes, aad, payload)))
  values.set(`${name}.tag`, tag)
  values.set(`${name}.mac0`, mac0Bytes)
}

function addPublish(values: Map<string, Uint8Array | string>): void {
  const attached = signPublish(publisher, thumbprint(publisher), publish, nobleCrypto)
  const sign1 = parseSign1(attached)
  values.set('publish.payload', publish.payload)
  addSigned(values, 'publish', sign1, publish.topic)
  values.set('attached.sign1', attached)
  values.set('session.key', session.key)
  addMac(values, 'attached', addHopMac(attached, session, nothing, nobleCrypto), nothing)
  const detached = encodeSign1(sign1, undefined)
  values.set('detached.sign1', detached)
  values.set('detached.property', signPublishDetached(publisher, thumbprint(publisher), publish, nobleCrypto))
  const detachedMac0 = addHopMac(detached, session, publish.payload, nobleCrypto)
  addMac(values, 'detached', detachedMac0, publish.payload)
  values.set('detached.mac0-property', toBase64url(detachedMac0))
}

async function addExchange(
  values: Map<string, Uint8Array | string>,
): Promise<{ client: ClientSession; requestMessage: Uint8Array }> {
  const signer = { key: publisher, thumbprint: thumbprint(publisher) }
  const start = { ...requestNumbers, clientId, brokerThumbprint: thumbprint(broker) }
  const pending = startKeyExchange(signer, start, cryptoOf(clientEphemeral, 0x00))
  const request = parseKeyExchangeRequest(pending.message, nobleCrypto)
  values.set('request.payload', request.envelope.payload)
  addSigned(values, 'request', request.envelope.sign1, requestTopic.keyExchange)
  values.set('request', pending.message)
  values.set('request.sha256', request.digest)

  const brokerSigner = { key: broker, thumbprint: thumbprint(broker) }
  const answered = answerKeyExchange(brokerSigner, request, answer, cryptoOf(brokerEphemeral, 0x40))
  const response = parseSign1(answered.message)
  if (response.payload !== undefined) values.set('response.payload', response.payload)
  addSigned(values, 'response', response, keyExchangeResponseTopic(clientId))
  values.set('response', answered.message)
  values.set('response.sha256', answered.digest)

  const client = await pending.finish(answered.message, broker)
  values.set('exchange.shared-x', nobleCrypto.ecdhP256(clientEphemeral, brokerEphemeral))
  values.set('exchange.salt', concatBytes(request.nonce, client.response.nonce))
  values.set('exchange.info', concatBytes(utf8('notarymq/1 mac'), request.digest, answered.digest))
  values.set('exchange.session-key', client.key)
  values.set('exchange.sid', client.sid)
  return { client, requestMessage: pending.message }
}

function addLink(values: Map<string, Uint8Array | string>, sessionKey: Uint8Array): void {
  for (const [direction, label] of [
    ['clientToBroker', 'c2b'],
    ['brokerToClient', 'b2c'],
  ] as const) {
    values.set(`link.${label}-key`, nobleCrypto.hkdfSha256(sessionKey, nothing, utf8(`notarymq/1 ${label}`), 32))
    const sender = new LinkSender(sessionKey, direction, nobleCrypto)
    for (const [i, content] of linkContents.entries()) values.set(`link.${label}-frame-${i}`, sender.seal(content))
  }
}
