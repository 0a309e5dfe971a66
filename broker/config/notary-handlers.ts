import { largestCheckpointIntervalMs, largestExportIntervalSeconds, smallestCheckpointIntervalMs } from '../options.ts'
import { largestClockSkewSeconds } from '../trust-options.ts'
import type { DirectiveName } from './directives.ts'
import type { Draft } from './draft.ts'
import { readKeyRule } from './key-line.ts'
import type { ConfigLine } from './lexer.ts'
import { readFilter } from './line-words.ts'
import { readProtectRule } from './protect-line.ts'
import { readRetentionRule } from './retention-line.ts'
import {
  errorAt,
  invalidValue,
  isCount,
  isRate,
  largestInt,
  readBoolean,
  readBytes,
  readChoice,
  readCount,
  readPortAndAddress,
  readRate,
  readString,
  readWords,
} from './values.ts'
import { readWitness, readWitnessQuorum } from './witness-lines.ts'

/** A day, in seconds. */
const largestConnectTimeout = 86_400

/** Handlers of the directives that Mosquitto does not know. */
export const notaryHandlers = {
  notary_protect(draft, line) {
    draft.protect.set(readProtectRule(line), line)
  },
  notary_provenance(draft, line) {
    draft.provenance.set(line, readFilter(line))
  },
  notary_unwrap(draft, line) {
    draft.unwrap.set(line, readFilter(line))
  },

  notary_keys(draft, line) {
    draft.plain.keysDirectory = readString(line)
  },
  notary_key_passphrase_file(draft, line) {
    draft.plain.keyPassphraseFile = readString(line)
  },
  notary_key(draft, line) {
    const rule = readKeyRule(line)
    if (draft.keyRules.has(rule.name)) {
      const reason = `Duplicate notary_key value in configuration: '${rule.name}' has a line already.`
      throw errorAt(line, 'ERR_CONFIG_VALUE_DUPLICATE', reason)
    }
    draft.keyRules.set(rule.name, rule)
  },
  notary_enroll_certificates(draft, line) {
    draft.plain.enrollCertificates = readBoolean(line)
    draft.enrollCertificatesLine = draft.plain.enrollCertificates ? line : undefined
  },
  notary_bind_client_id(draft, line) {
    draft.plain.bindClientId = readBoolean(line)
  },
  notary_clock_skew(draft, line) {
    draft.plain.clockSkewSeconds = readCount(line, largestClockSkewSeconds)
  },
  notary_refuse_v3(draft, line) {
    draft.plain.refuseV3 = readChoice(line, ['drop', 'disconnect'])
  },
  notary_ack_index(draft, line) {
    draft.plain.ackIndex = readBoolean(line)
  },

  notary_failure_budget(draft, line) {
    const [count, perSecond = '1'] = readWords(line, 2)
    if (!isCount(count) || !isRate(perSecond)) throw invalidValue(line)
    draft.plain.failureBudget = { burst: Number(count), perSecond: Number(perSecond) }
  },
  notary_publish_rate(draft, line) {
    draft.plain.publishRate = readRate(line)
  },

  notary_admin(draft, line) {
    const name = readString(line)
    if (name === 'anonymous') draft.anonymousAdmin ??= line
    else draft.admins.push({ name, line })
  },
  notary_http(draft, line) {
    draft.httpListeners.push(readPortAndAddress(line))
  },
  notary_http_log(draft, line) {
    draft.logListeners.push(readPortAndAddress(line))
  },
  notary_export(draft, line) {
    const [directory, seconds = '10'] = readWords(line, 2)
    if (!isRate(seconds) || Number(seconds) > largestExportIntervalSeconds) throw invalidValue(line)
    draft.plain.logExport = { directory, intervalSeconds: Number(seconds) }
  },
  notary_backup(draft, line) {
    draft.plain.backupDirectory = readString(line)
  },

  notary_origin(draft, line) {
    const origin = readString(line)
    // It becomes the name of a key in signed notes, where spaces and plus signs separate (C2SP signed-note).
    if (/[\s+]/u.test(origin)) throw invalidValue(line)
    draft.plain.origin = origin
  },

  notary_witness(draft, line) {
    draft.witnesses.push(readWitness(line, draft.witnesses))
  },
  notary_witness_quorum(draft, line) {
    draft.witnessQuorum = { line, count: readWitnessQuorum(line) }
  },

  notary_checkpoint_interval(draft, line) {
    const ms = readCount(line, largestCheckpointIntervalMs)
    if (ms < smallestCheckpointIntervalMs) throw invalidValue(line)
    draft.plain.checkpointIntervalMs = ms
  },
  notary_anchor(draft, line) {
    draft.anchors.push(readString(line))
  },

  notary_connect_timeout(draft, line) {
    const seconds = readCount(line, largestConnectTimeout)
    if (seconds === 0) throw invalidValue(line)
    draft.plain.connectTimeoutSeconds = seconds
  },
  notary_max_connections_per_address(draft, line) {
    draft.plain.maxConnectionsPerAddress = readCount(line, largestInt)
  },
  notary_retention(draft, line) {
    draft.retention.push(readRetentionRule(line))
  },
  notary_min_free(draft, line) {
    draft.plain.minFreeBytes = readBytes(line)
  },
  notary_scrub(draft, line) {
    draft.plain.scrubPerSecond = readCount(line, largestInt)
  },
  notary_response_information(draft, line) {
    draft.plain.responseInformation = readString(line)
  },
} as const satisfies { readonly [Name in DirectiveName]?: (draft: Draft, line: ConfigLine) => void }
