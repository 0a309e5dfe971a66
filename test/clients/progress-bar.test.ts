import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProgressBar, progressLine } from '../../clients/cli/progress-bar.ts'

/** A stream that keeps what is written. */
function stream(isTTY: boolean) {
  const written: string[] = []
  return { isTTY, written, write: (text: string) => written.push(text) > 0 }
}

test('a progress line has bar, percent, rate and the time that is left', () => {
  const line = progressLine({ records: 250_000, total: 1_000_000 }, 2000)
  assert.equal(line, '[######------------------]  25 %  125000 records/s  6 s left')
  assert.equal(progressLine({ records: 0, total: 0 }, 0), '[------------------------]   0 %  0 records/s')
})

test('a bar is written over itself on a terminal and gone at its end', () => {
  const terminal = stream(true)
  const bar = new ProgressBar(terminal, () => 0)
  bar.show({ records: 1, total: 4 })
  bar.end()
  const [shown, cleared] = terminal.written
  assert.match(shown ?? '', /^\r\[#{6}/)
  assert.match(cleared ?? '', /^\r +\r$/)
})

test('nothing is written where no terminal is', () => {
  const file = stream(false)
  const bar = new ProgressBar(file)
  bar.show({ records: 1, total: 4 })
  bar.end()
  assert.deepEqual(file.written, [])
})
