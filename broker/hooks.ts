/**
 * Wraps a hook of the engine so that no input can end the process: what it throws becomes its answer, and its callback
 * runs once, whatever the hook does (engine row 10).
 * @param refuse calls the hook's callback with a refusal
 */
export function guardHook<Args extends unknown[], Callback extends (...results: never[]) => void>(
  hook: (...args: [...Args, Callback]) => void,
  refuse: (callback: Callback) => void,
  onError: (error: unknown) => void,
): (...args: [...Args, Callback]) => void {
  return (...all) => {
    const args = all.slice(0, -1) as Args
    const callback = all[all.length - 1] as Callback
    let isAnswered = false
    const once = ((...results: never[]) => {
      if (isAnswered) return
      isAnswered = true
      callback(...results)
    }) as Callback
    try {
      hook(...args, once)
    } catch (error) {
      onError(error)
      refuse(once)
    }
  }
}
