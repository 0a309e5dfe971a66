import { faultOfRestrictions, type KeyRestrictions, withoutUndefined } from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'

const members = new Set(['clients', 'users', 'topics', 'clock', 'window', 'gateway'])

/** Reads the restrictions of a key from JSON that came from outside. @throws {PluginError} ERR_KEY_RESTRICTIONS */
export function parseRestrictions(value: unknown): KeyRestrictions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('not an object')
  for (const name of Object.keys(value)) if (!members.has(name)) throw invalid(`unknown member ${name.slice(0, 64)}`)
  const { clients, users, topics, clock, window, gateway } = value as Record<string, unknown>
  if (clock !== undefined && clock !== 'none') throw invalid('clock: none')
  if (window !== undefined && typeof window !== 'number') throw invalid('window: a number')
  if (gateway !== undefined && gateway !== true) throw invalid('gateway: true')
  const restrictions: KeyRestrictions = withoutUndefined({
    clients: texts('clients', clients),
    users: texts('users', users),
    topics: texts('topics', topics),
    clock,
    window,
    gateway,
  })
  const fault = faultOfRestrictions(restrictions)
  if (fault !== undefined) throw invalid(fault)
  return restrictions
}

function texts(name: string, value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined
  const isList = Array.isArray(value) && value.every((entry): entry is string => typeof entry === 'string')
  if (!isList) throw invalid(`${name}: a list of text`)
  return value
}

function invalid(what: string): PluginError {
  return new PluginError('ERR_KEY_RESTRICTIONS', `restrictions: ${what}`)
}
