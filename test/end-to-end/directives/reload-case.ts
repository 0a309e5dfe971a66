import type { TestContext } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { enter } from './support.ts'

/** A broker in this process whose configuration is rewritten. */
export interface Scene {
  readonly t: TestContext
  readonly port: number
  /** Of the test: files that lines name. */
  readonly directory: string
}

/** What a line does before and after a reload that changes it, as seen by the same look from outside. */
export interface ReloadCase {
  /** Below the listener. */
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** Makes the files that the lines name. */
  readonly prepare?: (scene: Scene) => void | Promise<void>
  readonly look: (scene: Scene) => Promise<unknown>
  /** {@link unseen}: not looked at. */
  readonly expected: readonly [before: unknown, after: unknown]
  /** What is to be there, and under which lines it comes about. */
  readonly earlier?: { readonly lines: readonly string[]; readonly act: (scene: Scene) => Promise<void> }
}

/** What would only be seen by waiting. */
export const unseen = Symbol('unseen')

export const base = 'allow_anonymous true'

export const change = (
  before: string,
  after: string,
  look: ReloadCase['look'],
  expected: ReloadCase['expected'],
): ReloadCase => ({ before: [base, before], after: [base, after], look, expected })

type ConnackProperty = NonNullable<NonNullable<TestClient['connack']>['properties']>

/** A property of the CONNACK that a MQTT 5 client gets. */
export const told =
  (name: keyof ConnackProperty, options: IClientOptions = {}) =>
  async ({ t, port }: Scene) =>
    (await TestClient.connect(t, port, options)).connack?.properties?.[name]

export const comesIn =
  (options: IClientOptions = {}) =>
  ({ t, port }: Scene) =>
    enter(t, port, options)

/** Code of the answer to a publish. */
export const publishes =
  (topic: string, payload = 'x', options: IClientOptions = {}) =>
  async ({ t, port }: Scene) =>
    (await TestClient.connect(t, port, options)).publish(topic, payload)
