// Certificate and key that cannot be used: which flag, which file, and why.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkTlsFiles } from '../../../src/primary/tls-files.js'
import { certificate, privateKey } from '../../support/certificate.js'

test('each file is named with what is wrong with it', t => {
  const folder = mkdtempSync(join(tmpdir(), 'echobahn-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = (name: string) => join(folder, name)
  for (const name of ['first', 'second'] as const) {
    writeFileSync(path(`${name}.crt`), certificate(name))
    writeFileSync(path(`${name}.key`), privateKey(name))
  }
  writeFileSync(path('text'), 'no certificate')
  const check = (cert: string, key: string) => () => checkTlsFiles({ tlsCert: path(cert), tlsKey: path(key) })
  const complains = (cert: string, key: string, message: RegExp) =>
    assert.throws(check(cert, key), { code: 'ECHOBAHN_TLS_FAILED', message })
  assert.doesNotThrow(check('first.crt', 'first.key'))
  complains('missing', 'first.key', /^--tls-cert=\S*missing: cannot be read \(ENOENT\)$/)
  complains('first.crt', 'missing', /^--tls-key=\S*missing: cannot be read \(ENOENT\)$/)
  complains('text', 'first.key', /^--tls-cert=\S*text: not a PEM certificate \(ERR_\w+\)$/)
  complains('first.crt', 'text', /^--tls-key=\S*text: not a PEM private key without passphrase \(ERR_\w+\)$/)
  complains('first.crt', 'second.key', /^--tls-key=\S*second.key: not the key of --tls-cert=\S*first.crt \(ERR_\w+\)$/)
})

test('without TLS there is nothing to check', () => {
  checkTlsFiles({ tlsCert: undefined, tlsKey: undefined })
})
