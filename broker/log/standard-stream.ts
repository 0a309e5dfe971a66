import type { LogTarget } from './log-target.ts'

/** Standard error and standard output. Whoever reads them may go away without the broker ending for it. */
export function standardStream(stream: NodeJS.WriteStream): LogTarget {
  if (!stream.listeners('error').includes(readerIsGone)) stream.on('error', readerIsGone)
  return {
    write: (_type, prefix, text) => {
      if (stream.writable) stream.write(`${prefix}${text}\n`)
    },
  }
}

/** Without a listener the error would end the process, and there is no other place to tell. */
function readerIsGone(): void {}
