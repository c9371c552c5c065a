// The generated tables of the pages in docs are what the code renders.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PAGES, readBlock, readPage } from '../../support/readme-blocks.js'

for (const [page, blocks] of Object.entries(PAGES))
  for (const [name, render] of Object.entries(blocks))
    test(`${page} holds the rendered table of ${name} (else npm run readme)`, () => {
      assert.equal(readBlock(readPage(page), name), render())
    })
