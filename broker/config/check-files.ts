import { accessSync, constants, statSync } from 'node:fs'
import { ConfigError, type ConfigErrorCode } from './errors.ts'
import type { ConfigLine } from './lexer.ts'

interface NamedFile {
  readonly code: ConfigErrorCode
  readonly isDirectory: boolean
  readonly what: string
}

const security = (what: string): NamedFile => ({
  code: 'ERR_CONFIG_SECURITY_FILE_UNREADABLE',
  isDirectory: false,
  what,
})
const named = (what: string, isDirectory = false): NamedFile => ({
  code: 'ERR_CONFIG_NAMED_FILE_UNREADABLE',
  isDirectory,
  what,
})

/** Directives that name a file or directory which must be there before the start. */
const namedFiles: Readonly<Record<string, NamedFile>> = {
  password_file: security('pwfile'),
  acl_file: security('acl_file'),
  plugin_opt_password_file: security('pwfile'),
  plugin_opt_acl_file: security('acl_file'),
  certfile: named('server certificate'),
  keyfile: named('server key file'),
  cafile: named('CA certificates'),
  crlfile: named('certificate revocation file'),
  capath: named('directory of CA certificates', true),
  bridge_cafile: named('CA certificates'),
  bridge_certfile: named('client certificate'),
  bridge_keyfile: named('client key file'),
  notary_keys: named('directory of keys', true),
  notary_key_passphrase_file: named('passphrase file'),
}

/**
 * Whether the files that lines name exist and can be read by this process; their content is not looked at.
 * @returns ConfigError ERR_CONFIG_SECURITY_FILE_UNREADABLE (exit code 13, as Mosquitto's) and
 *   ERR_CONFIG_NAMED_FILE_UNREADABLE (1), in file order
 */
export function missingFiles(lines: readonly ConfigLine[]): readonly ConfigError[] {
  return lines.flatMap((line) => {
    const expected = Object.hasOwn(namedFiles, line.name) ? namedFiles[line.name] : undefined
    if (expected === undefined || line.value === '') return []
    const { code, isDirectory, what } = expected
    try {
      accessSync(line.value, constants.R_OK)
      if (statSync(line.value).isDirectory() === isDirectory) return []
    } catch (cause) {
      return [new ConfigError(code, `Unable to open ${what} "${line.value}".`, line, cause)]
    }
    const why = isDirectory ? 'it is no directory' : 'it is a directory'
    return [new ConfigError(code, `Unable to open ${what} "${line.value}": ${why}.`, line)]
  })
}
