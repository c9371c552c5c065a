// Rewrites the generated tables of README.md: npm run build:test && node .build/test/support/update-readme.js

import { writeFileSync } from 'node:fs'
import { BLOCKS, README, readReadme, replaceBlock } from './readme-blocks.js'

const updated = Object.entries(BLOCKS).reduce(
  (markdown, [name, render]) => replaceBlock(markdown, name, render()),
  readReadme(),
)
writeFileSync(README, updated)
