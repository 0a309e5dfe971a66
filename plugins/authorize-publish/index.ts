export { reserveWill } from './admission.ts'
export { Lane } from './lane.ts'
export { createNotary, type Notary, type NotaryOptions } from './notary.ts'
export { noTopicPolicy, PublishPolicy, type TopicPolicy } from './policy.ts'
export { policyDigestInput } from './policy-digest.ts'
export { isFreshSeconds, isNamePattern, mistakeInRules, type ProtectRule } from './policy-rule.ts'
export {
  type IncomingPublish,
  isRefused,
  type MacSession,
  type MacSessionLookup,
  type Publisher,
  provenUsername,
  type VerifiedPublish,
} from './publish.ts'
export type { FlowVerdict, Outlet, Settlement } from './publish-flow.ts'
export { PublishGate, type PublishGateOptions, refusalOf } from './publish-gate.ts'
export { PublishCounters, type Refusal } from './refusals.ts'
export { isReservedProperty, reservedPropertyPrefix, withoutReserved } from './reserved-properties.ts'
export { RulesInForce } from './rules-in-force.ts'
export { defaultClockSkewMs, type SignatureToVerify, type VerifySignature } from './verifier.ts'
