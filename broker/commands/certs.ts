import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Command, exitCode, integerOption, parseArguments, parseOptions } from '../../clients/cli/command.ts'
import type { Authority, IssuedCertificate } from '../certificates/authority.ts'
import { CertificateError } from '../certificates/errors.ts'
import { checkClientName, parseHostName } from '../certificates/names.ts'

const defaultDirectory = 'certs'
const defaultHosts = ['localhost', '127.0.0.1', '::1']
const defaultDays = 365

export const certs: Command = {
  name: 'certs',
  help: `Usage: notarymq certs [DIR] [--host NAME]... [--client NAME]... [--revoke NAME]... [--days N] [--force] [--json]

Makes a certificate authority, a server certificate and client certificates (ECDSA P-256) in DIR, by default
./${defaultDirectory}. An authority that is there already is used again, so that clients can be added later. For a plant
use an authority of your own.

      --host NAME               DNS name or address by which clients reach the broker; repeatable
                                (default: localhost, 127.0.0.1 and ::1)
      --client NAME             a client; NAME is the common name of its certificate; repeatable
      --revoke NAME             enter the certificate of a client into ca.crl, for 'crlfile'; repeatable
      --days N                  how long certificates and list last (default: ${defaultDays})
      --force                   issue certificates anew that are there; their keys stay, as devices may know them
      --json                    machine-readable output

Files: ca.crt ca.key ca.crl server.crt server.key NAME.crt NAME.key; keys have mode 0600 and are never overwritten.
Prints the lines for mosquitto.conf and a command to try.`,
  run: async (args, output) => {
    const { values, positionals } = parseArguments(args, {
      host: { type: 'string', multiple: true },
      client: { type: 'string', multiple: true },
      revoke: { type: 'string', multiple: true },
      days: { type: 'string' },
      force: { type: 'boolean' },
      json: { type: 'boolean' },
    })
    const [given = defaultDirectory, ...others] = positionals
    parseOptions(others, {})
    const days = integerOption('--days', values.days, 1, mostDays) ?? defaultDays
    const { host = [], client = [], revoke = [], force = false } = values
    // Whatever is wrong with the command line is found before the first file is written.
    const hosts = (host.length === 0 ? defaultHosts : host).map(parseHostName)
    for (const name of [...client, ...revoke]) checkClientName(name)

    const directory = resolve(given)
    // Adding a client, or revoking one, leaves the server alone.
    const isServerWanted =
      host.length > 0 || !existsSync(join(directory, 'server.crt')) || (force && client.length === 0)
    const wanted = [...(isServerWanted ? ['server'] : []), ...client]
    const present = force ? undefined : wanted.find((name) => existsSync(join(directory, `${name}.crt`)))
    if (present !== undefined) {
      const path = join(directory, `${present}.crt`)
      throw new CertificateError('ERR_CERTIFICATE_EXISTS', `${path} exists already; --force issues it anew`, { path })
    }

    // Its packages take longer to load than most commands run.
    const { Authority } = await import('../certificates/authority.ts')
    const authority = await Authority.open(directory)
    const server = isServerWanted ? await authority.issueServer(hosts, days, force) : undefined
    const clients: IssuedCertificate[] = []
    for (const name of client) clients.push(await authority.issueClient(name, days, force))
    for (const name of revoke) await authority.revokeClient(name, days)
    const made: Made = {
      directory,
      authority,
      server,
      hosts: server && hosts.map(({ value }) => value),
      clients,
      revoke,
    }
    output.out(values.json === true ? JSON.stringify(toJson(made)) : toText(made))
    return exitCode.ok
  },
}

/** OpenSSL and the devices it runs on count years with four digits; ours end well before. */
const mostDays = 36_500

interface Made {
  readonly directory: string
  readonly authority: Authority
  /** Undefined: left as it was. */
  readonly server: IssuedCertificate | undefined
  readonly hosts: readonly string[] | undefined
  readonly clients: readonly IssuedCertificate[]
  readonly revoke: readonly string[]
}

function toJson({ directory, authority, server, hosts, clients, revoke }: Made): unknown {
  const plain = ({ name, certFile, keyFile, notAfter }: IssuedCertificate) => {
    return { name, certFile, keyFile, notAfter: notAfter.toISOString() }
  }
  return {
    directory,
    authority: { certFile: authority.certFile, isNew: authority.isNew },
    ...(server === undefined ? {} : { server: { ...plain(server), hosts } }),
    clients: clients.map(plain),
    ...(revoke.length === 0 ? {} : { revoked: revoke, crlFile: authority.crlFile }),
  }
}

function toText(made: Made): string {
  const { directory, authority, server, hosts = defaultHosts, clients, revoke } = made
  const day = ({ notAfter }: IssuedCertificate) => notAfter.toISOString().slice(0, 10)
  const client = clients[0] ?? clientIn(directory, revoke)
  const hasList = existsSync(authority.crlFile)
  return [
    `authority  ${authority.certFile}${authority.isNew ? '' : ' (was there)'}`,
    ...(server === undefined ? [] : [`server     ${server.certFile}  ${hosts.join(', ')}  until ${day(server)}`]),
    ...clients.map((one) => `client     ${one.certFile}  until ${day(one)}`),
    ...revoke.map((name) => `revoked    ${name}, in ${authority.crlFile}`),
    '',
    'For mosquitto.conf:',
    '',
    'listener 8883',
    `cafile ${authority.certFile}`,
    `certfile ${join(directory, 'server.crt')}`,
    `keyfile ${join(directory, 'server.key')}`,
    ...(client === undefined
      ? ['# Who may come in: password_file FILE, or allow_anonymous true']
      : ['require_certificate true', 'use_identity_as_username true']),
    ...(hasList ? [`crlfile ${authority.crlFile}`] : []),
    '',
    'To try it:',
    '',
    [
      `mosquitto_pub -h ${quote(hosts[0] ?? 'localhost')} -p 8883 --cafile ${quote(authority.certFile)}`,
      ...(client === undefined ? [] : [`--cert ${quote(client.certFile)} --key ${quote(client.keyFile)}`]),
      '-t test -m hello',
    ].join(' '),
  ].join('\n')
}

/** A client that was made before; one to try with must not have been revoked just now. */
function clientIn(
  directory: string,
  revoked: readonly string[],
): Pick<IssuedCertificate, 'certFile' | 'keyFile'> | undefined {
  const names = readdirSync(directory)
    .filter((file) => file.endsWith('.crt') && existsSync(join(directory, file.replace(/crt$/, 'key'))))
    .map((file) => file.slice(0, -'.crt'.length))
    .filter((name) => name !== 'ca' && name !== 'server')
  const name = names.find((one) => !revoked.includes(one)) ?? names[0]
  if (name === undefined) return undefined
  return { certFile: join(directory, `${name}.crt`), keyFile: join(directory, `${name}.key`) }
}

/** For a shell. */
function quote(word: string): string {
  return /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
