import type { LogSettings } from '../../broker/log/log-options.ts'
import { type BrokerLogger, createLogger } from '../../broker/logger.ts'

/** A type of line, and its text. */
export type Line = readonly [Exclude<keyof BrokerLogger, 'isOn'>, string]

// Writes lines and ends at once, without closing the log: nothing of it may be lost.
const [settings = '', lines = ''] = process.argv.slice(2)
const log = createLogger(JSON.parse(settings) as LogSettings)
for (const [type, text] of JSON.parse(lines) as Line[]) log[type](text)
process.exit(0)
