import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { freePort, host, maxInflightMessages, NotInstalledError, type Peer, startPeer } from './peer.ts'

function findMosquitto(): string | undefined {
  // Debian installs it where ordinary users' PATH does not reach.
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return directories.map((directory) => join(directory, 'mosquitto')).find((file) => existsSync(file))
}

/** Mosquitto without persistence and with nothing that would slow it down or make it drop messages. */
export async function startMosquitto(directory: string): Promise<Peer> {
  const program = findMosquitto()
  if (program === undefined) throw new NotInstalledError('mosquitto is not installed')
  const version = /version (\S+)/.exec(spawnSync(program, ['-h'], { encoding: 'utf8' }).stdout)?.[1]
  const port = await freePort()
  const configuration = join(directory, 'mosquitto.conf')
  const lines = [
    `listener ${port} ${host}`,
    'allow_anonymous true',
    'persistence false',
    `max_inflight_messages ${maxInflightMessages}`,
    'max_queued_messages 0',
    'set_tcp_nodelay true',
  ]
  writeFileSync(configuration, `${lines.join('\n')}\n`)
  return startPeer({
    name: 'mosquitto',
    note: `Mosquitto ${version ?? 'of unknown version'}, persistence false, set_tcp_nodelay true, max_queued_messages 0 (keeps everything), max_inflight_messages ${maxInflightMessages}`,
    port,
    command: program,
    args: ['-c', configuration],
  })
}
