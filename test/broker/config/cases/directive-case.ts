import type { ConfigErrorCode } from '../../../../broker/config/errors.ts'
import type { BrokerOptions, ListenerOptions } from '../../../../broker/options.ts'

/** What values of a directive do, and which are refused. */
export interface DirectiveCase {
  /** Lines above the one under test; the file has as many before line numbers are compared. */
  readonly before?: string
  /** Value, and what it does to the options. */
  readonly accepted: readonly (readonly [string, Partial<BrokerOptions>])[]
  readonly refused: readonly (readonly [string, ConfigErrorCode])[]
}

/** One for every directive of a group. */
export type DirectiveCases<Directives> = Readonly<Record<keyof Directives, DirectiveCase>>

export const tcp = (port: number, host?: string) =>
  ({ protocol: 'mqtt', port, ...(host === undefined ? {} : { host }) }) as const

export const on = (changes: Partial<ListenerOptions>) => ({ listeners: [{ ...tcp(1883), ...changes }] })

export const booleanRefusals = [
  ...(['yes', 'no', 'on', 'TRUE', 'True', '2', '-1', 'true false'] as const).map(
    (value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const,
  ),
  ['', 'ERR_CONFIG_VALUE_MISSING'] as const,
]

export const countRefusals = [
  ...(['-1', '+1', 'x', '10x', '1.5', '1e3', '0x10', '1 2'] as const).map(
    (value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const,
  ),
  ['', 'ERR_CONFIG_VALUE_MISSING'] as const,
]

export const fileRefusals = [
  ['', 'ERR_CONFIG_VALUE_MISSING'],
  ['a\tb', 'ERR_CONFIG_TEXT_MALFORMED'],
] as const

export const limitRefusals = countRefusals.map(([value, code]) => [value === '-1' ? '-2' : value, code] as const)

export const qosRefusals = [
  ['', 'ERR_CONFIG_VALUE_MISSING'],
  ['3', 'ERR_CONFIG_VALUE_INVALID'],
  ['-1', 'ERR_CONFIG_VALUE_INVALID'],
] as const
