import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { BrokerError } from '../errors.ts'
import type { ListenerOptions } from './listener-options.ts'

const families = { ipv4: 4, ipv6: 6 } as const

interface Address {
  readonly address: string
  readonly family: number
}

/**
 * A listener that names its host listens on every address the name has, as in Mosquitto: localhost is 127.0.0.1 and ::1.
 * One that names a network interface listens on every address of that, or on those of its host that the interface has.
 * Where there are addresses of both families, IPv6 may be missing from this machine.
 * @returns one entry for each address, IPv4 first; the listener itself where it gives an address or none
 * @throws {BrokerError} ERR_LISTEN_FAILED: unknown name or interface, or no address of the family asked for
 */
export async function addressesOf(
  options: ListenerOptions,
  interfaces: typeof networkInterfaces = networkInterfaces,
): Promise<readonly ListenerOptions[]> {
  const { host, port, addressFamily, bindInterface } = options
  if (host === undefined && bindInterface === undefined) return [options]
  const family = addressFamily === undefined ? 0 : families[addressFamily]
  const isGiven = host !== undefined && isIP(host) !== 0
  const named =
    host === undefined ? undefined : isGiven ? [{ address: host, family: isIP(host) }] : await lookUp(host, port)
  const found = bindInterface === undefined ? (named ?? []) : onInterface(bindInterface, named, port, interfaces)
  const suitable = found.filter((one) => family === 0 || one.family === family)
  if (suitable.length === 0) throw failure(port, `${host ?? bindInterface} has no ${addressFamily} address`)
  if (isGiven) return [options]
  suitable.sort((one, other) => one.family - other.family)
  const hasIpv4 = suitable[0]?.family === 4
  return suitable.map(({ address, family }) => ({
    ...options,
    host: address,
    ...(family === 6 && hasIpv4 ? { ifAvailable: true } : undefined),
  }))
}

async function lookUp(host: string, port: number): Promise<Address[]> {
  try {
    const found = await lookup(host, { all: true })
    // A hosts file may name the same address twice.
    return [...new Map(found.map((one) => [one.address, one])).values()]
  } catch (cause) {
    throw failure(port, `the address of ${host} is not known`, cause)
  }
}

/** Mosquitto takes the name whatever its case. @param wanted undefined: all of its addresses */
function onInterface(
  name: string,
  wanted: readonly Address[] | undefined,
  port: number,
  interfaces: typeof networkInterfaces,
): Address[] {
  const all = Object.entries(interfaces())
  const addresses = all
    .filter(([one]) => one.toLowerCase() === name.toLowerCase())
    .flatMap(([one, infos = []]) =>
      infos.map(({ address, family }) => ({
        // An address of the link alone is one only together with its link.
        address: /^fe[89ab]/i.test(address) ? `${address}%${one}` : address,
        family: family === 'IPv6' ? 6 : 4,
      })),
    )
  if (addresses.length === 0) {
    throw failure(
      port,
      `there is no interface ${name} with an address; there are ${all.map(([one]) => one).join(', ')}`,
    )
  }
  if (wanted === undefined) return addresses
  const found = wanted.filter(({ address }) => addresses.some((one) => isSame(one.address, address)))
  if (found.length === 0) throw failure(port, `the interface ${name} does not have the address of the listener`)
  return found
}

/** `::1` and `0:0:0:0:0:0:0:1` are one address; a zone that is missing in one of them does not make them two. */
function isSame(one: string, other: string): boolean {
  return canonical(one) === canonical(other)
}

function canonical(address: string): string {
  const [withoutZone = ''] = address.split('%')
  return isIPv6(withoutZone) ? new URL(`http://[${withoutZone}]/`).hostname : withoutZone
}

function failure(port: number, what: string, cause?: unknown): BrokerError {
  return new BrokerError('ERR_LISTEN_FAILED', `cannot listen on port ${port}: ${what}`, { port }, cause)
}
