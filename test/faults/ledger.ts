import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { TestAdmin } from '../helpers/admin.ts'
import { runHere } from '../helpers/cli.ts'
import type { Device, DeviceMessage } from './device.ts'
import type { Subscriber } from './subscriber.ts'

/** How often each text occurs. */
export type Counts = ReadonlyMap<string, number>

export function countOf(texts: Iterable<string>): Counts {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}

/** Nothing that was acknowledged is missing, and no QoS 2 message is there twice. @param what says where */
export function assertKept(acknowledged: readonly DeviceMessage[], counts: Counts, what: string): void {
  const lost = acknowledged.filter(({ text }) => !counts.has(text)).map(({ text }) => text)
  assert.deepEqual(lost, [], `${what}: acknowledged and lost`)
  const twice = acknowledged.filter(({ qos, text }) => qos === 2 && counts.get(text) !== 1).map(({ text }) => text)
  assert.deepEqual(twice, [], `${what}: QoS 2 and there more than once`)
}

/** No QoS 2 message, acknowledged or not, is there more than once. */
export function assertQos2Once(messages: readonly DeviceMessage[], counts: Counts, what: string): void {
  const twice = messages.filter(({ qos, text }) => qos === 2 && (counts.get(text) ?? 0) > 1).map(({ text }) => text)
  assert.deepEqual(twice, [], `${what}: QoS 2 and there more than once`)
}

/**
 * What came first of each message came in the order of the publishes of each device, whatever was repeated in between
 * [MQTT-3.1.1 4.6.0-6].
 */
export function assertFirstInOrder(device: Device, texts: readonly string[], what: string): void {
  const places = new Map(device.messages.map(({ text }, i) => [text, i]))
  const seen = new Set<string>()
  let last = -1
  for (const text of texts) {
    const place = places.get(text)
    if (place === undefined || seen.has(text)) continue
    seen.add(text)
    assert.ok(place > last, `${what}: ${text} came after ${device.messages[last]?.text}`)
    last = place
  }
}

/** Waits until the subscriber has each of these at least once. */
export async function hasAll(subscriber: Subscriber, wanted: readonly string[], what: string): Promise<void> {
  const missing = new Set(wanted)
  let looked = 0
  const isDone = () => {
    for (; looked < subscriber.deliveries.length; looked++) missing.delete(subscriber.deliveries[looked]?.text ?? '')
    return missing.size === 0
  }
  await subscriber.until(isDone, what).catch((error) => {
    throw new Error(`${what}: ${missing.size} are missing, such as ${[...missing].slice(0, 5)}`, { cause: error })
  })
}

/** The chain of a running broker, from first to last. */
export async function assertVerifiesLive(t: TestContext, port: number): Promise<void> {
  const admin = await TestAdmin.connect(t, port, { keepalive: 0 })
  const { ok, firstBad } = await admin.request('audit.verify', {})
  assert.deepEqual([ok, firstBad], [true, undefined])
  await admin.client.end()
}

/** The chain of a stopped one. */
export async function assertVerifies(location: string): Promise<void> {
  const { code, stdout, stderr } = await runHere('audit', 'verify', '--db', location, '--json')
  assert.equal(code, 0, `${stdout}${stderr}`)
}
