import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { LogType } from '../../broker/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Lines that a logger with these types writes to stderr and stdout, in a process of its own. */
function write(types: readonly LogType[], destination: 'stderr' | 'stdout', code: string) {
  const script = `
    import { createLogger } from './broker/logger.ts'
    const log = createLogger({ destination: '${destination}', types: ${JSON.stringify(types)} })
    ${code}`
  const args = ['--import', 'tsx', '--input-type=module', '-e', script]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return { stdout, stderr }
}

test('a line is the epoch second, a colon and the message, as Mosquitto prints it', () => {
  const { stderr } = write(['notice'], 'stderr', "log.notice('New connection.')")
  assert.match(stderr, /^\d{10}: New connection\.\n$/)
})

test('only the log types that are on are written, to the destination that was chosen', () => {
  const code = "log.error('e'); log.warning('w'); log.information('i'); log.debug('d'); log.subscribe('s')"
  const { stdout, stderr } = write(['warning', 'subscribe'], 'stdout', code)
  assert.equal(stdout.replace(/\d{10}: /g, ''), 'w\ns\n')
  assert.equal(stderr, '')
})

test('log_type none writes nothing and all writes everything', () => {
  const code = "log.error('e'); log.debug('d')"
  assert.equal(write(['none', 'error'], 'stderr', code).stderr, '')
  assert.equal(write(['all'], 'stderr', code).stderr.replace(/\d{10}: /g, ''), 'e\nd\n')
})

test('control characters in names that clients chose cannot begin a line of their own or move a cursor', () => {
  const { stderr } = write(['notice'], 'stderr', "log.notice('id\\n1: forged line\\u001b[2J')")
  assert.match(stderr, /^\d{10}: id\?1: forged line\?\[2J\n$/)
})
