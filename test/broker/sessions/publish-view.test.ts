import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MessageProperties, QoS } from '../../../broker/edge/index.ts'
import type { Message } from '../../../broker/sessions/message.ts'
import { PublishView, type PublishViewOptions, provenanceOf } from '../../../broker/sessions/publish-view.ts'
import { readStoredMessage } from '../../../broker/sessions/stored-message.ts'
import { admit } from '../../../plugins/authorize-publish/admission.ts'
import type { IncomingPublish, Publisher } from '../../../plugins/authorize-publish/publish.ts'
import { isRefused, withoutReserved } from '../../../plugins/index.ts'
import {
  addHopMac,
  type ChainRecord,
  decodeRecord,
  detachedProperty,
  detachedValueOf,
  encodeRecord,
  encodeSign1,
  nobleCrypto,
  type Outcome,
  parseSign1,
  recordProperties,
  toBase64url,
} from '../../../protocol/index.ts'
import { bytes, fcSeed, wellFormedText } from '../../helpers/arbitraries.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { messageProperties } from '../../helpers/message-properties.ts'
import { admissionRules, registryOf, verifierFor } from '../../helpers/publishes.ts'
import { Signer } from '../../helpers/signing.ts'

const timeMs = 1_767_225_600_000
const index = 7
const [device, stranger] = [new Signer(numberedKey(3)), new Signer(numberedKey(4))]
const registry = registryOf(device.key)
const signer = registry.resolve(device.key.thumbprint) ?? assert.fail('no key')
const { verifier } = verifierFor(registry, { now: () => timeMs })
const given = await admissionRules(registry)
const session = { sid: new Uint8Array(8).fill(1), key: new Uint8Array(32).fill(2) }

type UserProperties = NonNullable<MessageProperties['userProperties']>

interface Case {
  readonly carrier: 'none' | 'attached' | 'detached'
  readonly isKnown: boolean
  readonly hasMac: boolean
  readonly isWill: boolean
  readonly topic: string
  /** What the far end of a bridge calls the topic. */
  readonly remoteTopic: string | undefined
  readonly body: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: MessageProperties | undefined
  /** Where among the user properties the envelope stands. */
  readonly at: number
  readonly publisher: Publisher
  readonly view: PublishViewOptions
}

/** The publish of a case as it arrives: what it says on the wire, and how the broker sees it. */
function arrive(one: Case): { readonly publish: IncomingPublish; readonly properties: MessageProperties | undefined } {
  const { carrier, topic, remoteTopic, body, qos, retain, isWill, publisher } = one
  const sign1 = (one.isKnown ? device : stranger).sign(remoteTopic ?? topic, body, { timeMs })
  const hasMac = one.hasMac && !isWill
  let payload = body
  let properties = one.properties
  if (carrier === 'attached') payload = hasMac ? addHopMac(sign1, session, new Uint8Array(0), nobleCrypto) : sign1
  else if (carrier === 'detached') {
    const bare = encodeSign1(parseSign1(sign1), undefined)
    const value = detachedValueOf(hasMac ? addHopMac(bare, session, body, nobleCrypto) : bare)
    const others = properties?.userProperties ?? []
    const at = Math.min(one.at, others.length)
    const userProperties: UserProperties = [...others.slice(0, at), [detachedProperty, value], ...others.slice(at)]
    properties = { ...properties, userProperties }
  }
  const userProperties = withoutReserved(properties?.userProperties ?? [])
  const publish: IncomingPublish = {
    publisher,
    topic,
    signedTopic: remoteTopic,
    payload,
    qos,
    retain,
    isWill,
    userProperties,
    properties: properties === undefined ? undefined : recordProperties({ ...properties, userProperties }),
    macSessions: { find: () => ({ key: session.key, signer, confirm: () => {} }) },
  }
  return { publish, properties }
}

/** What the case becomes on its way, and what is read of its record. */
async function bothOf(one: Case) {
  const { publish, properties } = arrive(one)
  const verified = await verifier.verify(publish)
  assert.ok(!isRefused(verified), JSON.stringify(verified))
  const admission = admit(verified, index, timeMs, given)
  assert.ok(admission.kind === 'record', JSON.stringify(admission))
  const { record, body } = admission.record
  const view = new PublishView(one.view)
  const live = view.messageOf(index, record, verified, properties)
  const encoded = encodeRecord(record)
  const stored = readStoredMessage(index, encoded, body, view) ?? assert.fail('not a publish')
  return { live, stored, record: decodeRecord(encoded) }
}

/** Every field of a message, whatever it is made as. */
function plain({ index: at, topic, topicBytes, payload, properties, qos, retain, expiresAtMs }: Message) {
  const [text, body, encoded] = [topicBytes, payload, properties].map((value) => Buffer.from(value))
  return { at, topic, text, body, encoded, qos, retain, expiresAtMs }
}

