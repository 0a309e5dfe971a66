import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { missingFiles } from '../../../broker/config/check-files.ts'
import { formatConfigError } from '../../../broker/config/errors.ts'
import { lexConfig } from '../../../broker/config/lexer.ts'
import { defaultOptions, loadConfigFile, readConfigFile } from '../../../broker/config/load.ts'
import { configErrorOf } from './support.ts'

const directory = mkdtempSync(join(tmpdir(), 'notarymq-config-'))
after(() => rmSync(directory, { recursive: true }))

const write = (content: string | Buffer): string => {
  const path = join(directory, 'notary.conf')
  writeFileSync(path, content)
  return path
}

describe('loadConfigFile', () => {
  test('reads a file with CRLF line ends', () => {
    const path = write(
      '# plant 7\r\nlistener 1883 127.0.0.1\r\n\r\nallow_anonymous true\r\npersistence_location /data\r\n',
    )
    assert.deepEqual(loadConfigFile(path).options, {
      location: '/data',
      listeners: [{ protocol: 'mqtt', port: 1883, host: '127.0.0.1' }],
      allowAnonymous: true,
      persistence: true,
      protect: [],
      anonymousAdmin: false,
    })
  })

  test('names the file as it was given, and the line', () => {
    const path = write('listener 1883\n\nLISTENER 1884\n')
    const error = configErrorOf(() => loadConfigFile(path))
    assert.deepEqual([error.code, error.file, error.line], ['ERR_CONFIG_DIRECTIVE_UNKNOWN', path, 3])
  })

  test('accepts Latin-1 in a comment and refuses it in a value', () => {
    assert.ok(loadConfigFile(write(Buffer.from('# Prüfstand\nlistener 1883\n', 'latin1'))))
    const path = write(Buffer.from('listener 1883\npersistence_location /Prüfstand\n', 'latin1'))
    const error = configErrorOf(() => loadConfigFile(path))
    assert.deepEqual([error.code, error.line], ['ERR_CONFIG_TEXT_MALFORMED', 2])
  })

  test('refuses a byte order mark as part of the first word, as Mosquitto does', () => {
    const path = write('\uFEFFlistener 1883\n')
    const error = configErrorOf(() => loadConfigFile(path))
    assert.deepEqual([error.code, error.line], ['ERR_CONFIG_DIRECTIVE_UNKNOWN', 1])
  })

  test('refuses a file that does not exist', () => {
    const path = join(directory, 'nowhere.conf')
    const error = configErrorOf(() => loadConfigFile(path))
    assert.deepEqual([error.code, error.file, error.line], ['ERR_CONFIG_FILE_UNREADABLE', path, undefined])
    assert.equal(error.reason, `Unable to open config file ${path}.`)
    assert.ok(error.cause instanceof Error)
  })

  test('refuses a directory', () => {
    const error = configErrorOf(() => loadConfigFile(directory))
    assert.deepEqual(
      [error.code, error.reason],
      ['ERR_CONFIG_FILE_UNREADABLE', `Config file ${directory} is a directory.`],
    )
  })

  test('moves local only mode to the port of the command line', () => {
    const path = write('persistence true\n')
    assert.deepEqual(
      loadConfigFile(path, 18831).options.listeners?.map(({ port }) => port),
      [18831, 18831],
    )
  })

  test('checks the port of the command line even where the file makes it void', () => {
    const path = write('listener 1883\n')
    assert.equal(configErrorOf(() => loadConfigFile(path, 0)).code, 'ERR_CONFIG_PORT_INVALID')
  })
})

