import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IncomingPublish, Verdict } from '../../../plugins/authorize-publish/publish.ts'
import type { PublishVerifier } from '../../../plugins/authorize-publish/verifier.ts'
import { defaultClockSkewMs as clockSkewMs, type KeyRegistry, planRevocation } from '../../../plugins/index.ts'
import {
  encodeCbor,
  encodeSign1,
  parseAttachedEnvelope,
  parseSign1,
  type RefusalCause,
} from '../../../protocol/index.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { incoming, registryOf, verifierFor } from '../../helpers/publishes.ts'
import { type EnvelopeChanges, Signer } from '../../helpers/signing.ts'

const nowMs = 1_800_000_000_000
const [device, revoked, stranger] = [numberedKey(71), numberedKey(72), numberedKey(73)] as const
const topic = 'plant/1'
const isProtected = 'safe/1'

function verifierWith(registry: KeyRegistry = registryWithRevoked()) {
  const rules = [{ filter: 'safe/#', signed: true } as const]
  return { ...verifierFor(registry, { rules, now: () => nowMs }), registry }
}

function registryWithRevoked(): KeyRegistry {
  const registry = registryOf(device, revoked)
  const event = planRevocation(registry, revoked.thumbprint, undefined)
  if (event !== undefined) registry.apply(event, 3)
  return registry
}

const signed = (key = device, changes: EnvelopeChanges & { topic?: string } = {}) =>
  new Signer(key).sign(changes.topic ?? topic, '21.5', { timeMs: nowMs, ...changes })

/** An envelope inside a hop MAC, as far as its form goes. */
function withMac(sign1: Uint8Array): Uint8Array {
  const headers = encodeCbor(
    new Map<number, number | Uint8Array>([
      [1, 5],
      [4, new Uint8Array(8)],
    ]),
  )
  return Buffer.concat([Buffer.from([0xd1]), encodeCbor([headers, new Map(), sign1, new Uint8Array(32)])])
}

/** The cause of a refusal, or the outcome of what passes. */
async function judge(verifier: PublishVerifier, publish: IncomingPublish): Promise<RefusalCause | string> {
  const verdict: Verdict = await verifier.verify(publish)
  return 'cause' in verdict ? verdict.cause : `passes as ${verdict.outcome}`
}

test('a publish that is genuine passes as signed, with everything that the last look needs', async () => {
  const { verifier, verifications, registry } = verifierWith()
  const payload = signed(device, { seq: 7 })
  const verdict = await verifier.verify(incoming({ payload }))
  assert.ok('outcome' in verdict && verdict.signature !== undefined)
  assert.equal(verdict.outcome, 'signed')
  assert.equal(verdict.signature.envelope.seq, 7)
  assert.equal(Buffer.from(verdict.signature.envelope.payload).toString(), '21.5')
  assert.equal(verdict.signature.signer, registry.resolve(device.thumbprint))
  assert.equal(verdict.signature.contentDigest.length, 32)
  assert.equal(verifications(), 1)
})

