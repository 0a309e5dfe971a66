import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Instance } from '../rows.ts'
import { freePort, host, maxInflightMessages, type Peer, startPeer } from './peer.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export interface NotarymqPeerOptions {
  /** Empty directory for configuration, keys and the store. */
  directory: string
  /** SPKI PEM per publisher. */
  publicKeys: string[]
  instance: Instance
}

/** A build that the sources have moved on from would be measured in their name. */
function isOlderThanSources(built: string): boolean {
  const builtAt = statSync(built).mtimeMs
  return ['broker', 'plugins', 'protocol']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(root, folder, file)),
    )
    .some((file) => file.endsWith('.ts') && statSync(file).mtimeMs > builtAt)
}

function origin(built: string): string {
  if (!existsSync(built)) return 'from source through tsx, because dist/ is absent: not a release figure'
  return isOlderThanSources(built) ? 'from dist/, WHICH IS OLDER THAN THE SOURCES (npm run build)' : 'from dist/'
}

/** NotaryMQ as built (`npm run build`); from source through tsx when there is no build, and then the report says so. */
export async function startNotarymq({ directory, publicKeys, instance }: NotarymqPeerOptions): Promise<Peer> {
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
    `max_inflight_messages ${maxInflightMessages}`,
    'max_queued_messages 0',
    'notary_protect bench/signed/# signed',
    'notary_protect bench/flooded/# signed',
    'notary_protect bench/forged/# signed mac',
    `notary_keys ${keys}`,
    ...(instance === 'unbudgeted' ? ['notary_failure_budget 0'] : []),
    // As root it would become another user, who may not look into the directory.
    `user ${userInfo().username}`,
  ]
  writeFileSync(configuration, `${lines.join('\n')}\n`)
  const built = join(root, 'dist/broker/cli.js')
  const program = existsSync(built) ? [built] : ['--import', import.meta.resolve('tsx'), join(root, 'broker/cli.ts')]
  return startPeer({
    name: 'notarymq',
    note: `NotaryMQ ${origin(built)}, max_queued_messages 0, max_inflight_messages ${maxInflightMessages}`,
    port,
    command: process.execPath,
    args: [...program, '-c', configuration],
  })
}
