export { FiredWills } from './fired-wills.ts'
export { type AcceptedSeq, defaultWindowSize, ReplayWindow } from './window.ts'
