import { isNamePattern } from '../plugins/authorize-publish/policy-rule.ts'
import {
  defaultClockSkewMs,
  defaultFailureBudget,
  faultOfRetentionRule,
  type Rate,
  type RetentionRule,
} from '../plugins/index.ts'
import { faultOfRestrictions, isValidTopicFilter, type KeyRestrictions } from '../protocol/index.ts'
import { BrokerError } from './errors.ts'

/** One `notary_key` line. */
export interface KeyRule {
  /** Name of the key: of its file in `keysDirectory`, or given when it was enrolled. */
  readonly name: string
  readonly restrictions: KeyRestrictions
}

/** Whom to believe what, beside the policy. */
export interface TrustOptions {
  /** What keys may do, each name once. Default: none; every enrolled key may sign everything. */
  readonly keyRules: readonly KeyRule[]
  /** What a MQTT 3.1 or 3.1.1 client gets whose publish a rule refuses: its acknowledgement, or the end. Default `drop`. */
  readonly refuseV3: 'drop' | 'disconnect'
  /** How far the signed time may lie ahead of the broker's clock, in seconds. Default 300. */
  readonly clockSkewSeconds: number
  /** Topics whose messages tell MQTT 5 subscribers who published them, in user properties. Default: none. */
  readonly provenance: readonly string[]
  /** Topics of which subscribers get the inner payload of attached envelopes. Default: none. */
  readonly unwrap: readonly string[]
  /** Tell MQTT 5 publishers the index of the record in PUBACK or PUBREC. Default false. */
  readonly ackIndex: boolean
  /** A client id that a client chose must be its proven username, or begin with it and one of `-/:_`. Default false. */
  readonly bindClientId: boolean
  /** Enrol the EC keys of client certificates as those of publishers. Default false. */
  readonly enrollCertificates: boolean
  /** Signatures and MACs that may turn out invalid on one connection; a burst of 0: any number. Default 10, 1 a second. */
  readonly failureBudget: Rate
  /** How long payloads and records are kept; several rules, each for itself. Default: none; everything is kept. */
  readonly retention: readonly RetentionRule[]
  /** Publishes taken from one connection; one that sends faster is read no faster. Default: unlimited. */
  readonly publishRate: Rate | undefined
}

/** A day: whoever means more has no clock. */
export const largestClockSkewSeconds = 86_400

/** @throws {BrokerError} ERR_OPTIONS_INVALID */
export function resolveTrustOptions(options: Partial<TrustOptions>): TrustOptions {
  const refuseV3: unknown = options.refuseV3 ?? 'drop'
  if (refuseV3 !== 'drop' && refuseV3 !== 'disconnect') throw invalid('refuseV3 is drop or disconnect')
  const clockSkewSeconds = options.clockSkewSeconds ?? defaultClockSkewMs / 1000
  if (!Number.isInteger(clockSkewSeconds) || clockSkewSeconds < 0 || clockSkewSeconds > largestClockSkewSeconds) {
    throw invalid(`clockSkewSeconds is an integer from 0 to ${largestClockSkewSeconds}`)
  }
  return {
    keyRules: checkedKeyRules(options.keyRules ?? []),
    refuseV3,
    clockSkewSeconds,
    provenance: filters('provenance', options.provenance ?? []),
    unwrap: filters('unwrap', options.unwrap ?? []),
    ackIndex: flag('ackIndex', options.ackIndex ?? false),
    bindClientId: flag('bindClientId', options.bindClientId ?? false),
    enrollCertificates: flag('enrollCertificates', options.enrollCertificates ?? false),
    failureBudget: rate('failureBudget', options.failureBudget ?? defaultFailureBudget, 0),
    retention: checkedRetention(options.retention ?? []),
    publishRate: options.publishRate && rate('publishRate', options.publishRate, 1),
  }
}

function checkedKeyRules(rules: readonly KeyRule[]): readonly KeyRule[] {
  const names = new Set<string>()
  for (const { name, restrictions } of rules) {
    const fault = isNamePattern(name) ? faultOfRestrictions(restrictions) : 'not the name of a key'
    if (fault !== undefined) throw invalid(`keyRules: ${name}: ${fault}`)
    if (names.has(name)) throw invalid(`keyRules: ${name} stands there twice`)
    names.add(name)
  }
  return rules
}

function checkedRetention(rules: readonly RetentionRule[]): readonly RetentionRule[] {
  for (const rule of rules) {
    const fault = faultOfRetentionRule(rule)
    if (fault !== undefined) throw invalid(`retention: ${fault}`)
  }
  return rules
}

/** A burst below 1 would never let anything through. */
function rate(name: string, { perSecond, burst = perSecond }: Rate, leastBurst: 0 | 1): Rate {
  if (!Number.isFinite(perSecond) || perSecond <= 0) throw invalid(`${name}: perSecond is a number above 0`)
  if (!Number.isSafeInteger(burst) || burst < leastBurst) {
    throw invalid(`${name}: burst is an integer from ${leastBurst} on`)
  }
  return { perSecond, burst }
}

function isTopicFilter(value: unknown): boolean {
  return typeof value === 'string' && isValidTopicFilter(value)
}

function filters(name: string, values: readonly string[]): readonly string[] {
  if (!Array.isArray(values) || !values.every(isTopicFilter)) throw invalid(`${name} is a list of topic filters`)
  return values
}

function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(`${name} is true or false`)
  return value
}

function invalid(what: string): BrokerError {
  return new BrokerError('ERR_OPTIONS_INVALID', `options: ${what}`)
}
