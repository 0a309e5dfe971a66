import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { LogError, type LogErrorCode } from '../../../broker/log/errors.ts'
import { facilityOf, Journal } from '../../../broker/log/journal.ts'
import { createLogger } from '../../../broker/logger.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const hasCode = (code: LogErrorCode) => (error: unknown) => error instanceof LogError && error.code === code

/** Stands for the journal: what came, by connection. */
async function startJournal(t: TestContext, path: string) {
  const streams: string[] = []
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    const at = streams.push('') - 1
    sockets.push(socket)
    socket.setEncoding('utf8').on('data', (text: string) => {
      streams[at] += text
    })
  })
  server.listen(path)
  await once(server, 'listening')
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  atEnd(t, close)
  return { streams, close }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('the stream says program and facility once, then a level before every line; the journal notes the time', async (t) => {
  const path = join(temporaryDirectory(t), 'journal')
  const { streams } = await startJournal(t, path)
  const journal = new Journal('notarymq', 'daemon', assert.fail, path)
  journal.write('error', '1: ', 'e')
  journal.write('warning', '1: ', 'w')
  journal.write('notice', '1: ', 'n')
  journal.write('information', '1: ', 'i')
  journal.write('debug', '1: ', '\td')
  await journal.close()
  const expected = 'notarymq\n\n30\n1\n1\n0\n0\n<3>e\n<4>w\n<5>n\n<6>i\n<7>\td\n'
  await until(() => (streams[0]?.length ?? 0) >= expected.length)
  assert.deepEqual(streams, [expected])
})

test('a journal that was started anew gets what follows, and the complaint is made once', async (t) => {
  const path = join(temporaryDirectory(t), 'journal')
  const first = await startJournal(t, path)
  const complaints: string[] = []
  const journal = new Journal('notarymq', 'local0', (message) => complaints.push(message), path)
  atEnd(t, () => journal.close())
  journal.write('notice', '', 'one')
  await until(() => first.streams[0]?.endsWith('one\n') === true)
  await first.close()
  const second = await startJournal(t, path)
  await until(() => {
    journal.write('notice', '', 'two')
    return second.streams[0]?.includes('two\n') === true
  })
  assert.ok(second.streams[0]?.startsWith('notarymq\n\n134\n'))
  assert.ok(complaints.length <= 1)
})

test('without a journal log_dest syslog refuses to start instead of losing every line', (t) => {
  const path = join(temporaryDirectory(t), 'journal')
  const code = hasCode('ERR_LOG_SYSLOG_UNAVAILABLE')
  assert.throws(() => new Journal('notarymq', 'daemon', assert.fail, path), code)
})

test('facilities are known by the names of syslog; anything else is refused', () => {
  assert.equal(facilityOf('daemon'), 3)
  assert.equal(facilityOf('local0'), 16)
  assert.equal(facilityOf('local7'), 23)
  for (const word of ['3', '', 'local8', 'toString', 'DAEMON']) {
    assert.throws(() => facilityOf(word), hasCode('ERR_LOG_FACILITY'), word)
  }
  const destinations = [{ kind: 'syslog', facility: 'nonsense' }] as const
  assert.throws(() => createLogger({ destinations, types: ['all'], timestamps: true }), hasCode('ERR_LOG_FACILITY'))
})
