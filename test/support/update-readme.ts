// Rewrites the generated tables of README.md and docs/load.md:
// npm run build:test && node .build/test/support/update-readme.js

import { readFileSync, writeFileSync } from 'node:fs'
import { renderLoadOptionsTable } from '../../src/cli/readme.js'
import { BLOCKS, LOAD_PAGE, README, readReadme, replaceBlock } from './readme-blocks.js'

const updated = Object.entries(BLOCKS).reduce(
  (markdown, [name, render]) => replaceBlock(markdown, name, render()),
  readReadme(),
)
writeFileSync(README, updated)
writeFileSync(LOAD_PAGE, replaceBlock(readFileSync(LOAD_PAGE, 'utf8'), 'load-options', renderLoadOptionsTable()))
