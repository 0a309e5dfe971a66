import { PluginError } from '../errors.ts'

/** ERR_CHAIN_DAMAGED. @param what is wrong with the chain */
export function damaged(what: string, cause?: unknown): PluginError {
  return new PluginError('ERR_CHAIN_DAMAGED', `the chain is damaged: ${what}`, {}, cause)
}

/** ERR_CHAIN_ROLLED_BACK. @param details sizes of the chain and of what was kept of it */
export function rolledBack(
  what: string,
  details: { readonly treeSize: number; readonly keptSize: number },
): PluginError {
  return new PluginError('ERR_CHAIN_ROLLED_BACK', `the chain was rolled back: ${what}. ${whatToDo}`, details)
}

/** Ends the message of a start that is refused. */
export const whatToDo = 'Nothing was changed. "notarymq audit recover --db DIR" explains what can be done'
