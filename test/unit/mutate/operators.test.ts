// Which changes a mutation run makes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mutantsOf } from '../../mutate/operators.js'

const mutated = (source: string): string[] =>
  mutantsOf(source).map(({ start, end, replacement }) => source.slice(0, start) + replacement + source.slice(end))

test('each kind of change', () => {
  const cases: readonly (readonly [source: string, mutants: readonly string[]])[] = [
    ['a = b < c', [';', 'a = b <= c']],
    ['a = b === c', [';', 'a = b !== c']],
    ['a = b + c', [';', 'a = b - c']],
    ["a = b + 'text'", [';']],
    ['a = b && c', [';', 'a = b || c']],
    ['a = b ?? c', [';', 'a = (b)']],
    ['a += b', [';', 'a -= b']],
    ['a++', [';', 'a--']],
    ['--a', [';', '++a']],
    ['a = !b', [';', 'a = (b)']],
    ['if (a) b()', ['if (!(a)) b()', 'if (a) ;']],
    ['while (a) break', ['while (!(a)) break', 'while (a) ;']],
    ['throw a', [';']],
    ['a = true', [';', 'a = false']],
    ['a = 7', [';', 'a = 8']],
    ["'use strict'", []],
  ]
  for (const [source, mutants] of cases) assert.deepEqual(new Set(mutated(source)), new Set(mutants), source)
  assert.deepEqual(mutated('function f() { return a }'), ['function f() { return; }'])
  assert.deepEqual(mutated('function f() { return undefined }'), [])
  assert.ok(mutated('async () => await a').includes('async () => (a)'))
})
