// The generated tables of the pages in docs: each stands between two HTML comments that carry its name.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ROUTES } from '../../src/admin/routes.js'
import { renderControlsTable, renderViolationsTable } from '../../src/controls/catalogue.js'
import { renderMetricsTable } from './metrics-table.js'
import { renderLoadOptionsTable, renderOptionsTable } from './options-tables.js'

export const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'))

/** What renders the blocks of each page, by the names of their markers; that of real clients is test/clients'. */
export const PAGES: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'docs/options.md': { options: renderOptionsTable },
  'docs/metrics.md': { metrics: renderMetricsTable },
  'docs/admin.md': { routes: renderRoutesTable },
  'docs/load.md': { 'load-options': renderLoadOptionsTable },
  'docs/controls.md': { controls: renderControlsTable, violations: renderViolationsTable },
}

export const CONTROLS_PAGE = join(ROOT, 'docs/controls.md')

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8')
}

/** The page with each of its blocks rendered anew. */
export function renderPage(page: string): string {
  return Object.entries(PAGES[page]).reduce(
    (markdown, [name, render]) => replaceBlock(markdown, name, render()),
    readPage(page),
  )
}

function renderRoutesTable(): string {
  const rows = Object.entries(ROUTES).map(([route, tells]) => `| \`${route}\` | ${tells} |`)
  return ['| route | what it tells or does |', '| --- | --- |', ...rows].join('\n')
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
  if (start < begin.length || end < 0) throw new Error(`no block ${name} on the page`)
  return { start, end }
}
