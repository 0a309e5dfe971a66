import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { Authority } from '../../broker/certificates/authority.ts'
import { parseHostName } from '../../broker/certificates/names.ts'
import type { BrokerOptions, ListenerOptions, NotaryBroker } from '../../broker/index.ts'
import { startBroker } from './broker.ts'
import { TestClient } from './mqtt-clients.ts'
import { temporaryDirectory } from './temporary.ts'

/** A broker with what is on 1883 and 8883 elsewhere, side by side. */
export interface TwoListeners {
  readonly broker: NotaryBroker
  readonly authority: Authority
  /** Ports on 127.0.0.1. */
  readonly port: number
  readonly tlsPort: number
  readonly overPlain: (options?: IClientOptions) => Promise<TestClient>
  /** Trusts the broker's authority; a client certificate is the caller's to add. */
  readonly overTls: (options?: IClientOptions) => Promise<TestClient>
}

/**
 * @param isMutual the TLS listener takes only clients with a certificate of the authority
 * @param limits of both listeners
 */
export async function startTwoListeners(
  t: TestContext,
  options: Partial<BrokerOptions> = {},
  { isMutual = false, limits = {} }: { isMutual?: boolean; limits?: Partial<ListenerOptions> } = {},
): Promise<TwoListeners> {
  const authority = await Authority.open(temporaryDirectory(t))
  const { certFile, keyFile } = await authority.issueServer(['127.0.0.1'].map(parseHostName), 1, false)
  const common = { protocol: 'mqtt', port: 0, host: '127.0.0.1', ...limits } as const
  const tls = {
    certFile,
    keyFile,
    ...(isMutual ? { caFile: authority.certFile, requireCertificate: true } : undefined),
  }
  const { broker } = await startBroker(t, { listeners: [common, { ...common, tls }], ...options })
  const [plainPort = 0, tlsPort = 0] = broker.listeners.map(({ port }) => port)
  const ca = readFileSync(authority.certFile)
  return {
    broker,
    authority,
    port: plainPort,
    tlsPort,
    overPlain: (more = {}) => TestClient.connect(t, plainPort, more),
    overTls: (more = {}) => TestClient.connect(t, `mqtts://127.0.0.1:${tlsPort}`, { ca, ...more }),
  }
}
