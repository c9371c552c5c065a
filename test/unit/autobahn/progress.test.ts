import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatElapsed, Progress } from '../../autobahn/progress.js'

const cases = ['1.1.1', '1.2.1', '12.1.1', '12.2.1']

/** Two processes run `cases`; `elapsed` milliseconds pass with each. */
function show(isTTY: boolean): string[] {
  const written: string[] = []
  let now = 0
  const progress = new Progress(cases, { isTTY, write: text => written.push(text) }, () => now)
  for (const [process, id] of [
    [0, '1.1.1'],
    [1, '12.1.1'],
    [0, '1.2.1'],
    [1, '12.2.1'],
  ] as const) {
    now += 20_000
    progress.began(process, id)
  }
  progress.ended(0)
  progress.ended(1)
  progress.finish()
  return written
}

describe('progress', () => {
  it('is a line for each step that is done, where output is kept', () => {
    assert.deepEqual(show(false), [
      '1:20  groups 1/3  cases 2/4  12.1 done\n',
      '1:20  groups 2/3  cases 3/4  1 done\n',
      '1:20  groups 3/3  cases 4/4  12.2 done\n',
    ])
  })

  it('is one line that is rewritten, on a terminal', () => {
    const written = show(true)
    assert.ok(written.every(text => text.startsWith('\r\u001b[K') && !text.includes('\n')))
    assert.equal(written.at(-2), '\r\u001b[K1:20  groups 1/3  cases 2/4  now 1.2.1 12.2.1')
    assert.equal(written.at(-1), '\r\u001b[K')
  })

  it('gives minutes and seconds', () => {
    assert.equal(formatElapsed(0), '0:00')
    assert.equal(formatElapsed(605_999), '10:05')
  })
})
