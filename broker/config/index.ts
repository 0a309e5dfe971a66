export { changesForRestart } from './changes-for-restart.ts'
export { missingFiles } from './check-files.ts'
export {
  classifyDirective,
  type Directive,
  type DirectiveName,
  directives,
  honouredDirectives,
  plannedNotaryDirectives,
  type Reload,
  refusedFamilies,
  type Verdict,
} from './directives.ts'
export {
  ConfigError,
  type ConfigErrorCode,
  configErrorCodes,
  configErrorExitCode,
  configErrors,
  formatConfigError,
} from './errors.ts'
export { type ConfigLine, lexConfig } from './lexer.ts'
export { defaultOptions, type LoadedConfig, loadConfigFile, type ReadConfig, readConfigFile } from './load.ts'
export { type Interpretation, interpretConfig, resolveConfig } from './resolve.ts'
