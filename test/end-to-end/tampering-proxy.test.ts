/** Somebody on the network flips, drops, replays, reorders or injects: which layer notices, in either direction. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VerifiedReceipt } from '../../clients/sdk/index.ts'
import { identityResponseTopic, receiptTopic } from '../../protocol/index.ts'
import { numberedKey } from '../helpers/keys.ts'
import { acknowledgement, publishPacket } from '../helpers/mqtt-bytes.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { type EnvelopeChanges, Signer, withHopMac } from '../helpers/signing.ts'
import {
  type Attack,
  drop,
  flip,
  inject,
  isPacket,
  packetIdOf,
  publishOn,
  reorder,
  replay,
} from '../helpers/tampering-proxy.ts'
import { device, sites, TamperingScene, topic } from '../helpers/tampering-scene.ts'

/** A packet id that the SDK does not get to. */
const foreignPacketId = 60_000
const hourMs = 3_600_000

/** Where this text stands in a packet, or so many bytes behind. */
const within =
  (text: string, behind = 0) =>
  (unit: Buffer) =>
    unit.indexOf(text) + behind
const atEnd = (unit: Buffer) => unit.length - 1
/** The first byte of the envelope, a COSE_Mac0 or a COSE_Sign1: without its tag it is none. */
const atTag = (mac: boolean) => (unit: Buffer) => unit.indexOf(mac ? 0xd1 : 0xd2, unit.indexOf(topic) + topic.length)

const command = 'plant/commands/open'
/** What the device signed at some time, as somebody has it who recorded it. */
const signedBy = (key: typeof device, on = topic, changes: EnvelopeChanges = {}) => {
  return new Signer(key).sign(on, 'open', { seq: 900, ...changes })
}

/** What is put into the connection of a publisher, what catches it and the cause that the broker gives. */
interface Injection {
  readonly what: string
  readonly layer: string
  readonly cause: string
  readonly on: string
  readonly payload: () => string | Uint8Array
}

const unsigned: Injection = {
  what: 'an unsigned message',
  layer: 'policy',
  cause: 'not-signed',
  on: 'plant/2',
  payload: () => 'open',
}
const injections: readonly Injection[] = [
  unsigned,
  {
    what: 'a message by a key that nobody enrolled',
    layer: 'policy',
    cause: 'unknown-key',
    on: topic,
    payload: () => signedBy(numberedKey(62)),
  },
  {
    what: 'a message that was signed for another topic',
    layer: 'signature',
    cause: 'signature-invalid',
    on: 'plant/2',
    payload: () => signedBy(device, topic),
  },
  {
    what: 'a command that was held back for an hour',
    layer: 'policy',
    cause: 'not-fresh',
    on: command,
    payload: () => signedBy(device, command, { timeMs: Date.now() - hourMs }),
  },
  {
    what: 'a command of a clock that is an hour ahead',
    layer: 'policy',
    cause: 'signed-in-future',
    on: command,
    payload: () => signedBy(device, command, { timeMs: Date.now() + hourMs }),
  },
]
const injectionsWithMac: readonly Injection[] = [
  unsigned,
  {
    what: 'a signed message without a hop MAC',
    layer: 'hop MAC',
    cause: 'mac-required',
    on: topic,
    payload: () => signedBy(device),
  },
  {
    what: 'a signed message with the hop MAC of another session',
    layer: 'hop MAC',
    cause: 'mac-session-unknown',
    on: topic,
    payload: () => withHopMac(signedBy(device)),
  },
]

/** What is done to the second of three messages on its way to a subscriber, and what he is told. */
interface Delivery {
  readonly what: string
  readonly layer: string
  readonly attack: (version: 4 | 5) => Attack
  readonly told: readonly (readonly [text: string, noticed: string])[]
}

