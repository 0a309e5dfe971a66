import {
  type Directive,
  directives,
  honouredDirectives,
  plannedNotaryDirectives,
  refusedFamilies,
} from '../broker/config/index.ts'

const scopes: readonly (readonly [Directive['scope'], string])[] = [
  ['broker', 'Of the broker as a whole'],
  [
    'security',
    'Who may come in and what they may do: of the broker, or with `per_listener_settings true` of the listener above',
  ],
  ['listener', 'Of the listener above; above the first `listener` of the default listener'],
  ['connection', 'Of the `connection` above: bridges'],
]

const repetitions = { once: 'once', last: 'the last one counts', accumulates: 'any number' } as const

const reloads = { 'at-once': 'at once', 'new-connections': 'new connections', restart: 'no' } as const

/** docs/configuration.md: every directive, what becomes of it, its syntax, its default and what it does. */
export function configurationDocument(): string {
  const parts = [
    '# Configuration',
    'Generated from the table that the broker reads; a test compares them.',
    'The language is that of `mosquitto.conf`. One directive a line; a comment has `#` in column one; names are case-sensitive; booleans are `true`, `false`, `1` and `0`. **honoured**: does what it says. **ignored**: has no effect here, and why is logged once at start. **refused**: the broker does not start, exit code 3, and names file and line. So does every word that is not on this page: nothing starts open because of a typo. `notarymq check-config -c FILE` gives the verdict for each line of a file.',
    'Without any listener only clients of this machine can connect, anonymous ones too. With `listener`, `port` or `bind_address` anonymous clients are refused unless `allow_anonymous true`. Differences from Mosquitto: `persistence` and `set_tcp_nodelay` are on unless turned off; `certfile` without `keyfile`, and the like, is an error instead of a listener in plain text; more words than a directive takes are an error; `allow_anonymous false` holds without a listener, too.',
    'SIGHUP reads the configuration again, and all files that it names. **at once**: another value holds for clients that are connected, too. **new connections**: those that are there keep what they were told when they came, or what they came in by. **no**: it takes effect at the next start, and the log names such directives that were changed. Listeners are known by protocol, port and address. A configuration with a mistake changes nothing.',
  ]
  const entries = Object.entries(directives)
  for (const [scope, title] of scopes) {
    parts.push(`## ${title}`)
    const rows = entries
      .filter(([, directive]) => directive.scope === scope && directive.verdict === 'honoured')
      .map(([name, directive]) => {
        const verdict = name in honouredDirectives ? 'honoured' : 'refused'
        const often = directive.verdict === 'honoured' ? repetitions[directive.repetition] : ''
        const reload = directive.verdict === 'honoured' ? reloads[directive.reload] : ''
        return [`\`${name}\``, verdict, `\`${directive.syntax}\``, directive.default, often, reload, directive.summary]
      })
    parts.push(table(['directive', 'verdict', 'value', 'default', 'how often', 'SIGHUP', 'what it does'], rows))
  }
  for (const [verdict, title, why] of [
    ['ignored', 'Without effect here', 'why it may be ignored'],
    ['refused', 'Refused', 'why, and what to do'],
  ] as const) {
    parts.push(`## ${title}`)
    const rows = entries.flatMap(([name, directive]) =>
      directive.verdict === verdict
        ? [[`\`${name}\``, verdict, `\`${directive.syntax}\``, directive.summary, directive.reason]]
        : [],
    )
    parts.push(table(['directive', 'verdict', 'value', 'what it does in Mosquitto', why], rows))
  }
  const families = Object.entries(refusedFamilies).map(([prefix, reason]) => `\`${prefix}...\`: ${reason}.`)
  parts.push(`Also refused: every other ${families.join(' Every other ')}`)
  parts.push(
    `Planned, and refused by this version: ${plannedNotaryDirectives.map((name) => `\`${name}\``).join(', ')}.`,
  )
  return `${parts.join('\n\n')}\n`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
