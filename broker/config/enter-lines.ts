import { bridgeAbove } from './bridge-handlers.ts'
import type { HonouredDirective, IgnoredDirective } from './directive.ts'
import { classifyDirective, plannedNotaryDirectives } from './directives.ts'
import { type Draft, draftListener } from './draft.ts'
import { ConfigError } from './errors.ts'
import { handlers } from './handlers.ts'
import type { ConfigLine } from './lexer.ts'
import { errorAt, invalidValue, readBoolean, readString, readWords } from './values.ts'

/** Names seen so far, by what they belong to. */
interface Seen {
  readonly broker: Set<string>
  readonly listener: Set<string>
  readonly connection: Set<string>
}

/** Enters every line in the draft; where one is wrong, reports it and goes on with the next. */
export function enterLines(draft: Draft, lines: readonly ConfigLine[], report: (error: ConfigError) => void): void {
  const seen: Seen = { broker: new Set(), listener: new Set(), connection: new Set() }
  /** Lines of listeners above the first one. */
  const above: ConfigLine[] = []
  for (const line of lines) {
    const isAbove = draft.listeners.length === 0
    try {
      if (enterLine(draft, line, seen) && isAbove) above.push(line)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      report(error)
      // What stands below belongs to this one all the same, not to the one before.
      if (line.name === 'listener') draft.listeners.push(draftListener({ protocol: 'mqtt', port: 0 }))
    }
  }
  explainDefaultListener(draft, above)
}

/** @returns whether the line belongs to the listener above it @throws {ConfigError} */
function enterLine(draft: Draft, line: ConfigLine, seen: Seen): boolean {
  const found = classifyDirective(line.name)
  switch (found.kind) {
    case 'unknown':
      throw errorAt(line, 'ERR_CONFIG_DIRECTIVE_UNKNOWN', `Unknown configuration variable "${line.name}".`)
    case 'refused': {
      const knownTo = plannedNotaryDirectives.includes(line.name) ? 'planned for NotaryMQ' : 'known'
      const reason = `"${line.name}" is ${knownTo} but refused: ${found.reason}.`
      throw errorAt(line, 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', reason)
    }
    case 'ignored':
      checkIgnoredValue(found.directive, line)
      if (found.directive.scope === 'connection') bridgeAbove(draft, line)
      draft.ignored.set(line, found.directive.reason)
      return false
    case 'honoured': {
      const { name, directive } = found
      if (name === 'listener') seen.listener.clear()
      if (name === 'connection') seen.connection.clear()
      const scope = scopeOf(draft, directive)
      checkRepetition(draft, line, directive, seen[scope])
      handlers[name](draft, line)
      return scope === 'listener'
    }
  }
}

function scopeOf({ perListenerSettings }: Draft, { scope }: HonouredDirective): keyof Seen {
  if (scope !== 'security') return scope
  return perListenerSettings ? 'listener' : 'broker'
}

function checkRepetition(draft: Draft, line: ConfigLine, directive: HonouredDirective, seen: Set<string>): void {
  const key = directive.sameAs ?? line.name
  const isAgain = seen.has(key)
  seen.add(key)
  if (!isAgain || directive.repetition === 'accumulates') return
  if (directive.repetition === 'once') {
    throw errorAt(line, 'ERR_CONFIG_VALUE_DUPLICATE', `Duplicate ${line.name} value in configuration.`)
  }
  draft.warnings.push({ line, text: `"${line.name}" stands here again; the last one counts.` })
}

function checkIgnoredValue({ value }: IgnoredDirective, line: ConfigLine): void {
  if (value === 'boolean') readBoolean(line)
  else if (value === 'text') readString(line)
  else {
    const [word] = readWords(line, 1)
    if (!/^-?\d+$/.test(word)) throw invalidValue(line)
  }
}

/** Mosquitto 2.0.11 has a listener more than its configuration says, or lines that belong to none; say so. */
function explainDefaultListener(draft: Draft, above: readonly ConfigLine[]): void {
  const { openedBy, options } = draft.defaultListener
  if (openedBy === undefined) {
    if (draft.listeners.length === 0) return
    for (const line of above) draft.ignored.set(line, 'it stands above the listener that it should belong to')
    return
  }
  if (openedBy.name === 'port' || openedBy.name === 'bind_address') return
  const where = `port ${options.port} of ${options.host ?? 'every address'}`
  const text = `"${openedBy.name}" stands above the first listener and opens one more, on ${where}, as in Mosquitto.`
  draft.warnings.push({ line: openedBy, text })
}
