// The lock files: what is installed is what was looked at, to the octet.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../support/readme-blocks.js'

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly integrity?: string; readonly resolved?: string }>>
}

for (const path of ['package-lock.json', 'bench/package-lock.json', 'test/pictures/panels/package-lock.json'])
  test(`${path} has the digest of each package, and no address that is not everybody's`, () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as LockFile
    const installed = Object.entries(packages).filter(([name]) => name !== '')
    assert.ok(installed.length > 0)
    for (const [name, { integrity, resolved }] of installed) {
      assert.match(integrity ?? '', /^sha512-[\w+/]{86}==$/, name)
      assert.ok(resolved === undefined || resolved.startsWith('https://registry.npmjs.org/'), name)
    }
  })
