// wsload is compiled on first use, and says what to install where it cannot be.

import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { BENCH } from '../src/paths.js'
import { buildWsload, loadProgram } from '../src/wsload.js'

const folder = mkdtempSync(join(tmpdir(), 'echobahn-bench-'))
after(() => rmSync(folder, { recursive: true }))
const source = join(BENCH, 'wsload')

/** A compiler that complains and fails. */
function brokenCompiler(name: string, complaint: string): string {
  const file = join(folder, name)
  writeFileSync(file, `#!/bin/sh\necho "${complaint}" >&2\nexit 1\n`)
  chmodSync(file, 0o755)
  return file
}

test('it is compiled once', () => {
  const cache = join(folder, 'cache')
  const program = buildWsload({ source, compiler: 'gcc', cache })
  const { mtimeMs } = statSync(program)
  assert.equal(buildWsload({ source, compiler: '/nonexistent/gcc', cache }), program)
  assert.equal(statSync(program).mtimeMs, mtimeMs)
  assert.deepEqual(readdirSync(cache), [program.slice(cache.length + 1)])
})

test('a changed source is another program', () => {
  const changed = join(folder, 'wsload')
  const cache = join(folder, 'changes')
  cpSync(source, changed, { recursive: true })
  const before = buildWsload({ source: changed, compiler: 'gcc', cache })
  appendFileSync(join(changed, 'util.h'), '// a comment\n')
  assert.notEqual(buildWsload({ source: changed, compiler: 'gcc', cache }), before)
})

test('without gcc, what to install is said', () => {
  assert.throws(
    () => buildWsload({ source, compiler: '/nonexistent/gcc', cache: join(folder, 'none') }),
    /^Error: \/nonexistent\/gcc cannot be run .*apt-get install gcc zlib1g-dev\). --client ts/s,
  )
})

for (const [name, complaint] of [
  ['headers', 'message.c:8:10: fatal error: zlib.h: No such file or directory'],
  ['library', '/usr/bin/ld: cannot find -lz: No such file or directory'],
])
  test(`without zlib's ${name}, what to install is said`, () => {
    assert.throws(
      () => buildWsload({ source, compiler: brokenCompiler(name, complaint), cache: join(folder, 'none') }),
      /zlib's headers are missing: .*apt-get install gcc zlib1g-dev/s,
    )
  })

test('any other complaint of the compiler is shown', () => {
  assert.throws(
    () => buildWsload({ source, compiler: brokenCompiler('other', 'out of luck'), cache: join(folder, 'none') }),
    /could not compile wsload:\nout of luck$/,
  )
})

test('the TypeScript client needs no compiler', () => {
  assert.deepEqual(loadProgram('ts').command[0], process.execPath)
})
