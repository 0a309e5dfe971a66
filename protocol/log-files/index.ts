/** A log as files: which there are (C2SP tlog-tiles and ours beside them), and what is in them. */
export { encodeItems, parseItems } from './items.ts'
export { type BundleFile, bundleKinds, type LogFile, logFilePath, parseLogFilePath } from './log-file.ts'
export { decodeRecordItem, encodeRecordItem, recordLengthBytes } from './record-item.ts'
