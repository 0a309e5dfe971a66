import { basename } from 'node:path'
import type { DirectiveName } from './directives.ts'
import { type Draft, listenerAbove } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import { errorAt, readBoolean, readString } from './values.ts'

/** What 2.1 has instead of directives, and what is said of others that sites have. */
const builtIn = { 'mosquitto_password_file.so': 'password_file', 'mosquitto_acl_file.so': 'acl_file' } as const
const notNeeded = 'mosquitto_persist_sqlite.so'
const hints: Readonly<Record<string, string>> = {
  'mosquitto_dynamic_security.so': 'write its clients into a password_file and its roles into an acl_file',
  'go-auth.so':
    'list its users in a password_file, with new passwords by "notarymq passwd", and their rights in an acl_file',
}

/** Handlers of who may come in and what they may do. */
export const securityHandlers = {
  per_listener_settings(draft, line) {
    const isPerListener = readBoolean(line)
    if (draft.securityLine !== undefined && isPerListener !== draft.perListenerSettings) {
      const reason = 'per_listener_settings must be set before any other security settings.'
      throw errorAt(line, 'ERR_CONFIG_ORDER', reason)
    }
    draft.perListenerSettings = isPerListener
  },
  allow_anonymous(draft, line) {
    securityOf(draft, line).allowAnonymous = readBoolean(line)
  },
  password_file(draft, line) {
    securityOf(draft, line).passwordFile = readString(line)
    opens(draft, line)
  },
  acl_file(draft, line) {
    securityOf(draft, line).aclFile = readString(line)
    opens(draft, line)
  },
  allow_zero_length_clientid(draft, line) {
    securityOf(draft, line).allowZeroLengthClientId = readBoolean(line)
  },
  auto_id_prefix(draft, line) {
    securityOf(draft, line).autoIdPrefix = readString(line)
  },
  plugin: readPlugin,
  global_plugin: readPlugin,
  plugin_opt_password_file(draft, line) {
    pluginOption(draft, line, 'password_file')
    securityOf(draft, line).passwordFile = readString(line)
    opens(draft, line)
  },
  plugin_opt_acl_file(draft, line) {
    pluginOption(draft, line, 'acl_file')
    securityOf(draft, line).aclFile = readString(line)
    opens(draft, line)
  },
} as const satisfies { readonly [Name in DirectiveName]?: (draft: Draft, line: ConfigLine) => void }

function securityOf(draft: Draft, line: ConfigLine): Draft['security'] {
  draft.securityLine ??= line
  return draft.perListenerSettings ? listenerAbove(draft).security : draft.security
}

/** As Mosquitto (run): a password_file of the default listener opens it, allow_anonymous alone does not. */
function opens(draft: Draft, line: ConfigLine): void {
  if (draft.perListenerSettings) listenerAbove(draft).openedBy ??= line
}

/**
 * 2.1 moved password_file and acl_file into plugins; those are built in here.
 * @throws {ConfigError} ERR_CONFIG_VALUE_UNSUPPORTED for every other plugin: what it decides nobody would decide
 */
function readPlugin(draft: Draft, line: ConfigLine): void {
  const name = basename(readString(line))
  draft.plugin = undefined
  if (name === notNeeded) {
    draft.ignored.set(line, 'writes are durable before they are acknowledged, without a plugin')
    return
  }
  if (name !== 'mosquitto_password_file.so' && name !== 'mosquitto_acl_file.so') {
    const remedy = hints[name] ?? 'use password_file and acl_file'
    const reason = `"${line.name} ${line.value}": plugins of Mosquitto cannot be loaded; ${remedy}.`
    throw errorAt(line, 'ERR_CONFIG_VALUE_UNSUPPORTED', reason)
  }
  if (draft.perListenerSettings && line.name === 'global_plugin') {
    const reason =
      '"global_plugin" with per_listener_settings is not supported; write it as "plugin" below each listener.'
    throw errorAt(line, 'ERR_CONFIG_VALUE_UNSUPPORTED', reason)
  }
  draft.plugin = builtIn[name]
}

function pluginOption(draft: Draft, line: ConfigLine, plugin: 'password_file' | 'acl_file'): void {
  if (draft.plugin === plugin) return
  const reason = `"${line.name}" is an option of mosquitto_${plugin}.so, and that is not the plugin above it.`
  throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', reason)
}
