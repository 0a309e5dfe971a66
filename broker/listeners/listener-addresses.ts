import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { BrokerError } from '../errors.ts'
import type { ListenerOptions } from './listener-options.ts'

const families = { ipv4: 4, ipv6: 6 } as const

/**
 * A listener that names its host listens on every address the name has, as in Mosquitto: localhost is 127.0.0.1 and ::1.
 * Where it has both families, IPv6 may be missing from this machine.
 * @returns one entry for each address, IPv4 first; the listener itself where it gives an address or none
 * @throws {BrokerError} ERR_LISTEN_FAILED: unknown name, or no address of the family asked for
 */
export async function addressesOf(options: ListenerOptions): Promise<readonly ListenerOptions[]> {
  const { host, port, addressFamily } = options
  if (host === undefined) return [options]
  const family = addressFamily === undefined ? 0 : families[addressFamily]
  const given = isIP(host)
  const found = given === 0 ? await lookUp(host, port) : [{ address: host, family: given }]
  const suitable = found.filter((one) => family === 0 || one.family === family)
  if (suitable.length === 0) throw failure(port, `${host} has no ${addressFamily} address`)
  if (given !== 0) return [options]
  suitable.sort((one, other) => one.family - other.family)
  const hasIpv4 = suitable[0]?.family === 4
  return suitable.map(({ address, family }) => ({
    ...options,
    host: address,
    ...(family === 6 && hasIpv4 ? { ifAvailable: true } : undefined),
  }))
}

async function lookUp(host: string, port: number): Promise<{ address: string; family: number }[]> {
  try {
    const found = await lookup(host, { all: true })
    // A hosts file may name the same address twice.
    return [...new Map(found.map((one) => [one.address, one])).values()]
  } catch (cause) {
    throw failure(port, `the address of ${host} is not known`, cause)
  }
}

function failure(port: number, what: string, cause?: unknown): BrokerError {
  return new BrokerError('ERR_LISTEN_FAILED', `cannot listen on port ${port}: ${what}`, { port }, cause)
}
