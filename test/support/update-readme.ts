// Rewrites the generated tables of the pages in docs:
// npm run build:test && node .build/test/support/update-readme.js

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PAGES, ROOT, renderPage } from './readme-blocks.js'

for (const page of Object.keys(PAGES)) writeFileSync(join(ROOT, page), renderPage(page))
