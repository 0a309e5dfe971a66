export { CborReader, majorType } from './reader.ts'
export {
  type CborKey,
  type CborValue,
  decodeCbor,
  encodeCbor,
  maxDepth,
  readMap,
  readValue,
  writeValue,
} from './value.ts'
export { CborWriter } from './writer.ts'
