import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientDeparture } from '../../../broker/connection/departure.ts'

const disconnect = (reasonCode: number, sessionExpiryIntervalSeconds?: number) => ({
  reasonCode,
  sessionExpiryIntervalSeconds,
})

test('who says nothing has lost its connection: its will is wanted, and its session lives as it was opened', () => {
  const { hasLeft, outcome } = new ClientDeparture()
  assert.deepEqual([hasLeft, outcome], [false, { publishWill: true, sessionExpiryIntervalSeconds: undefined }])
})

test('[MQTT-5.0 3.14.4-3] a DISCONNECT with success takes the will back, any other code does not', () => {
  for (const [code, publishWill] of [
    [0, false],
    [4, true],
    [0x80, true],
  ] as const) {
    const departure = new ClientDeparture()
    assert.equal(departure.announce(disconnect(code), 60), true)
    assert.deepEqual([departure.hasLeft, departure.outcome.publishWill], [true, publishWill])
  }
})

test('a DISCONNECT may change how long the session lives, but not give one that was to end with the connection a life', () => {
  for (const [connected, left] of [
    [60, 0],
    [60, 3600],
    [0, 0],
  ] as const) {
    const departure = new ClientDeparture()
    assert.equal(departure.announce(disconnect(0, left), connected), true)
    assert.equal(departure.outcome.sessionExpiryIntervalSeconds, left)
  }
  const departure = new ClientDeparture()
  assert.equal(departure.announce(disconnect(0, 1), 0), false)
  assert.deepEqual(
    [departure.hasLeft, departure.outcome.publishWill],
    [false, true],
    'its connection ends as by an error',
  )
})
