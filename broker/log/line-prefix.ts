import { formatTime } from '../../protocol/index.ts'

/** What precedes a line of the log. Many lines share a second, so a formatted one is kept for as long. */
export function linePrefix(timestamps: boolean, format: string | undefined, now = Date.now): () => string {
  if (!timestamps) return () => ''
  let knownSecond: number | undefined
  let prefix = ''
  return () => {
    const second = Math.floor(now() / 1000)
    if (second !== knownSecond) {
      knownSecond = second
      prefix = `${format === undefined ? second : formatTime(format, new Date(second * 1000))}: `
    }
    return prefix
  }
}
