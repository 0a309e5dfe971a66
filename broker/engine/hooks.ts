import type { AedesOptions } from 'aedes'

type Hooks = Required<
  Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'>
>

/** Return code of a CONNACK that refuses without saying why. [MQTT-3.1.1 3.2.2.3] */
export const notAuthorizedReturnCode = 5

/** Every hook of the engine, so that none can end the process: a hook that throws refuses. */
export function guardHooks(hooks: Hooks, onError: (error: unknown) => void): Hooks {
  const failure = () => new Error('not authorized')
  return {
    preConnect: guardHook(hooks.preConnect, (answer) => answer(failure(), false), onError),
    authenticate: guardHook(
      hooks.authenticate,
      (answer) => answer(Object.assign(failure(), { returnCode: notAuthorizedReturnCode }), null),
      onError,
    ),
    authorizePublish: guardHook(hooks.authorizePublish, (answer) => answer(failure()), onError),
    authorizeSubscribe: guardHook(hooks.authorizeSubscribe, (answer) => answer(null, null), onError),
    authorizeForward: (client, packet) => {
      try {
        return hooks.authorizeForward(client, packet)
      } catch (error) {
        onError(error)
        return null
      }
    },
  }
}

/**
 * Wraps one hook: what it throws becomes its answer, and its callback runs once, whatever the hook does (engine row 10).
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
