import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { NotaryClient } from '../../clients/sdk/index.ts'
import type { NotaryClientOptions } from '../../clients/sdk/options.ts'
import { TestAdmin } from './admin.ts'
import { startBroker } from './broker.ts'
import { keysDirectory, publicPem } from './key-files.ts'
import { numberedKey, type TestKey } from './keys.ts'
import { Inbox, keyringOf, sdkClient, sdkVersions, signerOf, textOf } from './sdk.ts'
import { TamperingProxy } from './tampering-proxy.ts'

/** The key of the publisher, which the broker knows. */
export const device: TestKey = numberedKey(61)
export const topic = 'plant/1'

/** What is published where: under which version, and asked for by which policy. */
export interface Site {
  readonly name: string
  readonly version: (typeof sdkVersions)[number]['protocolVersion']
  /** The policy asks for hop MACs, and the publisher makes them. */
  readonly mac: boolean
}

export const sites: readonly Site[] = sdkVersions.flatMap(({ name, protocolVersion: version }) => [
  { name: `${name}, signed`, version, mac: false },
  { name: `${name}, signed and with a hop MAC`, version, mac: true },
])

/** A publisher and a subscriber, each behind somebody on the network, and an administrator whom nobody touches. */
export class TamperingScene {
  readonly site: Site
  readonly port: number
  readonly admin: TestAdmin
  readonly publisher: NotaryClient
  /** In front of the publisher. */
  readonly up: TamperingProxy
  readonly inbox: Inbox
  /** In front of the subscriber. */
  readonly down: TamperingProxy

  private constructor(
    site: Site,
    port: number,
    parts: Pick<TamperingScene, 'admin' | 'publisher' | 'up' | 'inbox' | 'down'>,
  ) {
    this.site = site
    this.port = port
    this.admin = parts.admin
    this.publisher = parts.publisher
    this.up = parts.up
    this.inbox = parts.inbox
    this.down = parts.down
  }

  static async start(t: TestContext, site: Site, more: NotaryClientOptions = {}): Promise<TamperingScene> {
    const { broker, port } = await startBroker(t, {
      keysDirectory: keysDirectory(t, { device }),
      checkpointIntervalMs: 100,
      protect: [
        { filter: 'plant/#', signed: true, ...(site.mac ? { mac: true } : undefined) },
        { filter: 'plant/commands/#', freshSeconds: 30 },
      ],
    })
    const [up, down] = [await TamperingProxy.start(t, port), await TamperingProxy.start(t, port)]
    const common = { protocolVersion: site.version }
    const subscriber = await sdkClient(t, down.port, { ...common, keyring: keyringOf({ device }) })
    await subscriber.subscribeAsync('#', { qos: 1 })
    const publisher = await sdkClient(t, up.port, {
      ...common,
      identity: signerOf(device),
      mac: site.mac,
      pinnedBroker: publicPem(broker.chain.brokerKey),
      ...more,
    })
    const admin = await TestAdmin.connect(t, port)
    return new TamperingScene(site, port, { admin, publisher, up, inbox: new Inbox(subscriber), down })
  }

  publish(text: string, on = topic): Promise<unknown> {
    return this.publisher.publishAsync(on, text, { qos: 1 })
  }

  /** Resolves when the publisher tells of an error with this code. */
  error(code: string): Promise<void> {
    return new Promise((resolve) => {
      this.publisher.on('error', (error) => {
        if ('code' in error && error.code === code) resolve()
      })
    })
  }

  /** Asserts what the chain has of the application, in order, and what was refused since the start. */
  async assertRecorded(count: number, refused: Readonly<Record<string, number>> = {}): Promise<void> {
    const records = (await this.admin.publishes()).filter((record) => record.topic?.startsWith('plant/'))
    assert.equal(records.length, count)
    assert.deepEqual((await this.admin.request('audit.status', {})).refused, refused)
  }

  /** Asserts what the subscriber was told: texts with what was noticed about each. */
  async assertTold(...expected: readonly (readonly [text: string, noticed: string])[]): Promise<void> {
    const messages = await this.inbox.first(expected.length)
    assert.deepEqual(
      messages.map(({ payload, verified, unverified }) => {
        if (verified === undefined) return [textOf(payload), unverified]
        const { repeated, late, missing } = verified
        const noticed = [repeated ? 'repeated' : '', late ? 'late' : '', missing > 0 ? `missing ${missing}` : '']
        return [textOf(payload), noticed.filter((word) => word !== '').join(', ') || 'verified']
      }),
      expected,
    )
  }

  /** What the broker refuses is told to the publisher, whatever its version, and is not recorded. */
  async assertRefused(published: Promise<unknown>, cause: string): Promise<void> {
    const rejected = this.publisher.next('rejected')
    if (this.site.version === 5) await assert.rejects(published, { code: 'ERR_REFUSED' })
    else await published
    assert.equal((await rejected)[0].cause, cause)
    await this.assertRecorded(0, { [cause]: 1 })
  }
}
