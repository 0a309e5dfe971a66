/** One numbered normative statement of a standard. */
export interface Statement {
  /** Section and number, as in `[MQTT-5.0 3.3.1-5]`. */
  readonly id: string
  /**
   * Who can break it. A rule about the form of a packet that a client sends is `both`: the client keeps it, and the
   * server has to notice when it is broken ([MQTT-3.1.1 4.8.0-1], [MQTT-5.0 4.13.1-1]).
   */
  readonly binds: 'server' | 'client' | 'both'
  /** In our own words; the standard's text is what counts. */
  readonly summary: string
}

export type StatementRow = readonly [id: string, binds: Statement['binds'], summary: string]

export function toStatements(rows: readonly StatementRow[]): readonly Statement[] {
  return rows.map(([id, binds, summary]) => ({ id, binds, summary }))
}

/** The two standards as tests cite them. */
export const standards = ['3.1.1', '5.0'] as const
export type Standard = (typeof standards)[number]
