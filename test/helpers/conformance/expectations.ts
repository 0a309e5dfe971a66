import assert from 'node:assert/strict'
import type { Peer } from './peer.ts'
import type { Received } from './received.ts'
import { newTopic } from './suite.ts'

/**
 * The server ends the connection because of what it got: MQTT 3.1.1 has no packet for that, MQTT 5 sends DISCONNECT with
 * one of `codes` first ([MQTT-5.0 4.13.1]: it should, and ours does, design section 9).
 */
export async function assertDisconnected(peer: Peer, ...codes: readonly number[]): Promise<void> {
  if (peer.level === 5) {
    const { reasonCode } = await peer.next('disconnect')
    if (codes.length > 0) assertOneOf(reasonCode, codes)
    else assert.ok(reasonCode >= 0x80, `DISCONNECT ${hex(reasonCode)}`)
  }
  await peer.closed()
}

/**
 * The server does not accept a CONNECT that is wrong. MQTT 3.1.1: it ends the connection without CONNACK
 * [MQTT-3.1.1 3.1.4-1]. MQTT 5: it may send a CONNACK, with one of `codes` [MQTT-5.0 3.1.4-1].
 */
export async function assertConnectRefused(peer: Peer, ...codes: readonly number[]): Promise<void> {
  await peer.closed()
  const [answer, ...more] = peer.takeAll()
  assert.equal(more.length, 0)
  if (answer === undefined) return
  assert.equal(peer.level, 5, `MQTT 3.1.1 wants no ${answer.type}`)
  assert.equal(answer.type, 'connack')
  assert.equal(answer.sessionPresent, false)
  if (codes.length > 0) assertOneOf(answer.reasonCode, codes)
  else assert.ok(answer.reasonCode >= 0x80, `CONNACK ${hex(answer.reasonCode)}`)
}

export function assertOneOf(code: number, codes: readonly number[]): void {
  assert.ok(codes.includes(code), `${hex(code)} is none of ${codes.map(hex).join(', ')}`)
}

const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`

/**
 * What `subscriber` gets until a message arrives that `publisher` publishes after everything else: what does not come
 * before it does not come at all [MQTT-3.1.1 4.6.0-6]. Acknowledges them.
 */
export async function messagesUntilNow(
  publisher: Peer,
  subscriber: Peer,
  qos: 0 | 1 = 0,
): Promise<readonly Received[]> {
  const topic = newTopic('end')
  await subscriber.subscribe([[topic, qos]])
  await publisher.publish({ topic, qos })
  const messages: Received[] = []
  for (;;) {
    const message = await subscriber.receive()
    if (message.topicName === topic) return messages
    messages.push(message)
  }
}

/** Payloads as text. */
export const texts = (messages: readonly Received[]) => messages.map(({ payload }) => payload.toString())
