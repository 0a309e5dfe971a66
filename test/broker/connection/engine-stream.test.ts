import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineStream } from '../../../broker/connection/engine-stream.ts'
import { bytes } from '../edge/helpers.ts'

function listening() {
  const heard: (readonly [what: string, code?: number])[] = []
  const stream = new EngineStream({
    onEngineConnack: (code) => heard.push(['connack', code]),
    onEngineDisconnect: (code) => heard.push(['disconnect', code]),
    onEngineEnd: () => heard.push(['end']),
  })
  return { stream, heard }
}

test('the codes of CONNACK and DISCONNECT are heard, whatever pieces they come in', () => {
  const { stream, heard } = listening()
  stream.write(bytes('20 02 00 05 e0 01 8e'))
  stream.write(bytes('20 03 01'))
  stream.write(bytes('00 00 e0'))
  stream.write(bytes('00'))
  assert.deepEqual(heard, [
    ['connack', 5],
    ['disconnect', 0x8e],
    ['connack', 0],
    ['disconnect', 0],
  ])
})

test('whatever else the engine says is not for the client', () => {
  const { stream, heard } = listening()
  stream.write(bytes("30 03 'a' d0 00 40 02 00 01"))
  assert.deepEqual(heard, [])
})

test('the engine is never told to wait, however much it writes', () => {
  // Engine section 8: it waits with everybody.
  const { stream } = listening()
  stream.cork()
  assert.equal(stream.write(Buffer.alloc(20 * 1024 * 1024, bytes('c0 00'))), true)
  assert.equal(stream.writableNeedDrain, false)
})

test('the end is heard once, whoever makes it', async () => {
  for (const end of [
    ({ stream }: ReturnType<typeof listening>) => stream.destroy(),
    ({ stream }: ReturnType<typeof listening>) => stream.end(),
    ({ stream }: ReturnType<typeof listening>) => stream.destroy(new Error('engine')),
  ]) {
    const listened = listening()
    const { stream, heard } = listened
    stream.on('error', () => {
      // As the engine does; `close` follows.
    })
    stream.resume()
    const closed = new Promise((resolve) => stream.once('close', resolve))
    end(listened)
    // With the readable side over too, as when the client is gone.
    stream.push(null)
    await closed
    stream.destroy()
    assert.deepEqual(heard, [['end']])
  }
})
