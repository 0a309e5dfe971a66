import type { IClientPublishOptions } from 'mqtt'
import {
  detachedProperty,
  type HopMacKey,
  nobleCrypto,
  signPublish,
  signPublishDetached,
  toHex,
} from '../../../protocol/index.ts'
import { isVersion5 } from '../../cli/connection.ts'
import { printable } from '../../cli/printable.ts'
import { type Identity, reserveSequenceNumber } from '../../identity/index.ts'
import type { IncomingMessage } from '../../sdk/incoming-message.ts'
import { flipIn } from './flip.ts'
import type { Party } from './party.ts'
import { labTopic, ownTopic, type Scene } from './scene.ts'

/** Who publishes, with what, to whom. */
export interface Exchange {
  readonly sender: Party
  readonly receiver: Party
  readonly identity: Identity
  /** For hop MACs. */
  readonly session: HopMacKey
}

const qosLevels = [0, 1, 2] as const

/** Topics of what was tampered with, which in the end holds one genuine message. */
export const tamperedTopic = `${ownTopic}/tampered`

/**
 * Publishes with every QoS and carrier, and sees each message verified on arrival.
 * @returns the sequence numbers of the messages
 */
export async function publishAndReceive(scene: Scene, exchange: Exchange): Promise<readonly number[]> {
  const { story } = scene
  story.step(
    `Signed and MACed messages with QoS 0, 1 and 2 in session ${toHex(exchange.session.sid)}; a subscriber verifies them`,
  )
  await exchange.receiver.subscribe(`${labTopic}/#`, 2)
  const sent = new Map<number, { readonly topic: string; readonly text: string }>()
  const carriers = isVersion5(scene.flags) ? ['', '-detached'] : ['']
  for (const qos of qosLevels) {
    for (const carrier of carriers) {
      const topic = `${ownTopic}/qos-${qos}${carrier}`
      const text = `21.${qos} degrees`
      sent.set(await publishOne(exchange, topic, text, qos, carrier !== ''), { topic, text })
    }
  }
  const missing = new Map(sent)
  const others: IncomingMessage[] = []
  while (missing.size > 0) {
    const message = await exchange.receiver.receive()
    const { topic, payload, qos, verified } = message
    const expected = verified && missing.get(verified.seq)
    if (!topic.startsWith(`${ownTopic}/`)) others.push(message)
    else if (verified !== undefined && expected !== undefined) {
      missing.delete(verified.seq)
      story.check(
        topic === expected.topic && Buffer.from(payload).toString() === expected.text,
        `${topic} QoS ${qos}: "${expected.text}" signed by ${verified.subject} as #${verified.seq}`,
      )
    }
  }
  showOthers(scene, others)
  return [...sent.keys()]
}

async function publishOne(
  { sender, identity, session }: Exchange,
  topic: string,
  text: string,
  qos: 0 | 1 | 2,
  isDetached: boolean,
): Promise<number> {
  const { key, thumbprint, path } = identity
  const payload = Buffer.from(text)
  const toSign = { topic, payload, seq: reserveSequenceNumber(path), timeMs: Date.now() }
  // Retained, so that other parties find them whenever they come.
  const options: IClientPublishOptions = { qos, retain: true }
  if (isDetached) {
    const value = signPublishDetached(key, thumbprint, toSign, nobleCrypto, session)
    await sender.publish(topic, payload, {
      ...options,
      properties: { userProperties: { [detachedProperty]: value } },
    })
  } else await sender.publish(topic, signPublish(key, thumbprint, toSign, nobleCrypto, session), options)
  return toSign.seq
}

function showOthers({ story }: Scene, messages: readonly IncomingMessage[]): void {
  story.step(`What others left on ${labTopic}/#, held against the keys we have of them`)
  if (messages.length === 0) story.show('nothing yet')
  for (const { topic, payload, verified, unverified } of messages) {
    if (verified === undefined) {
      story.show(printable(`${topic}: not believed, ${unverified}`))
      continue
    }
    const { subject, seq } = verified
    const isSender = subject === `lab-${topic.split('/')[2]}`
    story.check(isSender, printable(`${topic}: "${Buffer.from(payload)}" signed by ${subject} as #${seq}`))
  }
}

/** Publishes what somebody on the way would make of genuine messages. */
export async function tamper({ story }: Scene, { sender, identity, session }: Exchange): Promise<void> {
  story.step('Altered, moved and repeated messages; the broker says why it refuses')
  const text = 'close valve'
  const signed = (hopMac?: HopMacKey) => {
    const { key, thumbprint, path } = identity
    const payload = Buffer.from(text)
    const toSign = { topic: tamperedTopic, payload, seq: reserveSequenceNumber(path), timeMs: Date.now() }
    return signPublish(key, thumbprint, toSign, nobleCrypto, hopMac)
  }
  const isRefused = async (expected: string, what: string, payload: Uint8Array, topic: string, retain = false) => {
    const cause = await sender.publish(topic, payload, { qos: 1, retain })
    story.check(cause === expected, `${what}: refused, ${expected}`)
  }
  await isRefused('mac-invalid', 'one bit of the payload is another', flipIn(signed(session), text), tamperedTopic)
  const plain = signed()
  await isRefused('signature-invalid', 'the same without a MAC around it', flipIn(plain, text), tamperedTopic)
  await isRefused('signature-invalid', 'a genuine message on another topic', plain, `${ownTopic}/elsewhere`)
  const accepted = await sender.publish(tamperedTopic, plain, { qos: 1 })
  story.check(accepted === undefined, 'the genuine one is accepted, whatever was tried before')
  await isRefused('replayed-with-other-flags', 'again, now to be retained', plain, tamperedTopic, true)
  const copy = await sender.publish(tamperedTopic, plain, { qos: 1 })
  story.check(copy === undefined, 'an exact copy is acknowledged again and changes nothing')
}
