import type { TestContext } from 'node:test'

/** Stops the clocks that a keep alive looks at. @returns lets that many milliseconds pass, one after the other */
export function stopClocks(t: TestContext): (ms: number) => void {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 0 })
  t.mock.method(performance, 'now', () => Date.now())
  return (ms) => {
    // At once, a timer that is set within would find the clock at the end already.
    for (let passed = 0; passed < ms; passed++) t.mock.timers.tick(1)
  }
}
