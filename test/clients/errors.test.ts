import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AdminClient } from '../../clients/cli/admin-client.ts'
import { parseArguments } from '../../clients/cli/command.ts'
import { connect } from '../../clients/cli/connection.ts'
import { pub } from '../../clients/cli/pub.ts'
import { ClientError, type ClientErrorCode } from '../../clients/errors.ts'
import { generateIdentity, loadIdentity, reserveSequenceNumber } from '../../clients/identity/index.ts'
import { connectAsync } from '../../clients/sdk/index.ts'
import { freePort, startBroker } from '../helpers/broker.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

function isError(code: ClientErrorCode) {
  return (error: unknown) => error instanceof ClientError && error.code === code
}

const silent = { out: () => {}, error: () => {} }

async function flagsOf(t: TestContext, options = {}) {
  const { port } = await startBroker(t, options)
  return { host: '127.0.0.1', port: String(port), 'protocol-version': 'mqttv5' }
}

test('an unknown option is ERR_USAGE', () => {
  assert.throws(() => parseArguments(['--nonsense'], {}), isError('ERR_USAGE'))
})

test('a key file that is missing, public or of another curve is ERR_IDENTITY_FILE', (t) => {
  const directory = temporaryDirectory(t)
  const { publicPath } = generateIdentity(join(directory, 'a.pem'))
  for (const path of [join(directory, 'missing.pem'), publicPath]) {
    assert.throws(() => loadIdentity(path), isError('ERR_IDENTITY_FILE'))
  }
})

test('a sequence file that holds no number is ERR_SEQUENCE_FILE, and stays as it is', (t) => {
  const key = join(temporaryDirectory(t), 'a.pem')
  assert.equal(reserveSequenceNumber(key), 1)
  assert.equal(reserveSequenceNumber(key), 2)
  for (const content of ['', 'twelve', '-1', '1.5', '9007199254740991']) {
    writeFileSync(`${key}.seq`, content)
    assert.throws(() => reserveSequenceNumber(key), isError('ERR_SEQUENCE_FILE'), content)
  }
})

test('a broker that is not there is ERR_CONNECTION', async () => {
  const port = String(await freePort())
  const flags = { host: '127.0.0.1', port, 'protocol-version': 'mqttv5' }
  await assert.rejects(connect(flags), isError('ERR_CONNECTION'))
})

test('an answer that does not come in time is ERR_TIMEOUT', async (t) => {
  const admin = await AdminClient.connect(await flagsOf(t))
  await assert.rejects(admin.request('audit.status', {}, 0), isError('ERR_TIMEOUT'))
  await admin.close()
})

test('a request of somebody who is no administrator is ERR_ADMIN', async (t) => {
  const admin = await AdminClient.connect(await flagsOf(t, { anonymousAdmin: false }))
  await assert.rejects(admin.request('keys.list', {}), isError('ERR_ADMIN'))
  await admin.close()
})

test('a refused publish is ERR_REFUSED', async (t) => {
  const { host, port } = await flagsOf(t, { protect: [{ filter: 'plant/#', signed: true }] })
  const client = await connectAsync(`mqtt://${host}:${port}`)
  atEnd(t, () => client.endAsync())
  await assert.rejects(client.publishAsync('plant/a', 'x', { qos: 1 }), isError('ERR_REFUSED'))
  assert.equal(await pub.run(['-h', host, '-p', port, '-t', 'plant/a', '-m', 'x', '-q', '1'], silent), 1)
})
