// Where the admin token comes from.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ExitError } from '../../../src/errors.js'
import { AdminToken } from '../../../src/primary/admin-token.js'

function fileWith(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'echobahn-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'token')
  writeFileSync(file, text)
  return file
}

test('it is the one given, or none', () => {
  const given = new AdminToken({ adminToken: 'abc', adminTokenFile: undefined })
  given.readAgain()
  assert.equal(given.current, 'abc')
  assert.equal(new AdminToken({ adminToken: undefined, adminTokenFile: undefined }).current, undefined)
})

test('it is what the file holds without white space, and what it holds when it is read again', t => {
  const file = fileWith(t, ' abc=\r\n')
  const token = new AdminToken({ adminToken: undefined, adminTokenFile: file })
  assert.equal(token.current, 'abc=')
  writeFileSync(file, 'def\n')
  assert.equal(token.current, 'abc=')
  token.readAgain()
  assert.equal(token.current, 'def')
})

for (const text of ['', '\n', 'two words', 'two\nlines', 'ü'])
  test(`a file with ${JSON.stringify(text)} is refused, and the token stays as it was`, t => {
    const file = fileWith(t, 'abc')
    const token = new AdminToken({ adminToken: undefined, adminTokenFile: file })
    writeFileSync(file, text)
    const message = `--admin-token-file=${file}: allowed are letters, digits and -._~+/, then any number of =, in one line`
    assert.throws(() => token.readAgain(), { message, code: 'ECHOBAHN_BAD_OPTION' })
    assert.equal(token.current, 'abc')
  })

test('a file that cannot be read stops the start', () => {
  assert.throws(
    () => new AdminToken({ adminToken: undefined, adminTokenFile: '/nowhere/token' }),
    (error: ExitError) =>
      error instanceof ExitError && /^--admin-token-file=\/nowhere\/token: ENOENT/.test(error.message),
  )
})
