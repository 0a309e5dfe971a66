import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AccessRules } from '../../../broker/security/access-rules.ts'
import { FileSecurity } from '../../../broker/security/file-security.ts'
import type { Login } from '../../../broker/security/login.ts'
import { defaultSecurity } from '../../../broker/security-options.ts'
import { AuthenticationError, PublishPolicy } from '../../../plugins/index.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

function made(t: TestContext, lines: string | undefined, allowAnonymous = false) {
  const passwordFile = join(temporaryDirectory(t), 'passwords')
  if (lines !== undefined) writeFileSync(passwordFile, lines)
  const warnings: string[] = []
  const options = { ...defaultSecurity, allowAnonymous, ...(lines === undefined ? undefined : { passwordFile }) }
  const security = new FileSecurity(options, (message) => warnings.push(message))
  t.after(() => security.close())
  return { security, options, passwordFile, warnings }
}

const plain = { inForce: { policy: new PublishPolicy([]) }, tlsBridges: new Set<string>() }
const nobody = { username: undefined, password: undefined, certificateUsername: undefined }
const ann = { ...nobody, username: 'ann', password: Buffer.from('secret') }
const told = (login: Login | undefined) => login && [login.username, login.auth]

test('a name from a certificate is proven, and needs no password', async (t) => {
  const { security } = made(t, passwordLine('ann', 'secret'))
  const login = await security.authenticate({ ...nobody, username: 'other', certificateUsername: 'device-7' })
  assert.deepEqual(told(login), ['device-7', 'certificate'])
})

test('without a password file a name is a claim, where anonymous clients are welcome, and else refused', async (t) => {
  assert.deepEqual(told(await made(t, undefined, true).security.authenticate(ann)), ['ann', 'none'])
  assert.equal(await made(t, undefined).security.authenticate(ann), undefined)
  assert.equal(await made(t, undefined).security.authenticate(nobody), undefined)
})

test('a login by password holds while its line is the same, and not when another proves the name now', async (t) => {
  const line = passwordLine('ann', 'secret')
  const { security, options, passwordFile } = made(t, line)
  const login = await security.authenticate(ann)
  assert.ok(login !== undefined)
  const holdsWith = (lines: string) => {
    writeFileSync(passwordFile, lines)
    security.prepare(options)()
    return security.holds(login)
  }
  assert.deepEqual(
    [`${line}\n${passwordLine('bob', 'x')}`, passwordLine('ann', 'secret'), passwordLine('bob', 'x'), ''].map(
      holdsWith,
    ),
    [true, false, false, false],
  )
})

test('a claimed name does not hold when names have to be proved from now on', async (t) => {
  const { security, options, passwordFile } = made(t, undefined, true)
  const claimed = await security.authenticate(ann)
  const anonymous = await security.authenticate(nobody)
  assert.ok(claimed !== undefined && anonymous !== undefined)
  writeFileSync(passwordFile, passwordLine('ann', 'secret'))
  const commit = security.prepare({ ...options, passwordFile })
  assert.deepEqual([security.holds(claimed), security.holds(anonymous)], [true, true], 'nothing has changed yet')
  commit()
  assert.deepEqual([security.holds(claimed), security.holds(anonymous)], [false, true])
  assert.deepEqual(told(await security.authenticate(ann)), ['ann', 'password'])
  security.prepare(options)()
  assert.deepEqual(told(await security.authenticate(ann)), ['ann', 'none'], 'a file that is not asked for any more')
})

test('lines that nobody can log in with are warned of, with their place', (t) => {
  const { warnings } = made(t, `${passwordLine('ann', 'secret')}\nbob:plain\n`)
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /^Warning: .*passwords:2: /)
})

test('a file that is gone changes nothing', async (t) => {
  const { security, options } = made(t, passwordLine('ann', 'secret'))
  assert.throws(
    () => security.prepare({ ...options, passwordFile: '/nonexistent/passwords' }),
    (error) => error instanceof AuthenticationError && error.code === 'ERR_PASSWORD_FILE',
  )
  assert.deepEqual(told(await security.authenticate(ann)), ['ann', 'password'])
})

test('where each listener has its own list, that of a client is the one it came in by; of one that is gone, nobody may anything', (t) => {
  const aclFile = join(temporaryDirectory(t), 'acl')
  writeFileSync(aclFile, 'topic read a\n')
  const open = made(t, undefined).security
  const listed = new FileSecurity({ ...defaultSecurity, aclFile }, () => {})
  const rules = new AccessRules({ ...plain, general: open, isPerListener: true, checkRetainSource: true })
  rules.set('open', open)
  rules.set('listed', listed)
  const client = (listener: string | undefined) => ({ clientId: 'c', username: undefined, listener })
  const mayRead = (listener: string | undefined, topic: string) =>
    rules.readerOf(client(listener))?.mayRead(topic) ?? true
  assert.deepEqual(
    ['open', 'listed', 'gone', undefined].map((name) => [mayRead(name, 'a'), mayRead(name, 'b')]),
    [
      [true, true],
      [true, false],
      [false, false],
      [false, false],
    ],
  )
  assert.deepEqual([rules.mayWrite(client('listed'), 'a'), rules.mayWrite(client('open'), 'a')], [false, true])
  assert.equal(rules.mayHavePublished(client('listed'), 'a'), false)
  const unasked = new AccessRules({ ...plain, general: listed, isPerListener: false, checkRetainSource: false })
  assert.equal(unasked.mayHavePublished(client('listed'), 'b'), true)
  assert.equal(unasked.mayWrite(client('any'), 'b'), false)
})

test('a topic that asks for TLS is delivered to those who came over TLS, and over bridges with it, besides what the list says', (t) => {
  const aclFile = join(temporaryDirectory(t), 'acl')
  writeFileSync(aclFile, 'topic read safe/a\ntopic read open\n')
  const general = new FileSecurity({ ...defaultSecurity, aclFile }, () => {})
  const policy = new PublishPolicy([{ filter: 'safe/#', tls: true }])
  const tlsBridges = new Set(['bridge:safe'])
  const rules = new AccessRules({
    general,
    isPerListener: false,
    checkRetainSource: true,
    inForce: { policy },
    tlsBridges,
  })
  const readable = (listener: string | undefined) => {
    const reader = rules.readerOf({ clientId: 'c', username: undefined, listener })
    return ['safe/a', 'safe/b', 'open'].filter((topic) => reader?.mayRead(topic) ?? true)
  }
  assert.deepEqual(readable('mqtt://127.0.0.1:1883'), ['open'])
  assert.deepEqual(readable('ws://127.0.0.1:9001'), ['open'])
  assert.deepEqual(readable(undefined), ['open'])
  assert.deepEqual(readable('mqtts://127.0.0.1:8883'), ['safe/a', 'open'])
  assert.deepEqual(readable('wss://127.0.0.1:9883'), ['safe/a', 'open'])
  assert.deepEqual(readable('bridge:plain'), ['open'])
  assert.deepEqual(readable('bridge:safe'), ['safe/a', 'safe/b', 'open'])
})
