// Rewrites the generated tables of the pages in docs, and the runbook as the page that Prometheus serves:
// npm run build:test && node .build/test/support/update-readme.js

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PAGES, ROOT, readPage, renderPage } from './readme-blocks.js'
import { renderRunbook } from './runbook-page.js'

for (const page of Object.keys(PAGES)) writeFileSync(join(ROOT, page), renderPage(page))
writeFileSync(join(ROOT, 'prometheus/consoles/runbook.html'), renderRunbook(readPage('docs/runbook.md')))
