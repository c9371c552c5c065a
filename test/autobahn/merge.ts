// Makes one report of those that several processes of the suite wrote.

import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The suite's index.json: by agent, then by case. */
export type Index = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** A row of the suite's index.html; every index has one for each case, also for those it did not run. */
const ROW = /<tr class="agent_case_result_row">.*?<\/tr>/gs
const CASE_OF_ROW = /href="#case_desc_([\d_]+)"/
const NOT_RUN = 'class="case_missing'

/**
 * Moves the case pages of all `parts` to `target` and writes the indexes of all of them there.
 *
 * @param parts directories that the suite wrote to.
 */
export async function mergeReports(parts: readonly string[], target: string): Promise<void> {
  await mkdir(target, { recursive: true })
  const pages = await Promise.all(parts.map(part => readFile(join(part, 'index.html'), 'utf8')))
  const indexes = await Promise.all(parts.map(part => readFile(join(part, 'index.json'), 'utf8')))
  await writeFile(join(target, 'index.html'), mergePages(pages))
  await writeFile(
    join(target, 'index.json'),
    `${JSON.stringify(mergeIndexes(indexes.map(text => JSON.parse(text))), null, 3)}\n`,
  )
  for (const part of parts) {
    const files = (await readdir(part)).filter(name => name.includes('_case_'))
    for (const name of files) await rename(join(part, name), join(target, name))
  }
}

/** The first page, with the row of each case from the page whose process ran it. */
export function mergePages(pages: readonly string[]): string {
  const run = new Map<string, string>()
  for (const [row] of pages.flatMap(page => [...page.matchAll(ROW)]))
    if (!row.includes(NOT_RUN)) run.set(caseOf(row), row)
  return pages[0].replace(ROW, row => run.get(caseOf(row)) ?? row)
}

export function mergeIndexes(indexes: readonly Index[]): Index {
  const agents = [...new Set(indexes.flatMap(index => Object.keys(index)))]
  return Object.fromEntries(agents.map(agent => [agent, Object.assign({}, ...indexes.map(index => index[agent]))]))
}

function caseOf(row: string): string {
  return row.match(CASE_OF_ROW)?.[1] ?? ''
}
