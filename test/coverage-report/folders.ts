// Coverage by folder of src, beside what each folder must have.

import { relative } from 'node:path'

interface Count {
  readonly total: number
  readonly covered: number
}

interface FileSummary {
  readonly lines: Count
  readonly branches: Count
}

/** As Istanbul's json-summary has it: by absolute path, and `total`. */
export type Summary = Readonly<Record<string, FileSummary>>

interface Folder extends FileSummary {
  /** Such as `src/worker`; `src` for the files directly in it. */
  readonly name: string
}

/** The least share of branches, in %. What runs in browsers has tests of its own, which are not measured here. */
const LEAST = 90
const LEAST_OF: Readonly<Record<string, number>> = { 'src/protocol': 100, 'src/codec': 100, 'src/console': 0 }

/** @param root absolute path of the project */
export function foldersOf(summary: Summary, root: string): Folder[] {
  const folders = new Map<string, Folder>()
  for (const [path, { lines, branches }] of Object.entries(summary)) {
    if (path === 'total') continue
    const parts = relative(root, path)
      .replace(/^\.build\//, '')
      .split('/')
    const name = parts.slice(0, parts.length > 2 ? 2 : 1).join('/')
    const before = folders.get(name)
    folders.set(name, { name, lines: sum(before?.lines, lines), branches: sum(before?.branches, branches) })
  }
  return [...folders.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Markdown. */
export function renderFolders(folders: readonly Folder[]): string {
  const rows = folders.map(
    ({ name, lines, branches }) => `| ${name} | ${percentOf(lines)} | ${percentOf(branches)} | ${leastOf(name)} |`,
  )
  return ['| folder | lines, % | branches, % | at least, % |', '|---|---|---|---|', ...rows].join('\n')
}

/** A line for each folder that has less than it must. */
export function shortcomings(folders: readonly Folder[]): string[] {
  return folders
    .filter(({ name, branches }) => 100 * branches.covered < leastOf(name) * branches.total)
    .map(
      ({ name, branches }) => `${name}: ${percentOf(branches)} % of branches, at least ${leastOf(name)} are asked for`,
    )
}

function leastOf(name: string): number {
  return LEAST_OF[name] ?? LEAST
}

function sum(a: Count | undefined, b: Count): Count {
  return { total: (a?.total ?? 0) + b.total, covered: (a?.covered ?? 0) + b.covered }
}

/** Rounded down, so that only what is whole is 100. */
function percentOf({ total, covered }: Count): string {
  return (total === 0 ? 100 : Math.floor((1000 * covered) / total) / 10).toFixed(1)
}