/** Free of other people's envelopes, which would make it something else. */
const properties = messageProperties.filter((value) => {
  return !(value?.userProperties ?? []).some(([name]) => name === detachedProperty)
})
const forged = fc.tuple(fc.constantFrom('notarymq-index', 'notarymq-', 'notarymqx'), wellFormedText)
const withForged = fc
  .tuple(properties, fc.option(forged, { nil: undefined }))
  .map(([value, pair]) =>
    pair === undefined ? value : { ...value, userProperties: [pair, ...(value?.userProperties ?? [])] },
  )

const filters = fc.constantFrom<readonly string[]>([], ['#'], ['a/+', '+/b'])

const anyCase: fc.Arbitrary<Case> = fc.record({
  carrier: fc.constantFrom('none' as const, 'attached' as const, 'detached' as const),
  isKnown: fc.boolean(),
  hasMac: fc.boolean(),
  isWill: fc.boolean(),
  topic: fc.oneof(fc.constantFrom('a/b', 'a/c', 'x/b', '$x/b'), wellFormedText),
  remoteTopic: fc.option(fc.oneof(fc.constantFrom('a/b', 'far/a'), wellFormedText), { nil: undefined }),
  body: bytes(200),
  qos: fc.constantFrom<QoS>(0, 1, 2),
  retain: fc.boolean(),
  properties: withForged,
  at: fc.nat(5),
  publisher: fc.record({
    clientId: wellFormedText,
    username: fc.option(wellFormedText, { nil: undefined }),
    auth: fc.constantFrom('none' as const, 'password' as const, 'certificate' as const),
    listener: fc.constant('l'),
    isTls: fc.boolean(),
  }),
  view: fc.record({ unwrap: filters, provenance: filters }),
})

function outcomeOf({ carrier, isKnown, isWill }: Case): Outcome {
  if (isWill) return 'will'
  if (carrier === 'none') return 'unsigned'
  return isKnown ? 'signed' : 'unknown-key'
}

test('a subscriber is shown the same of a publish on its way and of its record: in every carrier, with a MAC, as a will, over a bridge, whatever is added or unwrapped', async () => {
  const property = fc.asyncProperty(anyCase, async (one) => {
    const { live, stored, record } = await bothOf(one)
    assert.equal(record.outcome, outcomeOf(one))
    assert.deepEqual(plain(stored), plain(live))
  })
  await fc.assert(property, { seed: fcSeed, numRuns: 300 })
})

const publisher: Publisher = { clientId: 'press-7', username: 'ann', auth: 'password', listener: 'l', isTls: false }
const usual: Case = {
  carrier: 'attached',
  isKnown: true,
  hasMac: true,
  isWill: false,
  topic: 'a/b',
  remoteTopic: undefined,
  body: Buffer.from('21.5'),
  qos: 1,
  retain: false,
  properties: undefined,
  at: 0,
  publisher,
  view: { unwrap: [], provenance: [] },
}

test('the hop MAC is in neither, and the record says by which session it was made', async () => {
  for (const carrier of ['attached', 'detached'] as const) {
    const { live, record } = await bothOf({ ...usual, carrier })
    assert.deepEqual(Buffer.from(record.mac?.sid ?? []), Buffer.from(session.sid))
    const text = Buffer.concat([live.payload, live.properties]).toString('latin1')
    for (const secret of [session.sid, record.mac?.tag ?? assert.fail('no tag')]) {
      assert.ok(!text.includes(Buffer.from(secret).toString('latin1')), carrier)
      assert.ok(!text.includes(toBase64url(secret).slice(0, -1)), carrier)
    }
  }
})

test('only an envelope that was verified is unwrapped', async () => {
  const view = { unwrap: ['#'], provenance: [] }
  const inner = Buffer.from('21.5')
  assert.deepEqual(Buffer.from((await bothOf({ ...usual, view })).live.payload), inner)
  const { live } = await bothOf({ ...usual, view, isKnown: false })
  assert.notDeepEqual(Buffer.from(live.payload), inner)
})

test('a name that nothing proved is not vouched for', () => {
  const view = new PublishView({ unwrap: [], provenance: ['#'] })
  const record: ChainRecord = { kind: 'publish', timeMs, clientId: 'c', username: 'ann', auth: 'none' }
  const namesOf = (changes: Partial<ChainRecord>) =>
    view
      .userPropertiesOf('a', [], undefined, () => provenanceOf(index, { ...record, ...changes }))
      .map(([name]) => name)
  assert.ok(!namesOf({}).includes('notarymq-user'))
  assert.ok(namesOf({ auth: 'password' }).includes('notarymq-user'))
})
