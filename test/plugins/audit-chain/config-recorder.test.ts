import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuditChain, afterEarlier, ConfigRecorder } from '../../../plugins/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const digestOf = (byte: number) => new Uint8Array(32).fill(byte)
const sizeOf = (chain: AuditChain) => chain.state.frontier.size

test('a configuration is recorded when it is another than the one before, across restarts too', async (t) => {
  const location = temporaryDirectory(t)
  const first = await AuditChain.open({ location })
  const recorder = await ConfigRecorder.open(first)
  await recorder.record(() => digestOf(1), 'start')
  await recorder.record(() => digestOf(1), 'reload')
  assert.equal(sizeOf(first), 2)
  await recorder.record(() => digestOf(2), 'reload')
  assert.equal(sizeOf(first), 3)
  await first.close()
  const second = await AuditChain.open({ location })
  atEnd(t, () => second.close())
  const again = await ConfigRecorder.open(second)
  await again.record(() => digestOf(2), 'start')
  assert.equal(sizeOf(second), 3)
  await again.record(() => digestOf(1), 'start')
  assert.equal(sizeOf(second), 4)
})

test('no rules at all are worth a record only where there were some', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  atEnd(t, () => chain.close())
  const recorder = await ConfigRecorder.open(chain)
  await recorder.record(() => undefined, 'start')
  assert.equal(sizeOf(chain), 1)
  await recorder.record(() => digestOf(1), 'reload')
  await recorder.record(() => undefined, 'reload')
  assert.equal(sizeOf(chain), 3)
  await recorder.record(() => undefined, 'reload')
  assert.equal(sizeOf(chain), 3)
})

test('a configuration comes into force at its place in the order: after what was submitted before it', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  atEnd(t, () => chain.close())
  const recorder = await ConfigRecorder.open(chain)
  const seen: string[] = []
  let isInForce = false
  const note = (name: string) => ({
    bytes: 0,
    decide: () => void seen.push(`${name} ${isInForce ? 'under the new' : 'under the old'}`),
    settle: () => {},
  })
  chain.submit(note('before'))
  const recorded = recorder.record(() => {
    isInForce = true
    return digestOf(1)
  }, 'reload')
  chain.submit(note('after'))
  assert.equal(isInForce, false)
  await recorded
  await new Promise<void>((resolve) => chain.submit(afterEarlier(resolve)))
  assert.deepEqual(seen, ['before under the old', 'after under the new'])
})

test('what goes wrong while a configuration comes into force is told, and nothing is recorded of it', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  atEnd(t, () => chain.close())
  const recorder = await ConfigRecorder.open(chain)
  const failure = new Error('cannot be applied')
  await assert.rejects(
    recorder.record(() => {
      throw failure
    }, 'reload'),
    failure,
  )
  assert.equal(sizeOf(chain), 1)
})
