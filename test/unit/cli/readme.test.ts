// The options table has every option, and the tools that keep the tables of the pages true work.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPTIONS } from '../../../src/cli/schema.js'
import { renderOptionsTable } from '../../support/options-tables.js'
import { readBlock, replaceBlock } from '../../support/readme-blocks.js'

const PAGE = 'before\n<!-- options:begin -->\nold\n<!-- options:end -->\nafter\n'

test('the table has a row of five cells for every option', () => {
  const [header, rule, ...rows] = renderOptionsTable().split('\n')
  assert.match(header, /^\| Flag \| Environment \| Default \| Allowed \| What it does \|$/)
  assert.match(rule, /^(\| --- ){5}\|$/)
  assert.equal(rows.length, OPTIONS.length)
  for (const [index, { flag, variable }] of OPTIONS.entries()) {
    const cells = rows[index].split(/(?<!\\)\|/).slice(1, -1)
    assert.equal(cells.length, 5, rows[index])
    assert.deepEqual(
      cells.slice(0, 2).map(cell => cell.trim()),
      [`\`${flag}\``, `\`${variable}\``],
    )
  }
})

test('replacing a block keeps what is around it and can be repeated', () => {
  const once = replaceBlock(PAGE, 'options', 'new')
  assert.equal(once, 'before\n<!-- options:begin -->\n\nnew\n\n<!-- options:end -->\nafter\n')
  assert.equal(replaceBlock(once, 'options', 'new'), once)
  assert.equal(readBlock(once, 'options'), 'new')
})

test('a missing marker is an error', () => {
  assert.throws(() => readBlock(PAGE, 'metrics'), /no block metrics/)
  assert.throws(() => replaceBlock(PAGE.replace('options:end', ''), 'options', 'new'), /no block options/)
})
