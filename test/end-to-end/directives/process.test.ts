import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort } from '../../helpers/broker.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { run } from '../../helpers/processes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { hasMosquittoClients } from '../../helpers/tools.ts'
import { covers, enter, Program, sysMessages } from './support.ts'

test('include_dir reads the files of a directory, capitals first; pid_file is there while the broker runs', async (t) => {
  covers('include_dir', 'pid_file', 'user')
  const directory = temporaryDirectory(t)
  // Who the broker becomes has to find them.
  chmodSync(directory, 0o755)
  const included = join(directory, 'conf.d')
  mkdirSync(included)
  const [first, second] = [await freePort(), await freePort()]
  const pidFile = join(directory, 'run', 'broker.pid')
  mkdirSync(join(directory, 'run'))
  chmodSync(join(directory, 'run'), 0o777)
  writeFileSync(join(included, 'b.conf'), `max_qos 1\nlistener ${second} 127.0.0.1\nmax_qos 0\n`)
  writeFileSync(join(included, 'A.conf'), `listener ${first} 127.0.0.1\n`)
  writeFileSync(join(included, 'ignored.txt'), 'this is no directive\n')
  const isRoot = process.getuid?.() === 0
  const program = await Program.start(t, [
    `persistence_location ${join(directory, 'data')}`,
    'allow_anonymous true',
    `pid_file ${pidFile}`,
    'user nobody',
    `include_dir ${included}`,
  ])
  const told = []
  for (const port of [first, second]) {
    const { connack } = await TestClient.connect(t, port)
    told.push(connack?.properties?.maximumQoS)
  }
  assert.deepEqual(told, [1, 0])
  assert.equal(readFileSync(pidFile, 'utf8'), `${program.child.pid}\n`)
  const [, uid] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8')) ?? []
  const [, nobody] = /^nobody:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? []
  assert.equal(uid, isRoot ? nobody : `${process.getuid?.()}`)
  assert.equal(await program.stop(), 0)
  assert.equal(existsSync(pidFile), false)
})

test('persistence keeps retained messages and sessions in persistence_location, persistence false forgets them', async (t) => {
  covers('persistence', 'persistence_location')
  const session = { clientId: 'keeper', clean: false, properties: { sessionExpiryInterval: 600 } }
  const found: unknown[] = []
  for (const persistence of ['true', 'false']) {
    const [location, port] = [join(temporaryDirectory(t), 'data'), await freePort()]
    const lines = [`persistence_location ${location}`, `listener ${port} 127.0.0.1`, 'allow_anonymous true']
    for (const round of [1, 2]) {
      const program = await Program.start(t, [...lines, `persistence ${persistence}`, 'sys_interval 0'])
      const client = await TestClient.connect(t, port, session)
      await client.subscribe('kept', 1)
      if (round === 1) await client.publish('kept', 'x', { qos: 1, retain: true })
      await client.publish('end', '')
      await client.subscribe('end', 1)
      await client.publish('end', '')
      await client.waitFor(1, ({ topic }) => topic === 'end')
      if (round === 2) {
        const { received, connack } = client
        found.push([connack?.sessionPresent, received.some(({ topic, retain }) => topic === 'kept' && retain)])
      }
      assert.equal(await program.stop(), 0)
      assert.ok(readdirSync(location).length > 0)
    }
  }
  assert.deepEqual(found, [
    [true, true],
    [false, false],
  ])
})

/** Loaded before the program: says of each socket that is asked to send small packets at once. */
const tellsNoDelay = `data:text/javascript,${encodeURIComponent(`
import { Socket } from 'node:net'
const { setNoDelay } = Socket.prototype
Socket.prototype.setNoDelay = function (...args) {
  process.stderr.write('noDelay on port ' + this.localPort + '\\n')
  return setNoDelay.apply(this, args)
}`)}`

test('set_tcp_nodelay is asked of the sockets, $SYS is for mosquitto_sub, sys_interval and HTTP pages tell of the broker', async (t) => {
  // No client can see Nagle's algorithm without measuring time, so what is asked of the system is looked at.
  covers('set_tcp_nodelay', 'sys_interval', 'notary_http')
  const [port, http] = [await freePort(), await freePort()]
  const lines = [
    `persistence_location ${temporaryDirectory(t)}`,
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'sys_interval 1',
    `notary_http ${http} 127.0.0.1`,
  ]
  const program = await Program.start(t, [...lines, 'set_tcp_nodelay false'], {
    nodeArguments: ['--import', tellsNoDelay],
  })
  const asked = new RegExp(`^noDelay on port ${port}$`, 'm')
  await t.test('no socket is asked before SIGHUP, and the next one after it is', async (t) => {
    assert.equal(await enter(t, port), 0)
    assert.doesNotMatch(program.stderr, asked)
    program.rewrite(lines)
    await program.reload()
    assert.equal(await enter(t, port), 0)
    await program.says(asked)
  })
  await t.test('SIGHUP names once what takes a restart', async () => {
    program.rewrite([...lines, 'persistence false', `listener ${await freePort()} 127.0.0.1`])
    await program.reload()
    await program.says(
      /Warning: the configuration differs in listener, persistence, which takes effect at the next start/,
    )
    program.rewrite(lines)
    await program.reload()
    await program.says(/Config reloaded\.$/, 3)
    assert.equal(program.count(/takes effect at the next start/), 1)
  })

  await t.test('values below $SYS/broker/ change with what happens', async (t) => {
    const before = await sysMessages(t, port)
    assert.match(before.get('$SYS/broker/version') ?? '', /^notarymq version /)
    assert.ok([...before.keys()].every((topic) => topic.startsWith('$SYS/broker/')))
    const watcher = await TestClient.connect(t, port)
    await watcher.subscribe('$SYS/broker/clients/connected', 0)
    const others = [await TestClient.connect(t, port), await TestClient.connect(t, port)]
    await watcher.waitFor(1, ({ payload }) => Number(`${payload}`) > others.length)
  })

  await t.test('mosquitto_sub reads them', async (t) => {
    if (!hasMosquittoClients(t)) return
    // A name with a space in it, as Mosquitto has it.
    const names = ['version', 'uptime', 'retained messages/count']
    const topics = names.flatMap((name) => ['-t', `$SYS/broker/${name}`])
    const args = ['-p', `${port}`, ...topics, '-F', '%t %r %p', '-C', '3', '-W', '15']
    const { code, stdout } = await run(t, 'mosquitto_sub', args)
    assert.equal(code, 0)
    assert.match(stdout, /^\$SYS\/broker\/version 1 notarymq version /m)
    assert.match(stdout, /^\$SYS\/broker\/uptime [01] \d+ seconds$/m)
    assert.match(stdout, /^\$SYS\/broker\/retained messages\/count [01] \d+$/m)
  })

  await t.test('the pages of notary_http', async () => {
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${http}${path}`)
      return { status: response.status, text: await response.text() }
    }
    assert.deepEqual(await get('/healthz'), { status: 200, text: '{"status":"ok"}\n' })
    assert.deepEqual(await get('/readyz'), { status: 200, text: '{"status":"ready"}\n' })
    const { status, text } = await get('/metrics')
    assert.equal(status, 200)
    assert.match(text, /^notarymq_\w+(\{[^}]*\})? \d/m)
    assert.equal((await get('/')).status, 404)
  })
  assert.equal(await enter(t, port), 0)
})
