import { type BrokerOptions, defaultPorts, type ListenerOptions, loopbackListeners } from '../options.ts'
import { checkAdministrators } from './administrators.ts'
import { explainCertificateKeys } from './certificate-keys.ts'
import { type Draft, draftListener, emptyDraft, finishLog } from './draft.ts'
import { enterLines } from './enter-lines.ts'
import { ConfigError } from './errors.ts'
import { finishBridge } from './finish-bridge.ts'
import { finishListener } from './finish-listener.ts'
import type { ConfigLine } from './lexer.ts'
import { protectConflicts } from './protect-line.ts'
import { finishWitnesses } from './witness-lines.ts'

/** Data directory where nothing else is said, relative to the working directory. */
export const defaultLocation = './notarymq-data'

/** What a configuration amounts to. */
export interface Interpretation {
  /** Undefined where there are mistakes. */
  readonly options: BrokerOptions | undefined
  /** In file order; then those of several lines together. */
  readonly mistakes: readonly ConfigError[]
  /** Lines that have no effect here, and why. */
  readonly ignored: ReadonlyMap<ConfigLine, string>
  /** What else an operator should know. */
  readonly warnings: Draft['warnings']
  /** Clients of this machine alone can connect. */
  readonly isLocalOnly: boolean
  /** Lines that concern single topics. */
  readonly topicLines: TopicLines
}

export type TopicLines = Pick<Draft, 'protect' | 'provenance' | 'unwrap'>

/**
 * Turns the lines of a configuration into options. What the file does not say is left to the defaults of
 * `BrokerOptions`, except where Mosquitto's differ:
 *
 * - no listener at all: local only mode, anonymous clients allowed unless the file denies them (Mosquitto 2.0.11 then
 *   ignores `allow_anonymous false`; we do not)
 * - any listener: anonymous clients denied unless the file allows them
 *
 * @param commandLinePort port given with -p: the one of local only mode; without effect where the file has a listener,
 *   as in Mosquitto 2.0.11 (run)
 */
export function interpretConfig(lines: readonly ConfigLine[], commandLinePort?: number): Interpretation {
  const draft = emptyDraft(defaultPorts.mqtt)
  const mistakes: ConfigError[] = []
  enterLines(draft, lines, (error) => mistakes.push(error))
  /** All mistakes are found, not only the first. */
  const attempt = <T>(finish: () => T): T | undefined => {
    try {
      return finish()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      mistakes.push(error)
      return undefined
    }
  }
  const { defaultListener, perListenerSettings } = draft
  const isLocalOnly = draft.listeners.length === 0 && defaultListener.openedBy === undefined
  // Mosquitto opens it last.
  const opened = [...draft.listeners, ...(defaultListener.openedBy === undefined ? [] : [defaultListener])]
  const drafts = isLocalOnly ? localListeners(draft, commandLinePort) : opened
  const listeners = drafts.flatMap((one) => attempt(() => finishListener(one, perListenerSettings)) ?? [])
  const bridges = draft.bridges.flatMap((bridge) => attempt(() => finishBridge(bridge)) ?? [])
  attempt(() => checkAdministrators(draft, listeners))
  mistakes.push(...protectConflicts(draft))
  explainCertificateKeys(draft, listeners)
  const witnesses = attempt(() => finishWitnesses(draft))
  const { log } = finishLog(draft)
  const options: BrokerOptions = {
    location: defaultLocation,
    allowAnonymous: isLocalOnly,
    // Mosquitto's default is false. Ours is true: nothing accepted may be lost, and a queue or a retained message that
    // was acknowledged has been accepted.
    persistence: true,
    ...draft.plain,
    ...draft.security,
    listeners: listeners satisfies readonly ListenerOptions[],
    protect: [...draft.protect.keys()],
    anonymousAdmin: draft.anonymousAdmin !== undefined,
    ...(draft.admins.length === 0 ? {} : { admins: draft.admins.map(({ name }) => name) }),
    ...(draft.keyRules.size === 0 ? {} : { keyRules: [...draft.keyRules.values()] }),
    ...(draft.retention.length === 0 ? {} : { retention: draft.retention }),
    ...(draft.provenance.size === 0 ? {} : { provenance: [...draft.provenance.values()] }),
    ...(draft.unwrap.size === 0 ? {} : { unwrap: [...draft.unwrap.values()] }),
    ...witnesses,
    ...(draft.httpListeners.length === 0 ? {} : { httpListeners: draft.httpListeners }),
    ...(draft.anchors.length === 0 ? {} : { anchors: draft.anchors }),
    ...(draft.logListeners.length === 0 ? {} : { logListeners: draft.logListeners }),
    ...(bridges.length === 0 ? {} : { bridges }),
    ...(log === undefined ? {} : { log }),
  }
  const { ignored, warnings } = draft
  const { protect, provenance, unwrap } = draft
  const topicLines = { protect, provenance, unwrap }
  return { options: mistakes.length > 0 ? undefined : options, mistakes, ignored, warnings, isLocalOnly, topicLines }
}

/** @throws {ConfigError} the first mistake */
export function resolveConfig(lines: readonly ConfigLine[], commandLinePort?: number): BrokerOptions {
  const { options, mistakes } = interpretConfig(lines, commandLinePort)
  if (options === undefined) throw mistakes[0]
  return options
}

/** What lines without a listener say about listeners holds for those of local only mode. */
function localListeners(
  { defaultListener }: Draft,
  commandLinePort: number | undefined,
): readonly Draft['defaultListener'][] {
  return loopbackListeners('mqtt', commandLinePort ?? defaultPorts.mqtt).map((loopback) => ({
    ...draftListener({ ...defaultListener.options, ...loopback }),
    security: defaultListener.security,
  }))
}
