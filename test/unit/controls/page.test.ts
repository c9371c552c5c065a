// The tables of docs/controls.md are the schema's, and its table of real clients has them all.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { HANDSHAKE_FAULT_NAMES } from '../../../src/controls/handshake-faults.js'
import { VIOLATION_NAMES } from '../../../src/controls/violations.js'
import { CONTROLS_BLOCKS, CONTROLS_PAGE, readBlock } from '../../support/readme-blocks.js'

const page = readFileSync(CONTROLS_PAGE, 'utf8')

for (const [name, render] of Object.entries(CONTROLS_BLOCKS))
  test(`docs/controls.md holds the rendered table of ${name} (else npm run readme)`, () => {
    assert.equal(readBlock(page, name), render())
  })

test('every violation was tried with real clients (else npm run clients)', () => {
  const block = readBlock(page, 'clients')
  for (const name of [
    ...VIOLATION_NAMES.map(name => `send=${name}`),
    ...HANDSHAKE_FAULT_NAMES.map(name => `handshake=${name}`),
  ])
    assert.ok(block.includes(`\n| \`${name === 'send=bomb' ? 'send=bomb=64MiB' : name}\` |`), name)
})
