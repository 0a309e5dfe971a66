/** Tells how far a command is, on a terminal and nowhere else. */
export interface Progress {
  readonly show: (records: number, of?: number) => void
  readonly end: () => void
}

export function showProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { show: () => {}, end: () => {} }
  return {
    show: (records, of) => {
      stream.write(`\r${records}${of === undefined ? '' : ` of ${of}`} records`)
    },
    end: () => {
      stream.write('\r')
    },
  }
}
