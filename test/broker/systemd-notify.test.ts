import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createSystemdNotifier, watchdogIntervalMs } from '../../broker/systemd-notify.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { TestProcess } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { hasTool, python } from '../helpers/tools.ts'

/** Stands for systemd-notify: notes each run as a line, the slower the earlier it was. */
function fakeCommand(t: TestContext) {
  const directory = temporaryDirectory(t)
  const command = join(directory, 'systemd-notify')
  const log = join(directory, 'log')
  writeFileSync(log, '')
  // Were the runs not one after another, the first would be noted last.
  const script = `#!/bin/sh\ncase "$*" in RELOADING*) sleep 0.2;; esac\necho "$* in $(env | grep -c SECRET)" >> ${log}\n`
  writeFileSync(command, script)
  chmodSync(command, 0o755)
  const lines = () => readFileSync(log, 'utf8').split('\n').slice(0, -1)
  return { command, lines }
}

const environment = { NOTIFY_SOCKET: '/run/systemd/notify', PATH: process.env.PATH, SECRET: 'x' }

test('tells of readiness, reload and stop in order, and gives the helper nothing of our environment', async (t) => {
  const { command, lines } = fakeCommand(t)
  const errors: string[] = []
  const notifier = createSystemdNotifier({ environment, command, onError: (message) => errors.push(message) })
  notifier.ready()
  notifier.reloading()
  notifier.ready()
  await notifier.stopping()
  assert.deepEqual(
    lines().map((line) => line.replace(/USEC=\d+/, 'USEC=n')),
    [
      `MAINPID=${process.pid} READY=1 in 0`,
      'RELOADING=1 MONOTONIC_USEC=n in 0',
      `MAINPID=${process.pid} READY=1 in 0`,
      'STOPPING=1 in 0',
    ],
  )
  assert.deepEqual(errors, [])
})

test('without a socket of systemd nothing is run', async (t) => {
  const { command, lines } = fakeCommand(t)
  const notifier = createSystemdNotifier({ environment: { PATH: '/bin' }, command, onError: assert.fail })
  await notifier.ready()
  await notifier.stopping()
  assert.deepEqual(lines(), [])
})

test('a helper that is not there is told of, and what follows goes on', async () => {
  const errors: string[] = []
  const command = '/nonexistent/systemd-notify'
  const notifier = createSystemdNotifier({ environment, command, onError: (message) => errors.push(message) })
  await notifier.ready()
  await notifier.stopping()
  assert.equal(errors.length, 2)
})

test('the watchdog is fed until the broker stops, where the unit has one', async (t) => {
  const { command, lines } = fakeCommand(t)
  const withWatchdog = { ...environment, WATCHDOG_USEC: '20000', WATCHDOG_PID: String(process.pid) }
  const notifier = createSystemdNotifier({ environment: withWatchdog, command, onError: assert.fail })
  atEnd(t, () => notifier.stop())
  await notifier.ready()
  while (!lines().includes('WATCHDOG=1 in 0')) await new Promise((resolve) => setTimeout(resolve, 5))
  await notifier.stopping()
  assert.equal(lines().at(-1), 'STOPPING=1 in 0')
})

test('the watchdog is fed twice in its time; one of another process or of no sense is none', () => {
  const interval = (more: Record<string, string>) => watchdogIntervalMs({ NOTIFY_SOCKET: '/x', ...more })
  assert.equal(interval({ WATCHDOG_USEC: '180000000' }), 90_000)
  assert.equal(interval({ WATCHDOG_USEC: '180000000', WATCHDOG_PID: String(process.pid) }), 90_000)
  assert.equal(interval({ WATCHDOG_USEC: '180000000', WATCHDOG_PID: '1' }), undefined)
  assert.equal(interval({}), undefined)
  for (const WATCHDOG_USEC of ['0', '-1', '1e6', '', 'x']) assert.equal(interval({ WATCHDOG_USEC }), undefined)
  assert.equal(interval({ WATCHDOG_USEC: '1' }), 1)
  assert.equal(watchdogIntervalMs({ WATCHDOG_USEC: '180000000' }), undefined)
})

test("systemd's own program delivers the messages to the socket", async (t) => {
  if (!hasTool(t, 'systemd-notify', ['--version'], 'systemd')) return
  if (!hasTool(t, python, ['-c', 'import socket'], 'Python')) return
  const path = join(temporaryDirectory(t), 'notify')
  // systemd-notify waits until systemd has taken its message and closed the descriptor that comes with BARRIER=1.
  const receiver = new TestProcess(t, python, [
    '-uc',
    `import array, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound')
while True:
    data, ancillary, _, _ = s.recvmsg(4096, 256)
    print(data.decode().replace('\\n', ' ').strip())
    for _, _, fds in ancillary:
        for fd in array.array('i', fds): os.close(fd)`,
    path,
  ])
  await receiver.line(/^bound$/)
  const errors: string[] = []
  const notifier = createSystemdNotifier({
    environment: { NOTIFY_SOCKET: path, PATH: process.env.PATH },
    onError: (message) => errors.push(message),
  })
  await notifier.ready()
  await notifier.stopping()
  await receiver.line(/^STOPPING=1$/)
  assert.ok(receiver.lines.includes(`MAINPID=${process.pid} READY=1`), receiver.lines.join('\n'))
  assert.deepEqual(errors, [])
})
