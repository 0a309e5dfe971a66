export { Sha256Lanes, type WebAssemblyEngine } from './lanes.ts'
export { hashOneByOne } from './one-by-one.ts'
