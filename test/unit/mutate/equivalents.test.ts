// The list of mutants that no test can notice: each entry is still one of a mutant that there is.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Equivalents, readEntries } from '../../mutate/equivalents.js'
import { changeOf, lineOf, mutantsOf } from '../../mutate/operators.js'
import { compiledOf } from '../../mutate/tree.js'
import { ROOT } from '../../support/root.js'

const compiled = (file: string): string => readFileSync(join(ROOT, '.build', compiledOf(file)), 'utf8')

test('each entry names a mutant of the code as it is, once, and gives a reason', () => {
  const entries = readEntries()
  const names = entries.map(({ file, line, change }) => JSON.stringify([file, line, change]))
  assert.deepEqual([...new Set(names)], names)
  for (const file of new Set(entries.map(each => each.file))) {
    const source = compiled(file)
    const found = mutantsOf(source).map(mutant => JSON.stringify([lineOf(source, mutant), changeOf(source, mutant)]))
    for (const { line, change, reason } of entries.filter(each => each.file === file)) {
      assert.ok(found.includes(JSON.stringify([line, change])), `${file}: no longer there: ${change}, in: ${line}`)
      assert.match(reason, /^[A-Z].*\.$/)
    }
  }
})

test('a reason is found by file, line and change, wherever the line stands', () => {
  const entries = [{ file: 'src/a.ts', line: 'if (a < b)', change: '< → <=', reason: 'They never are equal.' }]
  const equivalents = new Equivalents(entries)
  const reasons = (file: string, source: string) =>
    mutantsOf(source)
      .map(mutant => [changeOf(source, mutant), equivalents.reason(file, source, mutant)])
      .filter(([, reason]) => reason !== undefined)
  const found = reasons('src/a.ts', 'go()\n  if (a < b)\n    go()')
  assert.deepEqual(found, [['< → <=', 'They never are equal.']])
  for (const [file, source] of [
    ['src/b.ts', 'if (a < b)\n  go()'],
    ['src/a.ts', 'if (a < c)\n  go()'],
  ])
    assert.deepEqual(reasons(file, source), [])
})
