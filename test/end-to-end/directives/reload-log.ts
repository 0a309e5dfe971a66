import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DirectiveName } from '../../../broker/config/index.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { base, type ReloadCase, type Scene } from './reload-case.ts'
import { enter } from './support.ts'

/** Lines of a log file that a client's coming left, without times. */
const logged =
  (pattern: RegExp) =>
  async ({ t, port, directory }: Scene): Promise<boolean> => {
    const path = join(directory, 'log')
    const client = await TestClient.connect(t, port)
    await client.subscribe('a')
    await client.end()
    await enter(t, port)
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    writeFileSync(path, '')
    return pattern.test(text)
  }

const logFile = [base, 'log_dest file DIR/log']

/** By the lines of a log file. */
export const logCases = {
  log_type: {
    before: [...logFile, 'log_type error'],
    after: [...logFile, 'log_type subscribe'],
    look: logged(/ 2 a$/m),
    expected: [false, true],
  },
  log_timestamp: {
    before: [...logFile, 'log_timestamp false'],
    after: logFile,
    look: logged(/^\d+: New client/m),
    expected: [false, true],
  },
  log_timestamp_format: {
    before: logFile,
    after: [...logFile, 'log_timestamp_format %Y!'],
    look: logged(/^\d{4}!: New client/m),
    expected: [false, true],
  },
  log_dest: {
    before: [base, 'log_dest file DIR/elsewhere'],
    after: logFile,
    look: logged(/New client/),
    expected: [false, true],
  },
  connection_messages: {
    before: [...logFile, 'connection_messages false'],
    after: logFile,
    look: logged(/New connection.*\n.*New client/),
    expected: [false, true],
  },
} satisfies Partial<Record<DirectiveName, ReloadCase>>
