// Rewrites the generated tables of README.md, docs/load.md and docs/controls.md:
// npm run build:test && node .build/test/support/update-readme.js

import { readFileSync, writeFileSync } from 'node:fs'
import { renderLoadOptionsTable } from './options-tables.js'
import { BLOCKS, CONTROLS_BLOCKS, CONTROLS_PAGE, LOAD_PAGE, README, readReadme, replaceBlock } from './readme-blocks.js'

function withBlocks(markdown: string, blocks: Readonly<Record<string, () => string>>): string {
  return Object.entries(blocks).reduce((page, [name, render]) => replaceBlock(page, name, render()), markdown)
}

writeFileSync(README, withBlocks(readReadme(), BLOCKS))
writeFileSync(LOAD_PAGE, withBlocks(readFileSync(LOAD_PAGE, 'utf8'), { 'load-options': renderLoadOptionsTable }))
writeFileSync(CONTROLS_PAGE, withBlocks(readFileSync(CONTROLS_PAGE, 'utf8'), CONTROLS_BLOCKS))
