import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBroker } from '../helpers/broker.ts'
import { pythonJson, runPython } from '../helpers/python.ts'
import { hasPython } from '../helpers/tools.ts'

const often = { checkpointIntervalMs: 100 }
const argumentsFor = (port: number, keys: { readonly of: string; readonly vkeyOf?: string }) => [
  ...['live_receipt.py', '--port', `${port}`, '--topic', 'plant/1', '--payload', '21.5 °C'],
  ...['--broker-key', join(keys.of, 'keys', 'broker.pub.pem')],
  ...['--vkey', join(keys.vkeyOf ?? keys.of, 'keys', 'log.vkey')],
]

test('a paho client of every MQTT version verifies the receipts that a live broker pushes, with cryptography and cbor2', async (t) => {
  if (!hasPython(t)) return
  const { broker, location, port } = await startBroker(t, often)
  for (const [protocol, qos] of [
    [3, 0],
    [4, 1],
    [5, 2],
  ] as const) {
    const args = [...argumentsFor(port, { of: location }), '--protocol', `${protocol}`, '--qos', `${qos}`]
    const [found] = await pythonJson<{ origin: string; size: number; index: number }>(t, args)
    const { genesis, state } = broker.chain
    assert.deepEqual([found?.origin, found?.index], [genesis.origin, state.frontier.size - 1])
  }
})

test('it refuses them when it trusts the key of another broker or another log', async (t) => {
  if (!hasPython(t)) return
  const { location, port } = await startBroker(t, often)
  const other = await startBroker(t, often)
  for (const keys of [
    { of: other.location, vkeyOf: location },
    { of: location, vkeyOf: other.location },
  ]) {
    const { code, stdout, stderr } = await runPython(t, argumentsFor(port, keys))
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^ValueError: (another key|the log did not sign)/)
  }
})