test('every other publish is judged by the first rule that it breaks', async () => {
  const at = (changes: Partial<IncomingPublish>) => incoming(changes)
  const last = signed(device).length - 1
  const forged = Uint8Array.from(signed(device))
  forged[last] = (forged[last] as number) ^ 1
  const cases: readonly [name: string, publish: IncomingPublish, expected: string][] = [
    ['plain', at({}), 'passes as unsigned'],
    ['plain where a signature is asked for', at({ topic: isProtected }), 'not-signed'],
    ['of an unknown key', at({ payload: signed(stranger) }), 'passes as unknown-key'],
    ['of an unknown key, protected', at({ topic: isProtected, payload: signed(stranger) }), 'unknown-key'],
    ['of a revoked key', at({ payload: signed(revoked) }), 'key-revoked'],
    ['another algorithm', at({ payload: signed(device, { alg: -35 }) }), 'algorithm-not-allowed'],
    ['the algorithm under its older name', at({ payload: signed(device, { alg: -7 }) }), 'passes as signed'],
    ['a changed signature', at({ payload: forged }), 'signature-invalid'],
    ['signed for another topic', at({ payload: signed(device, { topic: 'plant/2' }) }), 'signature-invalid'],
    ['at the end of the skew', at({ payload: signed(device, { timeMs: nowMs + clockSkewMs }) }), 'passes as signed'],
    ['beyond the skew', at({ payload: signed(device, { timeMs: nowMs + clockSkewMs + 1 }) }), 'signed-in-future'],
    ['signed long ago', at({ payload: signed(device, { timeMs: 0 }) }), 'passes as signed'],
    ['with a hop MAC of nobody', at({ payload: withMac(signed(device)) }), 'mac-session-unknown'],
    ['with a hop MAC, of an unknown key', at({ payload: withMac(signed(stranger)) }), 'passes as unknown-key'],
    ['a malformed detached envelope', at({ userProperties: [['notarymq', 'AAAA']] }), 'passes as unsigned'],
    [
      'a malformed detached envelope where a signature is asked for',
      at({
        topic: isProtected,
        userProperties: [['notarymq', 'AAAA']],
        payload: signed(device, { topic: isProtected }),
      }),
      'detached-malformed',
    ],
    ['a user property of another case', at({ userProperties: [['NotaryMQ', 'AAAA']] }), 'passes as unsigned'],
    ['a will', at({ isWill: true }), 'passes as will'],
    ['a signed will', at({ isWill: true, payload: signed(device) }), 'passes as will'],
    ['a forged will', at({ isWill: true, payload: forged }), 'signature-invalid'],
    ['a will of an unknown key', at({ isWill: true, payload: signed(stranger) }), 'passes as will'],
    ['a will where a signature is asked for', at({ isWill: true, topic: isProtected }), 'not-signed'],
  ]
  for (const [name, publish, expected] of cases) {
    assert.equal(await judge(verifierWith().verifier, publish), expected, name)
  }
})

test('what is refused without looking at the signature costs no verification', async () => {
  const registry = registryWithRevoked()
  const { verifier, verifications } = verifierWith(registry)
  const contentDigest = new Uint8Array(32)
  registry.resolve(device.thumbprint)?.window.accept(5000, { index: 9, contentDigest, qos: 1, retain: false })
  const cheap: readonly [IncomingPublish, string][] = [
    [incoming({ payload: signed(device, { seq: 5000 - 1024 }) }), 'seq-too-old'],
    [incoming({ payload: signed(device, { seq: 0 }) }), 'seq-too-old'],
    [incoming({ payload: signed(revoked) }), 'key-revoked'],
    [incoming({ payload: signed(device, { seq: 6000, alg: -36 }) }), 'algorithm-not-allowed'],
    [incoming({ payload: signed(device, { seq: 6000, timeMs: Number.MAX_SAFE_INTEGER }) }), 'signed-in-future'],
    [incoming({ payload: signed(stranger), topic: isProtected }), 'unknown-key'],
  ]
  for (const [publish, cause] of cheap) assert.equal(await judge(verifier, publish), cause)
  assert.equal(verifications(), 0)
  const inWindow = incoming({ payload: signed(device, { seq: 5000 - 1023 }) })
  assert.equal(await judge(verifier, inWindow), 'passes as signed')
})

test('an unsigned publish is judged at once, so that it does not lose a turn', () => {
  const { verifier } = verifierWith()
  for (const publish of [incoming(), incoming({ topic: isProtected }), incoming({ payload: signed(stranger) })]) {
    assert.ok(!(verifier.verify(publish) instanceof Promise))
  }
})

test('the digest of the content is the same for every signature over it, and another for other content', async () => {
  const { verifier } = verifierWith()
  const digestOf = async (payload: Uint8Array, of = topic) => {
    const verdict = await verifier.verify(incoming({ payload, topic: of }))
    assert.ok('outcome' in verdict && verdict.signature !== undefined)
    return Buffer.from(verdict.signature.contentDigest).toString('hex')
  }
  const one = signed(device, { seq: 3 })
  const { signature, ...rest } = parseSign1(one)
  // The same content under the other of the two signatures that ECDSA has: s becomes n - s.
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`)
  const mirrored = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex')
  const twin = encodeSign1(
    { ...rest, signature: Buffer.concat([signature.subarray(0, 32), mirrored]) },
    parseAttachedEnvelope(one)?.payload,
  )
  assert.notDeepEqual(Buffer.from(twin), Buffer.from(one))
  assert.equal(await digestOf(twin), await digestOf(one))
  const others = [signed(device, { seq: 4 }), signed(device, { seq: 3, timeMs: nowMs + 1 })]
  for (const other of others) assert.notEqual(await digestOf(other), await digestOf(one))
  assert.notEqual(await digestOf(signed(device, { seq: 3, topic: 'plant/2' }), 'plant/2'), await digestOf(one))
})