describe('include_dir', () => {
  /** A directory of files beside a main file that includes it. */
  const include = (files: Readonly<Record<string, string>>, main = (path: string) => `include_dir ${path}\n`) => {
    const path = mkdtempSync(join(directory, 'include-'))
    for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
    return { path, main: write(main(path)) }
  }
  const portsOf = (path: string) => loadConfigFile(path).options.listeners?.map(({ port }) => port)

  test('reads what ends in .conf, capitals first, in its place', () => {
    const files = { 'b.conf': 'listener 3', 'B.conf': 'listener 2', 'a.conf': 'max_connections 5\nlistener 4' }
    const { main } = include(
      { ...files, '.conf': 'foo', 'c.conf~': 'foo', 'd.CONF': 'foo', 'e.txt': 'foo' },
      (path) => `listener 1\ninclude_dir ${path}\nlistener 5`,
    )
    assert.deepEqual(portsOf(main), [1, 2, 4, 3, 5])
    assert.equal(loadConfigFile(main).options.listeners?.[1]?.maxConnections, 5)
  })

  test('names the included file, its line, and the line that includes it', () => {
    const { path, main } = include({ 'a.conf': '# c\nlistener 1883\nfoo' })
    const error = configErrorOf(() => loadConfigFile(main))
    const file = join(path, 'a.conf')
    assert.deepEqual([error.code, error.file, error.line], ['ERR_CONFIG_DIRECTIVE_UNKNOWN', file, 3])
    assert.ok(formatConfigError(error).endsWith(`\nError found at ${file}:3.\nError found at ${main}:1.`))
  })

  test('has no effect in a file that was included, as in Mosquitto, which is said', () => {
    const { path, main } = include({ 'a.conf': 'include_dir /nowhere' })
    const { warnings, isLocalOnly } = loadConfigFile(main)
    assert.ok(warnings[0]?.startsWith(`Warning: ${join(path, 'a.conf')}:1: "include_dir" has no effect here: `))
    assert.deepEqual([warnings.length, isLocalOnly], [1, true])
  })

  test('refuses a directory that is not there, and a file in it that is none', () => {
    const { path, main } = include({})
    const missing = join(directory, 'missing.conf')
    writeFileSync(missing, `listener 1883\ninclude_dir ${join(directory, 'missing')}`)
    mkdirSync(join(path, 'a.conf'))
    for (const [file, line] of [
      [missing, 2],
      [main, 1],
    ] as const) {
      const error = configErrorOf(() => loadConfigFile(file))
      assert.deepEqual(
        [error.code, error.file, error.line, error.exitCode],
        ['ERR_CONFIG_INCLUDE_UNREADABLE', file, line, 3],
      )
    }
  })
})

describe('missingFiles', () => {
  test('finds files that cannot be opened, with the exit codes of Mosquitto', () => {
    const there = write('x')
    const nowhere = join(directory, 'nowhere')
    const lines = lexConfig(
      `password_file ${nowhere}\nacl_file ${there}\ncertfile ${nowhere}\ncapath ${there}\nkeyfile ${directory}\nnotary_keys ${directory}\ncafile`,
      't.conf',
    )
    assert.deepEqual(
      missingFiles(lines).map(({ code, line, exitCode }) => [code, line, exitCode]),
      [
        ['ERR_CONFIG_SECURITY_FILE_UNREADABLE', 1, 13],
        ['ERR_CONFIG_NAMED_FILE_UNREADABLE', 3, 1],
        ['ERR_CONFIG_NAMED_FILE_UNREADABLE', 4, 1],
        ['ERR_CONFIG_NAMED_FILE_UNREADABLE', 5, 1],
      ],
    )
  })
})

test('a line that is no text is one mistake among others', () => {
  const { mistakes, options } = readConfigFile(write('listener 1883\nfoo\nlistener \u0001\n'))
  assert.deepEqual(
    [options, mistakes.map(({ code, line }) => [code, line])],
    [
      undefined,
      [
        ['ERR_CONFIG_TEXT_MALFORMED', 3],
        ['ERR_CONFIG_DIRECTIVE_UNKNOWN', 2],
      ],
    ],
  )
})

describe('defaultOptions', () => {
  test('is TCP and WebSocket on both loopbacks, open, with anonymous administrators', () => {
    assert.deepEqual(defaultOptions(), {
      location: './notarymq-data',
      listeners: [
        { protocol: 'mqtt', port: 1883, host: '127.0.0.1' },
        { protocol: 'mqtt', port: 1883, host: '::1', ifAvailable: true },
        { protocol: 'websockets', port: 9001, host: '127.0.0.1', allowedOrigins: 'localhost' },
        { protocol: 'websockets', port: 9001, host: '::1', allowedOrigins: 'localhost', ifAvailable: true },
      ],
      allowAnonymous: true,
      anonymousAdmin: true,
    })
  })

  test('is TCP only on a port of the command line', () => {
    const options = defaultOptions(18831)
    assert.deepEqual(options.listeners, [
      { protocol: 'mqtt', port: 18831, host: '127.0.0.1' },
      { protocol: 'mqtt', port: 18831, host: '::1', ifAvailable: true },
    ])
    assert.equal(options.anonymousAdmin, true)
  })

  for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
    test(`refuses port ${port}, which has no place in a file`, () => {
      const error = configErrorOf(() => defaultOptions(port))
      assert.deepEqual([error.code, error.file, error.line], ['ERR_CONFIG_PORT_INVALID', undefined, undefined])
      assert.equal(error.reason, `Invalid port specified (${port}).`)
    })
  }
})
