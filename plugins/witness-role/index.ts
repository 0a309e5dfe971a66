/** Cosigns the checkpoints of other logs (C2SP tlog-witness). Knows nothing of HTTP or MQTT. */
export { cosignPublished, type FollowedLog } from './follow-log.ts'
export { Witness, type WitnessAnswer, type WitnessEvent, type WitnessOptions } from './witness.ts'
export { openWitnessIdentity, type WitnessIdentity } from './witness-key.ts'
export { WitnessState } from './witness-state.ts'
