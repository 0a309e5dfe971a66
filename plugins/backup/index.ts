export { type BackupResult, backUp } from './back-up.ts'
