import { classifyDirective } from './directives.ts'
import type { ConfigLine } from './lexer.ts'

/**
 * What differs between the configuration that a broker was started with and the one it is to reload, and takes a restart.
 * @returns names of directives, each once, in the order of the table of directives they were found in
 */
export function changesForRestart(started: readonly ConfigLine[], now: readonly ConfigLine[]): readonly string[] {
  const [before, after] = [restartValues(started), restartValues(now)]
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].filter((name) => before.get(name) !== after.get(name))
}

/** Directives that open or close a listener's TLS: another file is read again, the first one and none take a restart. */
const switchesTls: ReadonlySet<string> = new Set(['certfile'])

/** By name: what the lines say that a reload leaves as it is, each with the place of its listener or connection. */
function restartValues(lines: readonly ConfigLine[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  let section = 0
  for (const { name, value } of lines) {
    if (name === 'listener' || name === 'connection') section++
    const found = classifyDirective(name)
    if (found.kind !== 'honoured') continue
    const isSwitch = switchesTls.has(name)
    if (found.directive.reload !== 'restart' && !isSwitch) continue
    const place = found.directive.scope === 'broker' ? '' : section
    values.set(name, `${values.get(name) ?? ''}${place} ${isSwitch ? '' : value}\n`)
  }
  return values
}
