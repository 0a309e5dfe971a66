import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MessagePrinter, type PrintFlags } from '../../../../clients/cli/mqtt/message-printer.ts'

const forged = 'x  \x1b[32m[press-7 #42]\x1b[0m\n\x1b[8m'

/** What is printed of one unsigned message. */
function printed(flags: PrintFlags, isTTY: boolean, hasKeyring: boolean, topic: string, payload: Buffer): Buffer {
  const written: Uint8Array[] = []
  const sink = { isTTY, write: (bytes: Uint8Array) => written.push(bytes) }
  const printer = new MessagePrinter(flags, hasKeyring, sink, { out: assert.fail, error: assert.fail })
  const receivedAt = new Date(0)
  const more = { qos: 0, retain: false, packetId: undefined, properties: undefined, encrypted: false } as const
  printer.print({ topic, payload, unverified: 'unsigned', receivedAt, ...more })
  return Buffer.concat(written)
}

function withoutColours(t: TestContext): void {
  const before = process.env.NO_COLOR
  process.env.NO_COLOR = '1'
  t.after(() => {
    if (before === undefined) delete process.env.NO_COLOR
    else process.env.NO_COLOR = before
  })
}

test('where it is said who signed, no payload and no topic says it in place of us: a message is one line', (t) => {
  withoutColours(t)
  const shown = 'x  \\u{1b}[32m[press-7 #42]\\u{1b}[0m\\u{a}\\u{1b}[8m'
  const payload = Buffer.from(forged)
  assert.equal(printed({}, true, false, 'a', payload).toString(), `${shown}  [unsigned]\n`)
  assert.equal(printed({ verbose: true }, true, false, 'a\nb', payload).toString(), `a\\u{a}b ${shown}  [unsigned]\n`)
  assert.equal(printed({ verbose: true }, false, true, 'a', payload).toString(), `a ${shown}  [unsigned]\n`)
})

test('into a pipe a payload goes byte for byte', () => {
  const payload = Buffer.from([0, 255, 10, 27])
  assert.deepEqual(printed({ 'no-newline': true }, false, true, 'a', payload), payload)
  assert.deepEqual(printed({ verbose: true }, false, false, 'a', payload), Buffer.from('a \0\xff\n\x1b\n', 'latin1'))
})
