import { execFileSync } from 'node:child_process'
import type { TestContext } from 'node:test'

/** Debian's Python, which has the packages; tests call what this names. */
export const python = process.env.PYTHON ?? '/usr/bin/python3'

/**
 * Whether a system tool is there. Missing ones skip the test with a printed reason, but fail it in CI, so that a CI
 * that forgot to install something cannot be green.
 */
export function hasTool(t: TestContext, command: string, args: readonly string[], needs: string): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch (error) {
    // A tool that runs and exits with another code than 0 is there all the same.
    if (typeof (error as { status?: unknown }).status === 'number' && command !== python) return true
    if (process.env.CI === 'true') throw new Error(`${needs} is not installed, and CI runs every test`)
    t.skip(`${needs} is not installed`)
    return false
  }
}

/** mosquitto_pub, mosquitto_sub, mosquitto_rr. */
export const hasMosquittoClients = (t: TestContext) => hasTool(t, 'mosquitto_pub', ['--help'], 'mosquitto-clients')

/** paho-mqtt, cryptography and cbor2 for Python. */
export const hasPython = (t: TestContext) =>
  hasTool(
    t,
    python,
    ['-c', 'import paho.mqtt.client, cryptography, cbor2'],
    'Python with paho-mqtt, cryptography and cbor2',
  )
