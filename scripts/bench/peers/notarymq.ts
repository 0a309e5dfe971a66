import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, host, type Peer, startPeer } from './peer.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export interface NotarymqPeerOptions {
  /** Empty directory for configuration, keys and the store. */
  directory: string
  /** SPKI PEM per publisher. */
  publicKeys: string[]
}

/** NotaryMQ as built (`npm run build`); from source through tsx when there is no build, and then the report says so. */
export async function startNotarymq({ directory, publicKeys }: NotarymqPeerOptions): Promise<Peer> {
  const keys = join(directory, 'keys')
  const data = join(directory, 'data')
  mkdirSync(keys, { recursive: true })
  mkdirSync(data)
  for (const [publisher, pem] of publicKeys.entries()) writeFileSync(join(keys, `bench-${publisher}.pem`), pem)
  const port = await freePort()
  const configuration = join(directory, 'notarymq.conf')
  const lines = [
    `listener ${port} ${host}`,
    'allow_anonymous true',
    `persistence_location ${data}`,
    'notary_protect bench/signed/# signed',
    `notary_keys ${keys}`,
  ]
  writeFileSync(configuration, `${lines.join('\n')}\n`)
  const built = join(root, 'dist/broker/cli.js')
  const fromDist = existsSync(built)
  const program = fromDist ? [built] : ['--import', import.meta.resolve('tsx'), join(root, 'broker/cli.ts')]
  return startPeer({
    name: 'notarymq',
    note: `NotaryMQ ${fromDist ? 'from dist/' : 'from source through tsx, because dist/ is absent: not a release figure'}`,
    port,
    command: process.execPath,
    args: [...program, '-c', configuration],
  })
}
