import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { freePort, host, type Peer, startPeer } from './peer.ts'

function installedVersion(): string {
  const entry = fileURLToPath(import.meta.resolve('aedes'))
  const manifest: unknown = JSON.parse(readFileSync(new URL('./package.json', `file://${entry}`), 'utf8'))
  return (manifest as { version: string }).version
}

export async function startAedes(): Promise<Peer> {
  const port = await freePort()
  return startPeer({
    name: 'aedes',
    note: `Aedes ${installedVersion()}, default options, in memory, TCP_NODELAY`,
    port,
    command: process.execPath,
    args: [
      '--import',
      import.meta.resolve('tsx'),
      fileURLToPath(new URL('./plain-aedes.ts', import.meta.url)),
      `${port}`,
      host,
    ],
    ipc: true,
  })
}
