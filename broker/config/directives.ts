import type { Directive, HonouredDirective } from './directive.ts'
import { bridgeDirectives } from './directives/bridge.ts'
import { brokerDirectives } from './directives/broker.ts'
import { ignoredDirectives } from './directives/ignored.ts'
import { listenerDirectives } from './directives/listener.ts'
import { logDirectives } from './directives/logging.ts'
import { notaryDirectives } from './directives/notary.ts'
import { refusedDirectives } from './directives/refused.ts'
import { securityDirectives } from './directives/security.ts'

export type { Directive, Reload, Repetition, Scope, Verdict } from './directive.ts'

/** Every directive that has an effect. `handlers.ts` has one handler for each; the compiler checks that. */
export const handledDirectives = {
  ...listenerDirectives,
  ...securityDirectives,
  ...brokerDirectives,
  ...logDirectives,
  ...bridgeDirectives,
  ...notaryDirectives,
} as const

export type DirectiveName = keyof typeof handledDirectives

/** Every directive of Mosquitto 2.0 and 2.1 and of NotaryMQ. Words that Mosquitto itself removed are unknown. */
export const directives: Readonly<Record<string, Directive>> = {
  ...handledDirectives,
  ...ignoredDirectives,
  ...refusedDirectives,
}

/** Families of Mosquitto directives whose names end in a word of the operator's choice. All others of theirs are refused. */
export const refusedFamilies: Readonly<Record<string, string>> = {
  plugin_opt_: 'it is an option of a plugin, and plugins of Mosquitto cannot be loaded; use password_file and acl_file',
  auth_opt_: 'it is an option of a plugin, and plugins of Mosquitto cannot be loaded; use password_file and acl_file',
}

/** Directives that NotaryMQ plans and this version refuses. */
export const plannedNotaryDirectives: readonly string[] = []

const notYet = 'it is not supported by this version of NotaryMQ; remove it or wait'

/** How a name is to be treated; `unknown` names are refused as misspellings. Names are case-sensitive. */
export type Classified =
  | { readonly kind: 'honoured'; readonly name: DirectiveName; readonly directive: HonouredDirective }
  | { readonly kind: 'ignored'; readonly directive: Extract<Directive, { verdict: 'ignored' }> }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown' }

export function classifyDirective(name: string): Classified {
  if (isHandled(name)) {
    const directive: HonouredDirective = handledDirectives[name]
    return directive.isUnsupported === true
      ? { kind: 'refused', reason: notYet }
      : { kind: 'honoured', name, directive }
  }
  const directive = Object.hasOwn(directives, name) ? directives[name] : undefined
  if (directive?.verdict === 'ignored') return { kind: 'ignored', directive }
  if (directive?.verdict === 'refused') return { kind: 'refused', reason: directive.reason }
  if (plannedNotaryDirectives.includes(name)) return { kind: 'refused', reason: notYet }
  const family = Object.keys(refusedFamilies).find((prefix) => name.startsWith(prefix))
  return family === undefined ? { kind: 'unknown' } : { kind: 'refused', reason: `${refusedFamilies[family]}` }
}

function isHandled(name: string): name is DirectiveName {
  return Object.hasOwn(handledDirectives, name)
}

/** Those that this version honours, by name. */
export const honouredDirectives: Readonly<Record<string, HonouredDirective>> = Object.fromEntries(
  Object.entries(handledDirectives).filter(([name]) => classifyDirective(name).kind === 'honoured'),
)
