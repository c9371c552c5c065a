// The table of real clients in docs/controls.md has all violations.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { HANDSHAKE_FAULT_NAMES } from '../../../src/controls/handshake-faults.js'
import { VIOLATION_NAMES } from '../../../src/controls/violations.js'
import { CONTROLS_PAGE, readBlock } from '../../support/readme-blocks.js'

const page = readFileSync(CONTROLS_PAGE, 'utf8')

test('every violation was tried with real clients (else npm run clients)', () => {
  const block = readBlock(page, 'clients')
  for (const name of [
    ...VIOLATION_NAMES.map(name => `send=${name}`),
    ...HANDSHAKE_FAULT_NAMES.map(name => `handshake=${name}`),
  ])
    assert.ok(block.includes(`\n| \`${name === 'send=bomb' ? 'send=bomb=64MiB' : name}\` |`), name)
})
