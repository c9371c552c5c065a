// As many connections as the system allows open files, and no more.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { requireOpenFiles } from '../src/open-files.js'

test('a limit that is too low is told before anything is opened', () => {
  requireOpenFiles(4096, 4352)
  assert.throws(
    () => requireOpenFiles(4096, 4351),
    /^Error: 4096 connections need 4352 open files, and ulimit -Hn allows 4351: raise it first$/,
  )
})

test("the limit is the process's own hard one", () => {
  const module = new URL('../src/open-files.js', import.meta.url).href
  const program = `import { requireOpenFiles } from '${module}'; requireOpenFiles(44); requireOpenFiles(45)`
  const limited = ['-c', 'ulimit -n 300; exec "$0" --input-type module --eval "$1"', process.execPath, program]
  assert.throws(
    () => execFileSync('sh', limited, { stdio: 'pipe' }),
    /45 connections need 301 open files, and ulimit -Hn allows 300/,
  )
})