const toSubscriber = (payload: string | Uint8Array) => (version: 4 | 5) => {
  return inject(publishPacket({ topic, payload, version }))
}
const deliveries: readonly Delivery[] = [
  {
    what: 'a bit flipped in a payload',
    layer: 'the signature is invalid, and its number missing',
    attack: () => flip(within('second')),
    told: [
      ['first', 'verified'],
      ['recond', 'signature-invalid'],
      ['third', 'missing 1'],
    ],
  },
  {
    what: 'a bit flipped in a topic',
    layer: 'the signature is invalid, and its number missing',
    attack: () => flip(within(topic, topic.length - 1)),
    told: [
      ['first', 'verified'],
      ['second', 'signature-invalid'],
      ['third', 'missing 1'],
    ],
  },
  {
    what: 'a dropped message',
    layer: 'missing',
    attack: () => drop,
    told: [
      ['first', 'verified'],
      ['third', 'missing 1'],
    ],
  },
  {
    what: 'a replayed message',
    layer: 'repeated',
    attack: () => replay,
    told: [
      ['first', 'verified'],
      ['second', 'verified'],
      ['second', 'repeated'],
      ['third', 'verified'],
    ],
  },
  {
    what: 'another order',
    layer: 'missing, then late',
    attack: reorder,
    told: [
      ['first', 'verified'],
      ['third', 'missing 1'],
      ['second', 'late'],
    ],
  },
  {
    what: 'an unsigned message that was put in',
    layer: 'unsigned',
    attack: toSubscriber('open'),
    told: [
      ['first', 'verified'],
      ['open', 'unsigned'],
      ['second', 'verified'],
      ['third', 'verified'],
    ],
  },
  {
    what: 'a message put in that a stranger signed',
    layer: 'unknown-key',
    attack: toSubscriber(signedBy(numberedKey(62))),
    told: [
      ['first', 'verified'],
      ['open', 'unknown-key'],
      ['second', 'verified'],
      ['third', 'verified'],
    ],
  },
]

