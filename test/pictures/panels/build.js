// Makes of src: `.build/page.html` and its script, all of Grafana's components that it needs, and `.build/draw.js`, which has the browser show it.

import { rmSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

rmSync('.build', { recursive: true, force: true })
const shared = { bundle: true, outdir: '.build', logLevel: 'error' }

await build({
  ...shared,
  entryPoints: ['src/page.tsx'],
  // Code for editors, which no panel shows, would be loaded from other files.
  format: 'iife',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.ttf': 'empty', '.woff': 'empty', '.woff2': 'empty', '.svg': 'dataurl' },
})
writeFileSync(
  '.build/page.html',
  '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css"><body><script src="page.js"></script>',
)
await build({ ...shared, entryPoints: ['src/draw.ts'], platform: 'node', format: 'esm', packages: 'external' })
