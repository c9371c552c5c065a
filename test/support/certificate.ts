// Certificates of test/fixtures/tls, in files of a test's own that it may replace.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const FIXTURES = join(dirname(createRequire(import.meta.url).resolve('#package.json')), 'test', 'fixtures', 'tls')

/** The first two are for 127.0.0.1, `named` is for echo.test. */
export type CertificateName = 'first' | 'second' | 'named'

/** PEM of a certificate, for clients to trust. */
export function certificate(name: CertificateName): Buffer {
  return readFileSync(join(FIXTURES, `${name}.crt`))
}

/** PEM of its key. */
export function privateKey(name: CertificateName): Buffer {
  return readFileSync(join(FIXTURES, `${name}.key`))
}

export class TlsFiles {
  readonly #directory = mkdtempSync(join(tmpdir(), 'echobahn-tls-'))
  readonly cert = join(this.#directory, 'server.crt')
  readonly key = join(this.#directory, 'server.key')

  /** The files hold the first certificate, and are gone when the test ends. */
  constructor(t: { after(hook: () => void): void }) {
    t.after(() => rmSync(this.#directory, { recursive: true }))
    this.use('first')
  }

  /** Flags that make the service use the files. */
  get flags(): string[] {
    return ['--tls-cert', this.cert, '--tls-key', this.key]
  }

  use(name: CertificateName): void {
    copyFileSync(join(FIXTURES, `${name}.crt`), this.cert)
    copyFileSync(join(FIXTURES, `${name}.key`), this.key)
  }

  /** Makes the certificate unusable. */
  spoil(): void {
    writeFileSync(this.cert, 'not a certificate')
  }
}