for (const site of sites) {
  const { name, mac, version } = site
  const [flipLayer, flipCause] = mac ? ['hop MAC', 'mac-invalid'] : ['signature', 'signature-invalid']

  for (const [part, at] of [
    ['payload', within('21.5')],
    ['last byte', atEnd],
  ] as const) {
    test(`${name}: a bit flipped on the way to the broker, in the ${part}, is caught by the ${flipLayer}`, async (t) => {
      const scene = await TamperingScene.start(t, site)
      scene.up.attack('to broker', publishOn(topic), flip(at))
      await scene.assertRefused(scene.publish('21.5'), flipCause as string)
    })
  }

  test(`${name}: a bit flipped so that no envelope is left is caught by the policy`, async (t) => {
    const scene = await TamperingScene.start(t, site)
    scene.up.attack('to broker', publishOn(topic), flip(atTag(mac)))
    await scene.assertRefused(scene.publish('21.5'), 'not-signed')
  })

  test(`${name}: a publish dropped on the way to the broker is caught by MQTT: not acknowledged, it is sent again`, async (t) => {
    const scene = await TamperingScene.start(t, site)
    const dropped = scene.up.attack('to broker', publishOn(topic), drop)
    const published = scene.publish('21.5')
    await dropped
    await scene.assertRecorded(0)
    scene.up.cut()
    await published
    await scene.assertRecorded(1)
    await scene.assertTold(['21.5', 'verified'])
  })

  test(`${name}: a dropped acknowledgement is caught by the sequence window: what is sent again is recorded once`, async (t) => {
    const scene = await TamperingScene.start(t, site)
    const dropped = scene.up.attack('to client', isPacket('puback'), drop)
    const published = scene.publish('21.5')
    await dropped
    await scene.assertRecorded(1)
    scene.up.cut()
    await published
    assert.equal(scene.up.seenSoFar('to broker', publishOn(topic)).length, 2)
    await scene.publish('end')
    await scene.assertRecorded(2)
    // The key exchange of the new connection took a number.
    await scene.assertTold(['21.5', 'verified'], ['end', mac ? 'missing 1' : 'verified'])
  })

  test(`${name}: a publish replayed on its connection is caught by the sequence window: acknowledged again, recorded once`, async (t) => {
    const scene = await TamperingScene.start(t, site)
    scene.up.attack('to broker', publishOn(topic), replay)
    await scene.publish('21.5')
    const [sent = assert.fail()] = scene.up.seenSoFar('to broker', publishOn(topic))
    const isItsAcknowledgement = (unit: Buffer) => isPacket('puback')(unit) && packetIdOf(unit) === packetIdOf(sent)
    await scene.up.seen('to client', isItsAcknowledgement, 2)
    await scene.publish('end')
    await scene.assertRecorded(2)
    await scene.assertTold(['21.5', 'verified'], ['end', 'verified'])
  })

  const elsewhere = mac
    ? 'the hop MAC, which is that of one connection'
    : 'the sequence window: acknowledged again, recorded once'
  test(`${name}: a publish replayed on another connection is caught by ${elsewhere}`, async (t) => {
    const scene = await TamperingScene.start(t, site)
    await scene.publish('21.5')
    const [sent = assert.fail()] = scene.up.seenSoFar('to broker', publishOn(topic))
    const envelope = sent.subarray(atTag(mac)(sent))
    const other = await TestClient.connect(t, scene.port)
    assert.equal(await other.publish(topic, envelope), mac ? 0x87 : 0)
    await scene.assertRecorded(1, mac ? { 'mac-session-unknown': 1 } : {})
    await scene.publish('end')
    await scene.assertTold(['21.5', 'verified'], ['end', 'verified'])
  })

  test(`${name}: publishes in another order are caught by what the subscriber verifies: missing, then late`, async (t) => {
    const scene = await TamperingScene.start(t, site)
    await scene.publish('first')
    scene.up.attack('to broker', publishOn(topic), reorder())
    await Promise.all([scene.publish('second'), scene.publish('third')])
    await scene.assertRecorded(3)
    await scene.assertTold(['first', 'verified'], ['third', 'missing 1'], ['second', 'late'])
  })

  for (const { what, layer, cause, on, payload } of mac ? injectionsWithMac : injections) {
    test(`${name}: ${what} put into the connection of the publisher is caught by the ${layer}`, async (t) => {
      const scene = await TamperingScene.start(t, site)
      const fields = { topic: on, payload: payload(), qos: 1, packetId: foreignPacketId, version } as const
      const rejected = scene.publisher.next('rejected')
      scene.up.attack('to broker', publishOn(topic), inject(publishPacket(fields)))
      await scene.publish('21.5')
      assert.equal((await rejected)[0].cause, cause)
      await scene.assertRecorded(1, { [cause]: 1 })
      await scene.assertTold(['21.5', 'verified'])
    })
  }

  for (const { what, layer, attack, told } of deliveries) {
    test(`${name}: ${what} on the way to the subscriber is caught by what it verifies: ${layer}`, async (t) => {
      const scene = await TamperingScene.start(t, site)
      await scene.publish('first')
      await scene.inbox.first(1)
      scene.down.attack('to client', publishOn(topic), attack(version))
      await scene.publish('second')
      await scene.publish('third')
      await scene.assertTold(...told)
      await scene.assertRecorded(3)
    })
  }

  test(`${name}: an acknowledgement that was made up is caught by the receipts: there is none`, async (t) => {
    const scene = await TamperingScene.start(t, site, { receipts: true })
    const receipts: VerifiedReceipt[] = []
    scene.publisher.on('receipt', (receipt) => receipts.push(receipt))
    scene.up.attack('to broker', publishOn(topic), (sent, done) => {
      done()
      scene.up.send('to client', acknowledgement('puback', packetIdOf(sent)))
      return []
    })
    await scene.publish('21.5')
    const told = scene.publisher.next('receipt')
    await scene.publish('end', 'plant/end')
    await told
    assert.deepEqual(
      receipts.map((receipt) => receipt.topic),
      ['plant/end'],
    )
    await scene.assertRecorded(1)
  })

  test(`${name}: a receipt that was changed is caught by its proof`, async (t) => {
    const scene = await TamperingScene.start(t, site, { receipts: true })
    const { clientId } = scene.publisher.mqtt.options
    scene.publisher.on('receipt', () => assert.fail('it was believed'))
    scene.up.attack('to client', publishOn(receiptTopic(clientId ?? '')), flip(within('"record":"', 10)))
    const error = scene.error('ERR_RECEIPT_INVALID')
    await scene.publish('21.5')
    await error
  })

  test(`${name}: a proof of the broker that was recorded and played again is caught by its nonce, and nothing is published`, async (t) => {
    const scene = await TamperingScene.start(t, site)
    const { clientId } = scene.publisher.mqtt.options
    const isProof = publishOn(identityResponseTopic(clientId ?? ''))
    const [recorded = assert.fail()] = scene.up.seenSoFar('to client', isProof)
    scene.up.attack('to client', isProof, (_unit, done) => {
      done()
      return [recorded]
    })
    const error = scene.error('ERR_BROKER_UNPROVEN')
    scene.up.cut()
    const published = scene.publish('21.5')
    await error
    assert.deepEqual(scene.up.seenSoFar('to broker', publishOn(topic)), [])
    await published
    await scene.assertRecorded(1)
  })
}
