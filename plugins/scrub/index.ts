export type { DamageAlarm } from './damage-notes.ts'
export { Scrubber, type ScrubberOptions, type ScrubCounters, type ScrubPass, type ScrubStatus } from './scrubber.ts'
