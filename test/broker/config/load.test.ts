import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { defaultOptions, loadConfigFile } from '../../../broker/config/load.ts'
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
    assert.deepEqual(loadConfigFile(path), {
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
    const path = join(directory, 'missing.conf')
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
      loadConfigFile(path, 18831).listeners?.map(({ port }) => port),
      [18831, 18831],
    )
  })

  test('checks the port of the command line even where the file makes it void', () => {
    const path = write('listener 1883\n')
    assert.equal(configErrorOf(() => loadConfigFile(path, 0)).code, 'ERR_CONFIG_PORT_INVALID')
  })
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
