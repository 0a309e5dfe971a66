export { Sha256Lanes, type WebAssemblyEngine } from './lanes.ts'
export { MessageRow } from './message-row.ts'
export { hashOneByOne } from './one-by-one.ts'
