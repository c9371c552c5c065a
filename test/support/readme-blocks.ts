// The generated tables of README.md: each stands between two HTML comments that carry its name.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { renderControlsTable, renderViolationsTable } from '../../src/controls/catalogue.js'
import { renderMetricsTable } from './metrics-table.js'
import { renderOptionsTable } from './options-tables.js'

export const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'))

export const README = join(ROOT, 'README.md')
/** Has the table of the options of `echobahn load`. */
export const LOAD_PAGE = join(ROOT, 'docs/load.md')
/** Has the tables of the test controls. */
export const CONTROLS_PAGE = join(ROOT, 'docs/controls.md')

/** What renders the block of each name. */
export const BLOCKS: Readonly<Record<string, () => string>> = {
  options: renderOptionsTable,
  metrics: renderMetricsTable,
}

/** What renders the blocks of the page of the controls, but for that of real clients (see test/clients). */
export const CONTROLS_BLOCKS: Readonly<Record<string, () => string>> = {
  controls: renderControlsTable,
  violations: renderViolationsTable,
}

export function readReadme(): string {
  return readFileSync(README, 'utf8')
}

/** The text between the markers, without the blank lines around it. Throws when a marker is missing. */
export function readBlock(markdown: string, name: string): string {
  const { start, end } = locate(markdown, name)
  return markdown.slice(start, end).trim()
}

/** The Markdown with the text between the markers replaced. Throws when a marker is missing. */
export function replaceBlock(markdown: string, name: string, text: string): string {
  const { start, end } = locate(markdown, name)
  return `${markdown.slice(0, start)}\n\n${text}\n\n${markdown.slice(end)}`
}

function locate(markdown: string, name: string): { start: number; end: number } {
  const begin = `<!-- ${name}:begin -->`
  const start = markdown.indexOf(begin) + begin.length
  const end = markdown.indexOf(`<!-- ${name}:end -->`, start)
  if (start < begin.length || end < 0) throw new Error(`no block ${name} in the README`)
  return { start, end }
}
