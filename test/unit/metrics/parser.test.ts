// The tests' own parser of the exposition is strict enough to catch what Prometheus would refuse.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseExposition } from '../../support/exposition.js'

test('series are keyed by their text', () => {
  const text = '# HELP a_total A.\n# TYPE a_total counter\na_total{b="c \\"d\\""} 1\na_total{b="e"} +Inf\n'
  assert.deepEqual(
    [...parseExposition(text)],
    [
      ['a_total{b="c \\"d\\""}', 1],
      ['a_total{b="e"}', Infinity],
    ],
  )
})

for (const [what, text] of [
  ['a sample without TYPE', 'a 1\n'],
  ['a repeated series', '# TYPE a gauge\na 1\na 2\n'],
  ['a repeated family', '# TYPE a gauge\n# TYPE a gauge\n'],
  ['a value that is no number', '# TYPE a gauge\na one\n'],
  ['an unescaped quote', '# TYPE a gauge\na{b="c"d"} 1\n'],
  ['a bad name', '# TYPE a gauge\na-b 1\n'],
  ['an unfinished last line', '# TYPE a gauge\na 1'],
  ['a sample of another family', '# TYPE a gauge\nb 1\n'],
]) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parseExposition(text))
  })
}
