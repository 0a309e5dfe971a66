import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { atEnd } from './cleanup.ts'

/** A web server over a directory, which can be another one later; some answers can be put in between. */
export interface ServedDirectory {
  readonly url: string
  directory: string
  /** Instead of what is on the disk; undefined: no such file. */
  instead: (path: string) => Uint8Array | string | number | undefined
}

/** Serves files as any web server does, until the test ends. */
export async function serveDirectory(t: TestContext, directory: string): Promise<ServedDirectory> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').slice(1)
    const given = served.instead(path)
    const file = join(served.directory, path)
    if (typeof given === 'number') response.writeHead(given).end()
    else if (given !== undefined) response.end(given)
    else if (existsSync(file) && statSync(file).isFile()) response.end(readFileSync(file))
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const served = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    directory,
    instead: (): undefined => undefined,
  } as ServedDirectory
  return served
}
