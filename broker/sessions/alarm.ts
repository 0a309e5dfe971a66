/** Node turns longer delays into one millisecond. */
const longestTimerMs = 2 ** 31 - 1

/** Calls back at a point in time, however far away; does not keep the process alive. @returns cancels it */
export function alarmAt(timeMs: number, now: () => number, ring: () => void): () => void {
  let timer: NodeJS.Timeout
  const arm = () => {
    const leftMs = Math.max(0, timeMs - now())
    timer = setTimeout(() => (leftMs > longestTimerMs ? arm() : ring()), Math.min(leftMs, longestTimerMs))
    timer.unref()
  }
  arm()
  return () => clearTimeout(timer)
}
