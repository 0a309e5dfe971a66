import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { p256ToJwk } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { putBack } from '../helpers/anchored-chain.ts'
import { spawnBroker } from '../helpers/broker.ts'
import { runHere } from '../helpers/cli.ts'
import { numberedKey } from '../helpers/keys.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { runCli } from '../helpers/processes.ts'
import { Signer } from '../helpers/signing.ts'
import { copyOfData } from '../helpers/stored-chain.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

test('a data directory that was put back: refused, explained, continued by a new log in which a device goes on and replays do not', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const anchor = temporaryDirectory(t)
  const lines = [`notary_anchor ${anchor}`, 'notary_protect plant/# signed']
  const device = new Signer(numberedKey(71))
  const first = await spawnBroker(t, { location, lines })
  const admin = await TestAdmin.connect(t, first.port)
  await admin.request('keys.enroll', { key: p256ToJwk(device.key), name: 'press' })
  const before = device.sign('plant/1', 'before the copy')
  assert.equal(await admin.client.publish('plant/1', before), 0)
  assert.equal(await first.stop(), 0)
  const copy = copyOfData(t, location)
  const second = await spawnBroker(t, { location, lines })
  const lost = device.sign('plant/1', 'after the copy')
  assert.equal(await (await TestClient.connect(t, second.port)).publish('plant/1', lost), 0)
  assert.equal(await second.stop(), 0)
  putBack(copy, location)

  await assert.rejects(spawnBroker(t, { location, lines }), /ERR_CHAIN_ROLLED_BACK/)
  const recover = ['audit', 'recover', '--db', location, '--json']
  const explained = await runCli(t, recover)
  assert.equal(explained.code, 1, explained.stderr)
  assert.equal(JSON.parse(explained.stdout).verdict, 'rolled-back')
  const opened = await runCli(t, [...recover, '--open-new-log', '--origin', 'plant.example/second'])
  assert.equal(opened.code, 0, opened.stderr)
  const { oldDirectory, keys } = JSON.parse(opened.stdout)
  assert.equal(keys, 1)

  const third = await spawnBroker(t, { location, lines })
  const again = await TestAdmin.connect(t, third.port)
  assert.equal((await again.request('audit.status', {})).origin, 'plant.example/second')
  for (const replayed of [before, lost]) assert.equal(await again.client.publish('plant/1', replayed), 0x87)
  assert.equal(await again.client.publish('plant/1', device.sign('plant/1', 'goes on')), 0)
  await again.verifies(1)
  assert.equal(await third.stop(), 0)
  assert.match(readFileSync(join(location, 'keys', 'log.vkey'), 'utf8'), /^plant\.example\/second\+/)
  for (const directory of [location, oldDirectory]) {
    const { code, stdout } = await runHere('audit', 'verify', '--db', directory, '--json')
    assert.equal(code, 0, stdout)
  }
  assert.equal((await runCli(t, recover)).code, 0)
})
