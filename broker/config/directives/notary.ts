import type { HonouredDirective } from '../directive.ts'

/** Of NotaryMQ alone. */
export const notaryDirectives = {
  notary_protect: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'accumulates',
    syntax: 'FILTER signed | tls ...',
    default: 'none',
    summary:
      'what must hold for such a topic: publishes signed by an enrolled key; publishers and subscribers over TLS',
  },
  notary_keys: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'once',
    syntax: 'DIRECTORY',
    default: 'none',
    summary: 'public keys (PEM) enrolled at start; the name of the file is the name of the key',
  },
  notary_admin: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'accumulates',
    syntax: 'USERNAME | anonymous',
    default: 'none',
    summary: 'who is administrator; `anonymous`: anonymous clients of a loopback TCP listener',
  },
  notary_origin: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'once',
    syntax: 'NAME',
    default: 'notarymq/ and 16 hex digits',
    summary: 'name of the log',
  },
  notary_connect_timeout: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'last',
    syntax: 'SECONDS',
    default: '30',
    summary: 'longest time from accept to a complete CONNECT',
  },
  notary_max_connections_per_address: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'last',
    syntax: 'COUNT',
    default: '0',
    summary: 'connections open at once from one IPv4 address or IPv6 /64; 0 is unlimited',
  },
  notary_min_free: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'last',
    syntax: 'BYTES[k | M | G]',
    default: '256M',
    summary: 'refuses publishes while less is free on the disk',
  },
  notary_response_information: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'once',
    syntax: 'PREFIX',
    default: 'none',
    summary: 'Response Information for MQTT 5 clients is this and their client id',
  },
  notary_http: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'accumulates',
    syntax: 'PORT [ADDRESS]',
    default: 'none',
    summary: 'serves /metrics, /healthz and /readyz',
  },
} as const satisfies Readonly<Record<string, HonouredDirective>>
