import { readFileSync, statSync } from 'node:fs'
import { type BrokerOptions, defaultListeners, loopbackListeners } from '../options.ts'
import { ConfigError } from './errors.ts'
import { lexConfig } from './lexer.ts'
import { defaultLocation, resolveConfig } from './resolve.ts'
import { isPort } from './values.ts'

/**
 * Reads and checks a configuration file. Nothing is created, opened or bound.
 * @param path as given with -c; error messages repeat it
 * @param port as given with -p; it only moves local only mode, a file with a `listener` line ignores it (Mosquitto run)
 * @throws {ConfigError} any code of `configErrors`
 */
export function loadConfigFile(path: string, port?: number): BrokerOptions {
  if (port !== undefined) checkCommandLinePort(port)
  return resolveConfig(lexConfig(readText(path), path), port)
}

/**
 * What the broker does without a configuration file. Reachable from this machine only, so that it may be open:
 * anonymous clients are let in, and on TCP they are administrators.
 * @param port as given with -p: TCP on that port, no WebSocket. Without: TCP on 1883 and WebSocket on 9001
 * @throws {ConfigError} ERR_CONFIG_PORT_INVALID
 */
export function defaultOptions(port?: number): BrokerOptions {
  if (port !== undefined) checkCommandLinePort(port)
  return {
    location: defaultLocation,
    listeners: port === undefined ? defaultListeners : loopbackListeners('mqtt', port),
    allowAnonymous: true,
    anonymousAdmin: true,
  }
}

function checkCommandLinePort(port: number): void {
  if (isPort(String(port))) return
  throw new ConfigError('ERR_CONFIG_PORT_INVALID', `Invalid port specified (${port}).`)
}

/** Invalid UTF-8 becomes U+FFFD, so that the lexer can forgive it in comments and name the line elsewhere. */
function readText(path: string): string {
  try {
    if (!statSync(path).isDirectory()) return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_FILE_UNREADABLE', `Unable to open config file ${path}.`, { file: path }, cause)
  }
  throw new ConfigError('ERR_CONFIG_FILE_UNREADABLE', `Config file ${path} is a directory.`, { file: path })
}
