import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { restoreChain } from '../../plugins/audit-chain/replay.ts'
import {
  KeyRegistry,
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  parsePublicKeyPem,
  verifyStore,
} from '../../plugins/index.ts'
import type { P256PublicKey } from '../../protocol/index.ts'
import { startBroker } from '../helpers/broker.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { numberedKey } from '../helpers/keys.ts'
import { publishPacket } from '../helpers/mqtt-bytes.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'
import { Signer } from '../helpers/signing.ts'
import { BlockTable } from '../helpers/tampering.ts'

interface SmallChain {
  readonly blocks: BlockTable
  readonly store: LevelAuditStore
  readonly brokerKey: P256PublicKey
  readonly head: Uint8Array
}

/** A chain of one record of each kind, its store open in this process. */
async function smallChain(t: TestContext): Promise<SmallChain> {
  const { broker, port, location } = await startBroker(t)
  const device = new Signer(numberedKey(31))
  await broker.chain.enroll(device.key, 'device')
  const client = await RawMqtt.connect(t, port, { clientId: 'publisher' })
  const payloads = [device.sign('t', 'signed'), Buffer.from('plain'), Buffer.alloc(0)]
  client.write(...payloads.map((payload, i) => publishPacket({ topic: 't', payload, qos: 1, packetId: i + 1 })))
  for (const _ of payloads) await client.next('puback')
  await broker.chain.revoke(device.key.thumbprint)
  await broker.close()
  const database = await openStoreDatabase(location, false)
  atEnd(t, () => database.close())
  return {
    blocks: await BlockTable.of(database),
    store: new LevelAuditStore(database),
    brokerKey: parsePublicKeyPem(readFileSync(join(location, 'keys', 'broker.pub.pem'), 'utf8'), nativeCrypto),
    head: readFileSync(join(location, 'head')),
  }
}

/** Copies with one bit flipped, one for each byte. The bit differs from byte to byte. */
function* alterations(bytes: Uint8Array): Generator<readonly [at: number, altered: Uint8Array]> {
  for (let at = 0; at < bytes.length; at++) {
    const altered = Uint8Array.from(bytes)
    altered[at] = (altered[at] as number) ^ (1 << (at & 7))
    yield [at, altered]
  }
}

test('with one bit of any byte of any stored block flipped, the chain does not verify', async (t) => {
  const { blocks, store, brokerKey, head } = await smallChain(t)
  assert.equal((await verifyStore({ store, brokerKey, head })).ok, true)
  for (const [height, key] of blocks.keys.entries()) {
    const honest = await blocks.get(key)
    for (const [at, altered] of alterations(honest)) {
      await blocks.put(key, altered)
      const { ok, firstBad } = await verifyStore({ store, brokerKey, head })
      assert.deepEqual([ok, firstBad?.block], [false, height], `byte ${at} of block ${height}`)
    }
    await blocks.put(key, honest)
  }
  assert.equal((await verifyStore({ store, brokerKey, head })).ok, true)
})

test('with one bit of any byte of the kept header flipped, the chain does not verify', async (t) => {
  const { store, brokerKey, head } = await smallChain(t)
  for (const [at, altered] of alterations(head)) {
    const { ok } = await verifyStore({ store, brokerKey, head: altered })
    assert.equal(ok, false, `byte ${at}`)
  }
})

test('with one bit of any byte of the state flipped, the chain is not opened', async (t) => {
  const { blocks, store, brokerKey, head } = await smallChain(t)
  const restore = () =>
    restoreChain({
      store,
      crypto: nativeCrypto,
      registry: new KeyRegistry(nativeCrypto),
      brokerKeys: [brokerKey],
      head,
    })
  const honest = await blocks.state()
  for (const [at, altered] of alterations(honest)) {
    await blocks.putState(altered)
    await assert.rejects(restore(), { code: 'ERR_CHAIN_DAMAGED' }, `byte ${at}`)
  }
  await blocks.putState(honest)
  assert.equal((await restore()).state.height, blocks.keys.length)
})
