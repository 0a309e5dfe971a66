export {
  classifyDirective,
  type Directive,
  type DirectiveName,
  honouredDirectives,
  plannedNotaryDirectives,
  unsupportedMosquittoDirectives,
  unsupportedMosquittoPrefixes,
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
export { defaultOptions, loadConfigFile } from './load.ts'
export { resolveConfig } from './resolve.ts'
