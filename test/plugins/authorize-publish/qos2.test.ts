import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client, PublishPacket } from 'aedes'
import { OpenQos2 } from '../../../plugins/authorize-publish/qos2.ts'
import { turns } from '../../helpers/sequencing.ts'

/** A client whose session holds the QoS 2 publishes with these packet ids. */
function clientWith(id: string, stored: readonly number[] = []): Client {
  const incomingGetPacket = async (_client: Client, { messageId }: PublishPacket) => {
    await turns()
    if (!stored.includes(messageId ?? 0)) throw new Error('no such packet')
    return {}
  }
  return { id, broker: { persistence: { incomingGetPacket } } } as unknown as Client
}

const packet = (messageId: number) => ({ cmd: 'publish', qos: 2, messageId }) as unknown as PublishPacket

test('copies that arrive before the first one is settled wait for it and share its outcome', async () => {
  const open = new OpenQos2()
  const client = clientWith('device')
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => open.begin(client, packet(7))))
  assert.deepEqual([first?.kind, second?.kind, third?.kind], ['first', 'again', 'again'])
  assert.ok(first?.kind === 'first' && second?.kind === 'again' && third?.kind === 'again')
  let outcome: unknown = 'waiting'
  second.first.then((refusal) => {
    outcome = refusal
  })
  await turns()
  assert.equal(outcome, 'waiting')
  first.settled('signature-invalid')
  assert.deepEqual([await second.first, await third.first], ['signature-invalid', 'signature-invalid'])
})

test('a copy of what the session holds is a copy, accepted as the first was', async () => {
  const open = new OpenQos2()
  const again = await open.begin(clientWith('device', [7]), packet(7))
  assert.ok(again.kind === 'again')
  assert.equal(await again.first, undefined)
})

test('a packet id is free again when its exchange was settled and the session does not hold it', async () => {
  const open = new OpenQos2()
  const client = clientWith('device')
  for (let i = 0; i < 3; i++) {
    const exchange = await open.begin(client, packet(7))
    assert.ok(exchange.kind === 'first', `exchange ${i}`)
    exchange.settled(i === 1 ? 'not-signed' : undefined)
  }
})

test('other packet ids and other clients are other exchanges', async () => {
  const open = new OpenQos2()
  const begun = await Promise.all([
    open.begin(clientWith('a'), packet(1)),
    open.begin(clientWith('a'), packet(11)),
    open.begin(clientWith('b'), packet(1)),
    // Whose names and numbers, written side by side, would look like the first.
    open.begin(clientWith('1 a'), packet(1)),
  ])
  assert.deepEqual(
    begun.map(({ kind }) => kind),
    ['first', 'first', 'first', 'first'],
  )
})
