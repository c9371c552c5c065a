// Makes of src: `.build/page.js`, all of Grafana's components that the page needs, and `.build/draw.js`, which has the browser show it.

import { rmSync } from 'node:fs'
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
await build({ ...shared, entryPoints: ['src/draw.ts'], platform: 'node', format: 'esm', packages: 'external' })
