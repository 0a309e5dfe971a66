import { BrokerError } from './errors.ts'

/** Who may come in and what they may do: of the whole broker or, where a listener says so, of that listener. */
export interface SecurityOptions {
  /** Accept clients that give no username. Default false. */
  readonly allowAnonymous: boolean
  /** Usernames and hashed passwords, in Mosquitto's format. Default: none; a username is a claim, and its client as good as anonymous. */
  readonly passwordFile?: string
  /** Who may read and write which topics, in Mosquitto's format. Default: none; everybody may everything. */
  readonly aclFile?: string
  /** MQTT 3.1.1 and 5 clients may leave the choice of their client id to the broker. Default true. */
  readonly allowZeroLengthClientId: boolean
  /** What client ids that the broker chooses begin with. Default `auto-`. */
  readonly autoIdPrefix: string
}

export const defaultSecurity: SecurityOptions = {
  allowAnonymous: false,
  allowZeroLengthClientId: true,
  autoIdPrefix: 'auto-',
}

/** @throws {BrokerError} ERR_OPTIONS_INVALID */
export function checkSecurityOptions(options: Partial<SecurityOptions>): void {
  for (const name of ['allowAnonymous', 'allowZeroLengthClientId'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'boolean') throw invalid(`${name} is true or false`)
  }
  for (const name of ['passwordFile', 'aclFile'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && (typeof value !== 'string' || value === '')) throw invalid(`${name} is a path`)
  }
  const prefix: unknown = options.autoIdPrefix
  if (prefix !== undefined && typeof prefix !== 'string') throw invalid('autoIdPrefix is a string')
}

function invalid(what: string): BrokerError {
  return new BrokerError('ERR_OPTIONS_INVALID', `options: ${what}`)
}
