/** Somebody on the network between a client and a TLS listener: whatever he does to a record, TLS ends the connection. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { NotaryClient } from '../../clients/sdk/index.ts'
import type { NotaryClientOptions } from '../../clients/sdk/options.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { keysDirectory } from '../helpers/key-files.ts'
import { Inbox, keyringOf, sdkClient, sdkVersions, signerOf, textOf } from '../helpers/sdk.ts'
import {
  type Attack,
  drop,
  flip,
  inject,
  isApplicationData,
  reorder,
  replay,
  TamperingProxy,
  tlsRecord,
} from '../helpers/tampering-proxy.ts'
import { device, topic } from '../helpers/tampering-scene.ts'
import { startTwoListeners } from '../helpers/two-listeners.ts'

/** A record of the size of a small packet, by somebody who has no key. */
const forgedRecord = Buffer.concat([Buffer.from('1703030040', 'hex'), Buffer.alloc(64, 7)])

const attacks: Readonly<Record<string, () => Attack>> = {
  'a flipped bit': () => flip((record) => record.length - 1),
  'a dropped record': () => drop,
  'a replayed record': () => replay,
  'two records in another order': reorder,
  'a record that was put in': () => inject(forgedRecord),
}

/** A publisher and a subscriber with sessions that outlive their connections; one of them goes through the proxy, over TLS. */
async function scene(t: TestContext, protocolVersion: 4 | 5, behind: 'publisher' | 'subscriber') {
  const { authority, port, tlsPort } = await startTwoListeners(t, {
    keysDirectory: keysDirectory(t, { device }),
    protect: [{ filter: 'plant/#', signed: true }],
  })
  const proxy = await TamperingProxy.start(t, tlsPort, tlsRecord)
  const overTls = { protocol: 'mqtts' as const, ca: readFileSync(authority.certFile) }
  const connect = (clientId: string, options: NotaryClientOptions) => {
    const expiry = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}
    const session = { clientId, protocolVersion, clean: false, ...expiry, ...options }
    return clientId === behind ? sdkClient(t, proxy.port, { ...session, ...overTls }) : sdkClient(t, port, session)
  }
  const subscriber = await connect('subscriber', { keyring: keyringOf({ device }) })
  await subscriber.subscribeAsync('plant/#', { qos: 1 })
  const publisher = await connect('publisher', { identity: signerOf(device) })
  return { proxy, publisher, subscriber, inbox: new Inbox(subscriber), admin: await TestAdmin.connect(t, port) }
}

/** The errors that TLS gave as the reason for the end of a connection. */
async function tlsErrorOf(client: NotaryClient): Promise<string> {
  for (;;) {
    const [error] = await client.next('error')
    const { code } = error as { readonly code?: string }
    if (code?.startsWith('ERR_SSL_')) return code
  }
}

for (const { name, protocolVersion } of sdkVersions) {
  for (const [what, attack] of Object.entries(attacks)) {
    test(`${name}: ${what} on the way to the broker is caught by TLS: the connection ends, and each message is recorded once`, async (t) => {
      const { proxy, publisher, inbox, admin } = await scene(t, protocolVersion, 'publisher')
      const [reason, closed] = [tlsErrorOf(publisher), publisher.next('close')]
      proxy.attack('to broker', isApplicationData, attack())
      const before = proxy.seenSoFar('to broker', isApplicationData).length
      const first = publisher.publishAsync(topic, 'first', { qos: 1 })
      // In a record of its own.
      await proxy.seen('to broker', isApplicationData, before + 1)
      const second = publisher.publishAsync(topic, 'second', { qos: 1 })
      await closed
      // By the broker, which tells why in an alert.
      assert.match(await reason, /BAD_RECORD_MAC/)
      await Promise.all([first, second])
      const records = await admin.publishes()
      assert.deepEqual([records.length, new Set(records.map(({ seq }) => seq)).size], [2, 2])
      const texts = (await inbox.first(2)).map(({ payload, verified }) => [textOf(payload), verified?.subject])
      assert.deepEqual(new Set(texts.map(String)), new Set(['first,device', 'second,device']))
    })

    test(`${name}: ${what} on the way to the subscriber is caught by TLS: the connection ends, and what was lost comes again`, async (t) => {
      const { proxy, publisher, subscriber, inbox } = await scene(t, protocolVersion, 'subscriber')
      const [reason, closed] = [tlsErrorOf(subscriber), subscriber.next('close')]
      proxy.attack('to client', isApplicationData, attack())
      for (const text of ['first', 'second']) await publisher.publishAsync(topic, text, { qos: 1 })
      await closed
      assert.match(await reason, /BAD_RECORD_MAC/)
      await publisher.publishAsync(topic, 'end', { qos: 1 })
      while (!inbox.messages.some(({ payload }) => textOf(payload) === 'end'))
        await inbox.first(inbox.messages.length + 1)
      const told = inbox.messages.map(({ payload, verified }) => [textOf(payload), verified?.subject].join())
      assert.deepEqual(new Set(told), new Set(['first,device', 'second,device', 'end,device']))
    })
  }
}
