import type { TestContext } from 'node:test'

type Cleanup = () => unknown

const registered = new WeakMap<TestContext, Cleanup[]>()

/**
 * Runs `cleanup` when the test ends, in the reverse order of registration: a broker closes before its directory goes.
 * The runner's own `t.after` keeps the order of registration, and skips the rest when one throws.
 */
export function atEnd(t: TestContext, cleanup: Cleanup): void {
  const known = registered.get(t)
  if (known !== undefined) {
    known.push(cleanup)
    return
  }
  const cleanups = [cleanup]
  registered.set(t, cleanups)
  t.after(async () => {
    const errors: unknown[] = []
    for (let next = cleanups.pop(); next !== undefined; next = cleanups.pop()) {
      try {
        await next()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors)
  })
}
