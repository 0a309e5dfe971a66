import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { run } from '../../helpers/processes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, enter, eventually, openBroker, Program } from './support.ts'

test('log_dest sends lines to several places, log_type chooses them, log_timestamp_format begins them', async (t) => {
  const [port, directory] = [await freePort(), temporaryDirectory(t)]
  const file = join(directory, 'broker.log')
  const program = await Program.start(t, [
    `persistence_location ${temporaryDirectory(t)}`,
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    ...['log_dest stderr', 'log_dest stdout', 'log_dest topic', `log_dest file ${file}`],
    ...['information', 'notice', 'error', 'subscribe', 'unsubscribe'].map((type) => `log_type ${type}`),
    'log_timestamp_format [%Y]',
  ])
  const text = () => readFileSync(file, 'utf8')

  await t.test('every destination has the line, with its time stamp', async (t) => {
    covers('log_dest', 'log_timestamp_format')
    const watcher = await TestClient.connect(t, port, { clientId: 'watcher' })
    await watcher.subscribe('$SYS/broker/log/#', 0)
    await enter(t, port, { clientId: 'seen' })
    const line = /^\[\d{4}\]: New client connected from 127\.0\.0\.1:\d+ as seen \(p5, c1, k60\)\.$/m
    await program.says(line)
    await program.until(
      () => (line.test(program.stdout) ? true : undefined),
      () => 'not on standard output',
    )
    await eventually(text, (lines) => line.test(lines))
    const told = await watcher.waitFor(1, ({ payload }) => line.test(`${payload}`))
    assert.equal(told[0]?.topic, '$SYS/broker/log/N')
    assert.equal(told[0]?.retain, false)
  })

  await t.test('log_type subscribe and unsubscribe name the filters; what is not named is not there', async (t) => {
    covers('log_type')
    const client = await TestClient.connect(t, port, { clientId: 'asker' })
    await client.subscribe('some/#', 1)
    await client.mqtt.unsubscribeAsync('some/#')
    await program.says(/: asker 1 some\/#$/)
    await program.says(/: asker some\/#$/)
    assert.equal(program.count(/Warning/), 0)
  })

  await t.test('SIGHUP opens the log file again when it was moved away', async (t) => {
    renameSync(file, `${file}.1`)
    await program.reload()
    await enter(t, port, { clientId: 'after' })
    await eventually(
      () => (existsSync(file) ? text() : ''),
      (lines) => / as after /.test(lines),
    )
    assert.doesNotMatch(readFileSync(`${file}.1`, 'utf8'), / as after /)
  })

  await t.test('SIGUSR1 is harmless, SIGUSR2 prints the subscriptions', async (t) => {
    const client = await TestClient.connect(t, port, { clientId: 'printed' })
    await client.subscribe('tree/#', 1)
    program.child.kill('SIGUSR1')
    await program.says(/SIGUSR1/)
    program.child.kill('SIGUSR2')
    await program.says(/printed.*tree\/#/)
    assert.equal(await client.publish('tree/x', 'x'), 0)
  })
})

test('log_timestamp false begins lines with their text, connection_messages false says nothing of who comes and goes', async (t) => {
  covers('log_timestamp', 'connection_messages')
  const { port, program } = await openBroker(t, ['log_type all', 'log_timestamp false', 'connection_messages false'])
  const client = await TestClient.connect(t, port, { clientId: 'quiet' })
  await client.subscribe('x', 1)
  await client.end()
  await program.says(/^quiet 1 x$/)
  await program.stop()
  assert.match(program.stderr, /^notarymq version \S+ starting$/m)
  assert.doesNotMatch(program.stderr, /New (connection|client)|disconnected/)
})

test('log_type none and log_dest none say nothing at all', async (t) => {
  for (const line of ['log_type none', 'log_dest none']) {
    const port = await freePort()
    const lines = [`persistence_location ${temporaryDirectory(t)}`, `listener ${port} 127.0.0.1`]
    const program = new Program(t, [...lines, 'allow_anonymous true', line])
    await eventually(
      () => enter(t, port),
      (result) => result === 0,
    )
    assert.equal(await program.stop(), 0)
    assert.equal(program.stderr + program.stdout, '', line)
  }
})

test('log_dest syslog speaks to the journal, as the facility that log_facility names', async (t) => {
  covers('log_dest', 'log_facility')
  // A mount of its own, in which the journal is a socket of this test; needs root.
  const { code } = await run(t, 'unshare', ['--mount', 'true']).catch(() => ({ code: 'missing' }))
  const lines = [`persistence_location ${temporaryDirectory(t)}`, `listener ${await freePort()} 127.0.0.1`]
  const config = [...lines, 'log_dest syslog', 'log_facility 3']
  if (code !== 0 || !existsSync('/run')) {
    // Without the journal the broker does not start in silence.
    if (existsSync('/run/systemd/journal/stdout')) return
    assert.equal(await new Program(t, config).ended, 1)
    return
  }
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'journal'))
  let heard = ''
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      heard += chunk.toString()
    })
  }).listen(join(directory, 'journal', 'stdout'))
  atEnd(t, () => server.close())
  await once(server, 'listening')
  const script = `mount -t tmpfs none /run && mkdir -p /run/systemd && ln -s ${join(directory, 'journal')} /run/systemd/journal && exec "$@"`
  const program = new Program(t, config, { prefix: ['unshare', '--mount', 'sh', '-c', script, 'sh'] })
  await eventually(
    () => heard,
    (text) => / running\n/.test(text),
  )
  const [name, , priority] = heard.split('\n')
  // Facility local3 is 19, severity information is 6.
  assert.deepEqual([name, priority], ['notarymq', `${19 * 8 + 6}`])
  assert.match(heard, /^<6>notarymq version \S+ running$/m)
  // A connection has one facility: with another one there is another connection.
  heard = ''
  program.rewrite([...lines, 'log_dest syslog', 'log_facility 4'])
  program.child.kill('SIGHUP')
  await eventually(
    () => heard.split('\n'),
    (written) => written.includes(`${20 * 8 + 6}`),
  )
  assert.equal(await program.stop(), 0)
})
